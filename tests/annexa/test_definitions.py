"""Every definition that comes with Annexa: sound by itself, and honest about what was not read."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import jmespath
import pytest

from annexa.commands.checks import lint_everything
from annexa.derived import person_type
from annexa.lint import run_example
from annexa.workspace import Workspace
from collectors.aws.shapes import Fields, ListOf, document_forms
from collectors.definition import Detail, ResourceType
from collectors.registry import provider_names
from mappings.check import Check, Example
from store.model import Outcome

_NEEDED = {
    "github": 'organizations = ["example"]',
    "ldap": 'servers = ["ldaps://dc.example.org"]\nbind_dn = "cn=annexa"',
    "scim": 'services.hr = {base_url = "https://example.com/scim/v2", token_env = "SCIM_HR_TOKEN"}',
}
_EVERY_PROVIDER = "\n".join(f"[{name}]\n{_NEEDED.get(name, '')}" for name in provider_names())
"""A configuration with every provider turned on, and what each cannot do without."""

Places = Iterator[tuple[tuple[str, ...], Any]]

_DECIDED = (Outcome.PASS, Outcome.FAIL)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    config = tmp_path_factory.mktemp("definitions") / "annexa.toml"
    config.write_text(_EVERY_PROVIDER, encoding="utf-8")
    return Workspace.load(config)


@pytest.fixture(scope="module")
def types(workspace: Workspace) -> dict[str, ResourceType]:
    people = person_type()
    return {**workspace.resource_types(), people.type: people}


@pytest.fixture(scope="module")
def checks(workspace: Workspace) -> list[Check]:
    return list(workspace.checks.values())


@pytest.fixture(scope="module")
def single(checks: list[Check]) -> list[Check]:
    """The checks that judge resources one by one."""
    return [check for check in checks if check.resource]


@pytest.fixture(scope="module")
def whole(checks: list[Check]) -> list[Check]:
    """The checks that judge a scope as a whole."""
    return [check for check in checks if check.resources]


# --- all of them --------------------------------------------------------------------------------


def test_every_definition_is_sound(workspace: Workspace) -> None:
    problems, _, _ = lint_everything(workspace)
    assert problems == []


def test_there_are_enough(types: dict[str, ResourceType], checks: list[Check]) -> None:
    assert len(types) >= 60
    assert len(checks) >= 200


def test_most_resource_types_are_judged(types: dict[str, ResourceType], checks: list[Check]) -> None:
    judged = {kind for check in checks for kind in check.types}
    assert len(judged & set(types)) >= 0.8 * len(types)


def test_every_severity_is_used(checks: list[Check]) -> None:
    assert {check.severity.value for check in checks} == {"critical", "high", "medium", "low"}


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN])
def test_every_check_has_an_example_of_each_kind(checks: list[Check], outcome: Outcome) -> None:
    assert [check.id for check in checks if outcome not in {each.expect for each in check.example}] == []


def test_every_example_gives_what_it_expects(checks: list[Check]) -> None:
    wrong = [
        (check.id, number, found.outcome)
        for check in checks
        for number, example in enumerate(check.example, 1)
        if (found := run_example(check, example)).outcome != example.expect
    ]
    assert wrong == []


def test_an_id_begins_with_the_type_that_is_judged(single: list[Check]) -> None:
    assert [check.id for check in single if check.id.rsplit(".", 1)[0] != check.resource] == []


def test_references_are_addresses(checks: list[Check]) -> None:
    assert [
        (check.id, each) for check in checks for each in check.references if not each.startswith("https://")
    ] == []


def test_equivalents_name_a_tool_and_what_it_calls_the_check(checks: list[Check]) -> None:
    form = re.compile(r"[a-z0-9-]+(-\d+(\.\d+)*)?:\S+")
    assert [
        (check.id, each) for check in checks for each in check.equivalents if not form.fullmatch(each)
    ] == []


# --- what was not read is never judged ------------------------------------------------------------


def test_no_check_decides_without_a_call_that_it_reads(
    single: list[Check], types: dict[str, ResourceType]
) -> None:
    """Whatever a rule reads, and however it asks for it: without it, nothing passes and nothing fails."""
    wrong, tried = [], 0
    for check in single:
        for number, example in enumerate(check.example, 1):
            if example.expect not in _DECIDED:
                continue
            for key in ("item", "over", *types[check.resource].detail):
                if not _names(check, key):
                    continue
                tried += 1
                outcome = run_example(check, _without(example, key)).outcome
                if outcome is not Outcome.UNKNOWN:
                    wrong.append((check.id, number, key, outcome))
    assert wrong == []
    assert tried > 1_000


@pytest.mark.slow
def test_a_call_that_a_check_does_not_read_is_none_of_its_business(
    single: list[Check], types: dict[str, ResourceType]
) -> None:
    wrong = []
    for check in single:
        for number, example in enumerate(check.example, 1):
            for key in types[check.resource].detail:
                if not _names(check, key) and key not in example.gaps:
                    outcome = run_example(check, _without(example, key)).outcome
                    if outcome is not example.expect:
                        wrong.append((check.id, number, key, outcome))
    assert wrong == []


def test_no_whole_scope_is_decided_without_a_list_that_it_reads(whole: list[Check]) -> None:
    wrong = [
        (check.id, number, kind)
        for check in whole
        for number, example in enumerate(check.example, 1)
        for kind in check.types
        if run_example(check, example.model_copy(update={"incomplete": (kind,)})).outcome
        is not Outcome.UNKNOWN
    ]
    assert wrong == []


def test_no_whole_scope_is_decided_without_a_call_that_it_reads(
    whole: list[Check], types: dict[str, ResourceType]
) -> None:
    wrong, tried = [], 0
    for check in whole:
        for number, example in enumerate(check.example, 1):
            for kind, documents in example.documents.items():
                for key in types[kind].detail:
                    if not documents or not re.search(rf"\.\??{key}\b", _members(check)):
                        continue
                    tried += 1
                    outcome = run_example(check, _without(example, key)).outcome
                    if outcome is not Outcome.UNKNOWN:
                        wrong.append((check.id, number, kind, key, outcome))
    assert wrong == []
    assert tried > 100


def _source(check: Check) -> str:
    return f"{check.applies} ; {check.passes}"


def _members(check: Check) -> str:
    """The rules without the names of the types that they read."""
    return re.sub(r"resources\[['\"].*?['\"]\]", "resources", _source(check))


def _names(check: Check, key: str) -> bool:
    """Whether a rule reads a key of the document, told without Annexa's own idea of it."""
    return bool(re.search(rf"\bresource\s*(\.\??\s*{key}\b|\[\??\s*['\"]{key}['\"])", _source(check)))


def _without(example: Example, key: str) -> Example:
    """The same example, where the call that gives a key could not be read."""
    kept = {name: value for name, value in example.document.items() if name != key}
    documents = {
        kind: [{name: value for name, value in each.items() if name != key} for each in found]
        for kind, found in example.documents.items()
    }
    absent = tuple(name for name in example.absent if name != key)
    gaps = (*example.gaps, key)
    return example.model_copy(
        update={"document": kept, "documents": documents, "absent": absent, "gaps": gaps}
    )


# --- what is not there is null --------------------------------------------------------------------


def test_no_check_stumbles_over_what_is_not_there(
    single: list[Check], types: dict[str, ResourceType]
) -> None:
    """A null that a definition allows for is judged; it is no error, whatever else the example says."""
    wrong, tried = [], 0
    for check in single:
        for number, example in enumerate(check.example, 1):
            for key, detail in types[check.resource].detail.items():
                if not detail.absent and detail.when is None:
                    continue
                for document in _nulls(_content(example), key, detail):
                    tried += 1
                    nulled = example.model_copy(update={"document": document, "absent": ()})
                    if run_example(check, nulled).outcome is Outcome.ERROR:
                        wrong.append((check.id, number, key))
    assert wrong == []
    assert tried > 1_000


def test_no_whole_scope_stumbles_over_what_is_not_there(
    whole: list[Check], types: dict[str, ResourceType]
) -> None:
    wrong, tried = [], 0
    for check in whole:
        for number, example in enumerate(check.example, 1):
            for kind, key, detail in _nullable(check.types, types):
                for index, document in enumerate(example.documents.get(kind, [])):
                    for changed in _nulls(document, key, detail):
                        tried += 1
                        found = [*example.documents[kind]]
                        found[index] = changed
                        nulled = example.model_copy(update={"documents": {**example.documents, kind: found}})
                        if run_example(check, nulled).outcome is Outcome.ERROR:
                            wrong.append((check.id, number, kind, key))
    assert wrong == []
    assert tried > 100


def _nullable(kinds: Iterable[str], types: dict[str, ResourceType]) -> Iterator[tuple[str, str, Detail]]:
    for kind in kinds:
        for key, detail in types[kind].detail.items():
            if detail.absent or detail.when is not None:
                yield kind, key, detail


def _content(example: Example) -> dict[str, Any]:
    return example.document | dict.fromkeys(example.absent)


def _nulls(document: dict[str, Any], key: str, detail: Detail) -> Iterator[dict[str, Any]]:
    """The document with a null where the provider may give one: there is none, or nobody asked."""
    if detail.absent:
        yield document | {key: None}
    if detail.when is not None:
        unasked = _such_that_it_is_not(document, detail.when)
        assert unasked is not None, f"the test does not know how to make {detail.when!r} false"
        yield unasked | {key: None}


def _such_that_it_is_not(document: dict[str, Any], condition: str) -> dict[str, Any] | None:
    """Change one value that a condition reads so that it does not hold."""
    if not _holds(condition, document):
        return document
    words = re.findall(r"'([^']*)'", condition)
    bare = re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"", " ", condition)
    for path in re.findall(r"(?<![\w.@])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?!\w*\()", bare):
        value = jmespath.search(path, document)
        others: list[Any] = [not value] if isinstance(value, bool) else [None]
        if isinstance(value, str | None):
            others = ["something else", *words, None]
        for other in (*others, False, [{}]):
            changed = _put(document, path.split("."), other)
            if not _holds(condition, changed):
                return changed
    return None


def _holds(condition: str, document: dict[str, Any]) -> bool:
    return jmespath.search(condition, document) not in (None, False, "", [], {})


def _put(document: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    head, *rest = path
    inner = document.get(head)
    changed = _put(inner if isinstance(inner, dict) else {}, rest, value) if rest else value
    return {**document, head: changed}


# --- what checks say of controls ------------------------------------------------------------------


def test_encryption_is_not_data_masking(checks: list[Check]) -> None:
    masking = {check.id for check in checks if "8.11" in check.controls}
    assert not {name for name in masking if re.search("encrypt|kms|tls|https|certificate", name)}
    assert all("mask" in check.controls["8.11"] for check in checks if check.id in masking)


def test_what_is_encrypted_bears_on_cryptography(checks: list[Check]) -> None:
    encrypted = [check for check in checks if re.search(r"\.encrypted(-|$)", check.id)]
    assert len(encrypted) > 20
    assert [check.id for check in encrypted if "8.24" not in check.controls] == []


def test_no_configuration_shows_what_the_provider_does_at_its_own_premises(
    workspace: Workspace, checks: list[Check]
) -> None:
    inherited = {number for number, each in workspace.controls.items() if each.evidence == "inherited"}
    assert [check.id for check in checks if inherited & check.controls.keys()] == []


def test_every_control_that_configuration_can_answer_has_checks(
    workspace: Workspace, checks: list[Check]
) -> None:
    answered = {number for check in checks for number in check.controls}
    technical = {number for number, each in workspace.controls.items() if each.evidence == "technical"}
    assert technical - answered == set()


def test_every_mapping_says_in_one_line_what_it_shows(checks: list[Check]) -> None:
    reasons = {(check.id, number): why for check in checks for number, why in check.controls.items()}
    assert [key for key, why in reasons.items() if not 15 <= len(why) <= 200 or "\n" in why] == []


# --- secrets --------------------------------------------------------------------------------------

_SECRET = re.compile(
    r"(password|passphrase|secretstring|clientsecret|secretkey|secretaccesskey|privatekey|authtoken|"
    r"presharedkey|userdata|authkey|apikeyvalue)$",
    re.IGNORECASE,
)


def test_fields_that_are_called_like_secrets_are_never_kept(types: dict[str, ResourceType]) -> None:
    kept = [
        f"{kind} {'.'.join(path)}"
        for kind, definition in types.items()
        for path, shape in _fields(definition)
        if shape.type_name in ("string", "blob")
        and _SECRET.search(path[-1])
        and not _is_covered(path, definition.secret)
    ]
    assert kept == []


_VARIABLE = re.compile(r"[eE]nvironment(\.Variables|[vV]ariables)?\.\*(\.[vV]alue)?$")


def test_environment_variables_are_never_kept(types: dict[str, ResourceType]) -> None:
    kept = [
        f"{kind} {'.'.join(path)}"
        for kind, definition in types.items()
        for path, shape in _fields(definition)
        if shape.type_name == "string"
        and _VARIABLE.search(".".join(path))
        and not _is_covered(path, definition.secret)
    ]
    assert kept == []


def _fields(definition: ResourceType) -> Places:
    """Every place of a document that botocore's models know of, with its shape."""
    if definition.provider != "aws":
        return
    for key, form in document_forms(definition, []).items():
        yield from _below(form, (key,), ())


def _below(form: Any, path: tuple[str, ...], seen: tuple[str, ...]) -> Places:
    if form is None:
        return
    if isinstance(form, ListOf):
        yield from _below(form.element, (*path, "*"), seen)
    elif isinstance(form, Fields):
        for name, inner in form.members.items():
            yield from _below(inner, (*path, name), seen)
    elif form.type_name == "structure":
        if form.name not in seen:  # shapes may hold themselves
            for name, inner in form.members.items():
                yield from _below(inner, (*path, name), (*seen, form.name))
    elif form.type_name == "list":
        yield from _below(form.member, (*path, "*"), seen)
    elif form.type_name == "map":
        yield from _below(form.value, (*path, "*"), seen)
    else:
        yield path, form


def _is_covered(path: tuple[str, ...], secrets: Iterable[str]) -> bool:
    def leads_here(secret: list[str]) -> bool:
        return len(secret) <= len(path) and all(
            one in (other, "*") for one, other in zip(secret, path, strict=False)
        )

    return any(leads_here(secret.split(".")) for secret in secrets)
