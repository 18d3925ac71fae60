"""Documents of a wanted size and runs over them, without a provider."""

import random
from collections.abc import Iterable, Iterator, Sequence

from store.collection_writer import Acknowledged
from store.instant import rfc3339
from store.model import Document, Finding, Outcome, Report, Scope
from store.record import Record

TYPE = "bench.thing.item"
CHECKS = 5
SCOPE = Scope("bench", "scope-1", "scope-1")
_CHECKS = [
    (check_id, {"id": check_id, "title": f"Check {check_id}", "severity": "medium"})
    for check_id in (f"{TYPE}.check-{number}" for number in range(CHECKS))
]
_BATCH = 100
_SOURCE = random.Random(27001)
_WORDS = [f"{_SOURCE.getrandbits(40):010x}" for _ in range(4000)]


def documents(count: int, size: int, seed: int = 0) -> Iterator[Document]:
    """Yield documents of about ``size`` bytes that look like cloud configuration."""
    return (document(number, size, seed) for number in range(count))


def document(number: int, size: int, seed: int = 0) -> Document:
    """Return one of them; another seed changes its version and its first rule."""
    chance = random.Random(number * 1_000_003)
    content: dict[str, object] = {"item": {"Name": f"item-{number}", "Version": seed, "Enabled": True}}
    rules = [_rule(chance)]
    while len(rules) * 130 < size - 200:
        rules.append(_rule(chance))
    if seed:
        rules[0] = _rule(random.Random(number * 1_000_003 + seed))
    content["rules"] = rules
    return Document(TYPE, f"arn:bench:{number:08d}", f"item-{number}", "here", content)


def _rule(chance: random.Random) -> dict[str, object]:
    return {
        "RuleId": f"sgr-{chance.choice(_WORDS)}",
        "Protocol": chance.choice(("tcp", "udp", "-1")),
        "FromPort": chance.randrange(65536),
        "CidrIp": f"10.{chance.randrange(256)}.0.0/16",
        "Description": chance.choice(_WORDS),
    }


def findings(document: Document, key: str, keys: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """One check looks at a value that differs from item to item and fails half of them; the others pass."""
    port = document.content["rules"][0]["FromPort"]
    for number, (check_id, digest) in enumerate(keys):
        if number:
            yield Finding(check_id, digest, document.id, Outcome.PASS, {"item.Enabled": True}, "", key)
        else:
            outcome = Outcome.PASS if port < 1 << 15 else Outcome.FAIL
            yield Finding(check_id, digest, document.id, outcome, {"rules[0].FromPort": port}, "", key)


def run(record: Record, found: Sequence[Document] | Iterator[Document]) -> Acknowledged:
    """Write one run with one collection, judged by five checks, as the runner does it."""
    keys = record.register_checks(_CHECKS)
    uid = f"run-{record.clock().timestamp()}"
    run_id = record.begin_run(uid, "bench")
    started = rfc3339(record.clock())
    writer = record.collection(run_id, uid, SCOPE, TYPE, "here")
    alike = writer.judged_alike("00" * 32)
    batch: list[Document] = []

    def flush() -> None:
        kept = writer.keep(batch)
        writer.judge(
            (
                finding
                for document, keep in zip(batch, kept, strict=True)
                if keep.changed or not alike
                for finding in findings(document, keep.hash, keys)
            ),
            keys,
        )
        batch.clear()

    for document in found:
        batch.append(document)
        if len(batch) == _BATCH:
            flush()
    flush()
    report = Report(True, [], started, rfc3339(record.clock()), {"calls": []})
    done = writer.finish(report, "00" * 32, keys)
    record.finish_run(run_id, "complete", {"resources": done.resources})
    return done
