"""Collecting an account of 100 buckets, 50 users and the rest from a local server.

The baseline is bare boto3 making as many calls of the kind that collecting is made of: what is
left above it is Annexa's own work. For comparison, Prowler 5.46 took 44 s of CPU and 738 MB for
such an account on such a machine (2026), and kept no configuration.
"""

import os
import sys
import tempfile
from pathlib import Path

from annexa.demo.estate import seed_large
from annexa.demo.server import MotoServer
from annexa.workspace import Workspace
from benchmarks import measure
from store import query

_PROWLER_CPU_S, _PROWLER_MB = 44.0, 738.0
_CONFIG = """
[store]
path = "store"
[aws]
regions = ["eu-central-1", "us-east-1"]
endpoint_url = "{endpoint}"
retries = 1
"""
_BARE = """
import sys
import boto3
client = boto3.client("s3", region_name="eu-central-1")
names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
for number in range(int(sys.argv[1])):
    client.get_bucket_versioning(Bucket=names[number % len(names)])
"""
_CALLS = 500


def main() -> None:
    """Print the figures."""
    with MotoServer() as server, tempfile.TemporaryDirectory() as folder:
        estate = seed_large(server.endpoint)
        env = {**os.environ, **_credentials(estate.access_key, estate.secret_key, server.endpoint)}
        config = Path(folder) / "annexa.toml"
        config.write_text(_CONFIG.format(endpoint=server.endpoint), encoding="utf-8")
        command = [sys.executable, "-m", "annexa", "--config", str(config), "collect", "--format", "json"]
        bare = measure.process([sys.executable, "-c", _BARE, str(_CALLS)], env)
        first = measure.process(command, env)
        again = measure.process(command, env)
        calls = _calls_made(config)
    per_call = bare.cpu_s / _CALLS * 1000
    measure.note(f"{calls} calls; bare boto3 takes {per_call:.2f} ms of CPU for one, start included")
    measure.line("CPU of the first run, against bare calls", first.cpu_s, calls * per_call / 1000)
    measure.line("CPU of an unchanged run, against bare calls", again.cpu_s, calls * per_call / 1000)
    measure.line("CPU of the first run, against Prowler's", first.cpu_s, _PROWLER_CPU_S)
    measure.line("peak memory, against Prowler's", first.peak_mb, _PROWLER_MB, "MB")
    measure.note(f"wall clock: first run {first.wall_s:.1f} s, unchanged run {again.wall_s:.1f} s")


def _credentials(access_key: str, secret_key: str, endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _calls_made(config: Path) -> int:
    workspace = Workspace.load(config)
    with workspace.reading() as record:
        last = query.last_run(record)
        reports = query.reports(record, last["run"]) if last else iter(())
        return sum(tally["count"] for report in reports for tally in report["provenance"].get("calls", []))
