"""A small record to show things from: one account with passes, failures, and what could not be read."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from annexa.plugin import Document, Gap, Report, Scope
from annexa.workspace import Workspace
from scheduler.runner import Runner, RunResult
from store.record import Record
from tests.scheduler.memory_collector import MemoryCollector, Reader

ACCOUNT = "123456789012"
REGION = "eu-central-1"
CHECK = "aws.s3.bucket.encrypted-with-kms"
"""Passes for ``payroll``, fails for ``letters``, and is unknown for ``sealed``."""

FORMULA = '=HYPERLINK("http://example.com","x")'
"""The name of a volume, which a spreadsheet must not take for a formula."""
ESCAPE = "\x1b[31mred\x1b[0m"
"""The name of another, which must not reach a terminal as it is."""

_PROVENANCE = {"calls": [{"call": "s3:ListBuckets", "pages": 1}], "principal": "arn:aws:iam::1:user/auditor"}


class SampleCollector(MemoryCollector):
    """Stands for AWS: documents as the built-in definitions give them."""

    provider = "aws"


def fill(config: Path, clock: dt.datetime | None = None, letters: str = "AES256") -> RunResult:
    """Make one run of the built-in checks over the sample.

    Args:
        config: the configuration whose store is filled.
        clock: when it is; the present if not given.
        letters: how the bucket ``letters`` is encrypted.
    """
    workspace = Workspace.load(config)
    collector = SampleCollector()
    collector.scopes = (Scope("aws", ACCOUNT, "Sample", (REGION,), {"partition": "aws"}),)
    collector.regional = frozenset({"aws.ec2.volume", "aws.kms.key"})
    collector.types = ("aws.s3.bucket", "aws.ec2.volume", "aws.kms.key")
    collector.readers = {
        (ACCOUNT, "aws.s3.bucket"): _reader(
            [_bucket("payroll", "aws:kms"), _bucket("letters", letters), _bucket("sealed", None)]
        ),
        (ACCOUNT, "aws.ec2.volume"): _reader([_volume("vol-1", FORMULA), _volume("vol-2", ESCAPE)]),
        (ACCOUNT, "aws.kms.key"): _denied,
    }
    moment = clock or dt.datetime.now(dt.UTC)
    collector.clock = lambda: moment
    with Record.writer(workspace.config.store_path, lambda: moment) as record:
        return Runner(record, [collector], workspace.checks.values(), {}).run("sample")


def _bucket(name: str, algorithm: str | None) -> Document:
    read = algorithm is not None
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return Document(
        "aws.s3.bucket",
        f"arn:aws:s3:::{name}",
        name,
        REGION,
        {"item": {"Name": name}, **({"encryption": [rule]} if read else {})},
        {} if read else {"encryption": {"call": "s3:GetBucketEncryption", "code": "AccessDenied"}},
    )


def _volume(identifier: str, name: str) -> Document:
    item = {"VolumeId": identifier, "Encrypted": False, "Tags": [{"Key": "Name", "Value": name}]}
    return Document(
        "aws.ec2.volume", f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{identifier}", name, REGION, {"item": item}
    )


def _reader(found: list[Document]) -> Reader:
    def read(report: Report) -> Iterator[Document]:
        for document in found:
            yield document
            for key, gap in document.gaps.items():
                report.gaps.append(
                    Gap(gap["call"], gap["code"], "Access Denied", report.started, document.id, key, REGION)
                )
        report.provenance = dict(_PROVENANCE)
        report.complete = True

    return read


def _denied(report: Report) -> Iterator[Document]:
    report.gaps.append(Gap("kms:ListKeys", "AccessDeniedException", "not authorized", report.started))
    yield from ()
