"""Judging documents by checks. What was not read is never ``pass`` and never ``fail``."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import orjson

from mappings.check import Check
from mappings.rule import Rule, activation
from mappings.rule_errors import MissingValueError, RuleFailedError, RuleTooLongError
from store.canonical import digest
from store.model import Document, Finding, Outcome, Scope

_LARGEST_OBSERVED = 512
_LARGE = (dict, list, str)


def view(document: Document) -> dict[str, Any]:
    """Return what a rule sees as ``resource``."""
    return {"id": document.id, "name": document.name, "region": document.region, **document.content}


def scope_view(scope: Scope) -> dict[str, Any]:
    """Return what a rule sees as ``scope``."""
    return {
        "provider": scope.provider,
        "id": scope.id,
        "name": scope.name,
        "regions": list(scope.regions),
        **scope.attributes,
    }


def judge(
    checks: Iterable[Check], document: Document, content_hash: str, scope: dict[str, Any], now: dt.datetime
) -> list[Finding]:
    """Judge one document by checks on its type.

    Args:
        content_hash: the document's hash, which the findings name as their evidence.
        scope: what :func:`scope_view` gave.
        now: an aware moment; only rules that use ``now`` depend on it.
    """
    checks = tuple(checks)
    resource = view(document)
    read = _read_of(checks, resource)
    findings = []
    shared: Any = None
    for check in checks:
        if check.params:
            bound = activation(resource=read, scope=scope, params=check.params, now=now)
        else:
            shared = shared or activation(resource=read, scope=scope, params={}, now=now)
            bound = shared
        outcome, reason = _outcome(check, bound, document.gaps, resource)
        observed = _observed(check.rules, resource)
        findings.append(Finding(check.id, check.digest, document.id, outcome, observed, reason, content_hash))
    return findings


def _read_of(checks: Iterable[Check], resource: dict[str, Any]) -> dict[str, Any]:
    """Return what the checks read of a document, so that the runtime need not take in the rest."""
    named: set[str] = set()
    for check in checks:
        if check.keys is None:
            return resource
        named |= check.keys
    return {key: value for key, value in resource.items() if key in named}


def judge_scope(
    check: Check,
    documents: dict[str, list[Document]],
    unread: dict[str, str],
    scope: dict[str, Any],
    now: dt.datetime,
) -> Finding:
    """Judge a scope as a whole.

    Args:
        documents: type → all documents of it in the scope.
        unread: type → why its list is not known to be complete.
    """
    for resource_type in check.types:
        if resource_type in unread:
            return Finding(check.id, check.digest, "", Outcome.UNKNOWN, reason=unread[resource_type])
    for resource_type in check.types:
        for document in documents.get(resource_type, []):
            for key, gap in document.gaps.items():
                if any(rule.members is None or key in rule.members for rule in check.rules):
                    reason = f"{gap['call']} could not be read for {document.name}: {gap['code']}"
                    return Finding(check.id, check.digest, "", Outcome.UNKNOWN, reason=reason)
    resources = {kind: [view(document) for document in documents.get(kind, [])] for kind in check.types}
    bound = activation(resources=resources, scope=scope, params=check.params, now=now)
    outcome, reason = _outcome(check, bound, {}, {})
    observed: dict[str, Any] = {f"{kind}.count": len(found) for kind, found in resources.items()}
    return Finding(check.id, check.digest, "", outcome, observed, reason)


def _outcome(
    check: Check, bound: Any, gaps: dict[str, dict[str, str]], resource: dict[str, Any]
) -> tuple[Outcome, str]:
    try:
        if check.applies_rule is not None:
            if gaps and (gap := _gap_on(check.applies_rule, gaps)):
                return Outcome.UNKNOWN, gap
            if not check.applies_rule.evaluate(bound):
                return Outcome.NOT_APPLICABLE, ""
        if gaps and (gap := _gap_on(check.passes_rule, gaps)):
            return Outcome.UNKNOWN, gap
        return (Outcome.PASS if check.passes_rule.evaluate(bound) else Outcome.FAIL), ""
    except MissingValueError as error:
        return Outcome.UNKNOWN, f"a value that the rule needs is not in the document: {error}"
    except RuleTooLongError as error:
        return Outcome.UNKNOWN, str(error)
    except RuleFailedError as error:
        if path := _null_on_the_way(check.rules, resource):
            return Outcome.UNKNOWN, f"a value that the rule needs is null: {path}"
        return Outcome.ERROR, f"the rule failed: {error}"


def _null_on_the_way(rules: Iterable[Rule], resource: dict[str, Any]) -> str:
    for rule in rules:
        for path in rule.paths:
            value: Any = resource
            for depth, part in enumerate(path, 1):
                if not isinstance(value, dict) or part not in value:
                    break
                value = value[part]
                if value is None:
                    return ".".join(path[:depth])
    return ""


def _gap_on(rule: Rule, gaps: dict[str, dict[str, str]]) -> str:
    for key, gap in gaps.items():
        if rule.keys is None or key in rule.keys:
            return f"{gap['call']} could not be read: {gap['code']}"
    return ""


def _observed(rules: Iterable[Rule], resource: dict[str, Any]) -> dict[str, Any]:
    observed: dict[str, Any] = {}
    for rule in rules:
        for path in rule.paths:
            value: Any = resource
            for part in path:
                if not isinstance(value, dict) or part not in value:
                    value = None
                    break
                value = value[part]
            observed[".".join(path)] = _short(value)
    return observed


def _short(value: Any) -> Any:
    if isinstance(value, _LARGE) and len(value) > (_LARGEST_OBSERVED if isinstance(value, str) else 0):
        size = len(orjson.dumps(value))
        if size > _LARGEST_OBSERVED:
            return {"sha256": digest(value), "bytes": size}
    return value
