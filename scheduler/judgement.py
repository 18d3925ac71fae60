"""Which checks judge what, and judging no more than has changed."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mappings.check import Check
from mappings.evaluate import judge, judge_scope, scope_view
from store.canonical import digest
from store.collection_writer import Kept
from store.model import Document, Finding, Outcome, Report, Scope
from store.record import Record

CheckKeys = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class CheckSet:
    """The checks on one resource type, or on whole scopes, as the record knows them.

    Attributes:
        keys: (check id, digest) → the record's row.
    """

    checks: tuple[Check, ...]
    keys: CheckKeys

    def digest(self, scope: Scope) -> str:
        """Digest over everything that judging depends on besides documents and the clock."""
        return digest({"checks": [check.digest for check in self.checks], "scope": scope_view(scope)})


@dataclass(slots=True)
class Judge:
    """The checks of a run, by what they judge."""

    by_type: dict[str, CheckSet] = field(default_factory=dict)
    by_provider: dict[str, CheckSet] = field(default_factory=dict)

    @classmethod
    def register(cls, record: Record, checks: Iterable[Check]) -> "Judge":
        """Keep the checks in the record and sort them by what they judge.

        Raises:
            DefinitionError: a rule does not compile.
        """
        checks = list(checks)
        for check in checks:
            _ = check.rules  # compiled now: not when half of the run is done
        keys = record.register_checks((check.id, check.applied()) for check in checks)
        by_type: dict[str, list[Check]] = defaultdict(list)
        by_provider: dict[str, list[Check]] = defaultdict(list)
        for check in checks:
            if check.resource:
                by_type[check.resource].append(check)
            else:
                by_provider[check.provider].append(check)

        def check_set(found: list[Check]) -> CheckSet:
            return CheckSet(tuple(found), {(c.id, c.digest): keys[c.id, c.digest] for c in found})

        return cls(
            {kind: check_set(found) for kind, found in by_type.items()},
            {provider: check_set(found) for provider, found in by_provider.items()},
        )

    def on_type(self, resource_type: str) -> CheckSet:
        return self.by_type.get(resource_type, CheckSet((), {}))

    def on_scope(self, provider: str) -> CheckSet:
        return self.by_provider.get(provider, CheckSet((), {}))


def judge_documents(
    checks: CheckSet,
    documents: Sequence[Document],
    kept: Sequence[Kept],
    scope: Scope,
    now: dt.datetime,
    *,
    judged_alike: bool,
) -> list[Finding]:
    """Judge documents; unchanged ones only by rules that use the clock.

    Args:
        judged_alike: unchanged documents were judged by these very checks before.
    """
    clocked = [check for check in checks.checks if check.uses_now]
    facts = scope_view(scope)
    findings: list[Finding] = []
    for document, keep in zip(documents, kept, strict=True):
        due = clocked if judged_alike and not keep.changed else checks.checks
        if due:
            findings.extend(judge(due, document, keep.hash, facts, now))
    return findings


def judge_unread(checks: CheckSet, report: Report) -> tuple[list[Finding], str]:
    """Say of a list that was not read to its end that it could not be judged.

    Returns:
        one finding for each check, and the reason in words.
    """
    reason = unread_reason(report)
    return unread_findings(checks, reason), reason


def unread_findings(checks: CheckSet, reason: str) -> list[Finding]:
    """Return one finding for each check, that says why it could not be judged."""
    return [Finding(check.id, check.digest, "", Outcome.UNKNOWN, reason=reason) for check in checks.checks]


def unread_reason(report: Report) -> str:
    """Say in one sentence why a collection is incomplete."""
    listing = [gap for gap in report.gaps if not gap.resource_id] or report.gaps
    if not listing:
        return "the list could not be read to its end"
    first = listing[0]
    return ": ".join(filter(None, ("the list could not be read to its end", first.call, first.code)))


def needed_of(documents: Iterable[Document], checks: Iterable[Check]) -> Iterator[Document]:
    """Yield documents with only the keys that checks on a whole scope name, so that many fit in memory."""
    members = [rule.members for check in checks for rule in check.rules]
    named = None if None in members else frozenset[str]().union(*(names or () for names in members))
    for document in documents:
        if named is None:
            yield document
        else:
            content = {key: value for key, value in document.content.items() if key in named}
            yield replace(document, content=content)


def judge_whole_scope(
    checks: Iterable[Check],
    scope: Scope,
    documents: dict[str, list[Document]],
    unread: dict[str, str],
    now: dt.datetime,
) -> list[Finding]:
    """Judge a scope as a whole by each of the checks."""
    facts = scope_view(scope)
    return [judge_scope(check, documents, unread, facts, now) for check in checks]
