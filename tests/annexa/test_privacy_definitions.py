"""What is kept of people is named field by field, and rules judge alike where pseudonyms stand for them."""

from collections.abc import Iterator

import pytest

from annexa.derived import person_type
from annexa.lint import run_example
from annexa.workspace import Workspace
from collectors.definition import ResourceType
from collectors.privacy import Pseudonyms
from mappings.check import Check, Example

PSEUDONYMS = Pseudonyms.of_store(b"redaction key")

KNOWN_TO_HOLD_PEOPLE = [
    ("aws.iam.user", "item.UserName"),
    ("aws.iam.user", "item.Arn"),
    ("aws.account.contact", "security.EmailAddress"),
    ("aws.organizations.account", "item.Email"),
    ("azure.security.contact", "item.properties.emails"),
    ("azure.sql.server", "item.properties.administrators.login"),
    ("gcp.cloudresourcemanager.project", "iam.bindings.*.members.*"),
    ("gcp.essentialcontacts.contact", "item.email"),
    ("gcp.sqladmin.user", "item.name"),
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    config = tmp_path_factory.mktemp("privacy") / "annexa.toml"
    config.write_text("[aws]\n[azure]\n[gcp]\n", encoding="utf-8")
    return Workspace.load(config)


@pytest.mark.parametrize(("kind", "path"), KNOWN_TO_HOLD_PEOPLE)
def test_fields_that_hold_people_are_named(workspace: Workspace, kind: str, path: str) -> None:
    assert path in workspace.resource_types()[kind].personal_fields


def test_every_rule_judges_pseudonyms_as_it_judges_names(workspace: Workspace) -> None:
    people = person_type()
    types = {**workspace.resource_types(), people.type: people}
    wrong = [
        f"{check.id}: {example.expect.value}"
        for check, example in _examples(workspace)
        if run_example(check, _unnamed(check, example, types)).outcome != example.expect
    ]
    assert not wrong, "\n".join(wrong)


def _examples(workspace: Workspace) -> Iterator[tuple[Check, Example]]:
    for check in workspace.checks.values():
        for example in check.example:
            yield check, example


def _unnamed(check: Check, example: Example, types: dict[str, ResourceType]) -> Example:
    def put(kind: str, content: dict[str, object]) -> dict[str, object]:
        return PSEUDONYMS.put_into(content, types[kind].personal)[0]

    documents = {
        kind: [put(kind, content) for content in contents] for kind, contents in example.documents.items()
    }
    document = put(check.resource, example.document) if check.resource else example.document
    return example.model_copy(update={"document": document, "documents": documents})
