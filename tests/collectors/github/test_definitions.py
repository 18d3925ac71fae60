"""What the definitions of GitHub say holds against its published description, and so does the fake."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mappings
from annexa.plugin import Scope, Tools
from collectors.definition import ResourceType
from collectors.github.collector import GithubCollector
from collectors.ratelimit import RateLimiter, load_limits
from collectors.rest import field_lint
from collectors.rest.forms import ANY
from collectors.rest.published import published
from mappings.check import load_checks
from tests.collectors.github import estate
from tests.collectors.github.generate_fields import queries
from tests.collectors.github.github import Github, Refused, Wrapped

COLLECTOR = GithubCollector({"organizations": [estate.ORG]}, Tools(redaction_key=b"key"))
TYPES = COLLECTOR.resource_types()
PUBLISHED = published(GithubCollector.folder)
FIELDS = json.loads((GithubCollector.folder / "fields.json").read_text(encoding="utf-8"))
CHECKS = load_checks([Path(mappings.__file__).parent / "checks" / "github"])


def forms_of(definition: ResourceType) -> dict[str, str]:
    """Return document key → the form of what it holds."""

    def answered(_: ResourceType, call: Any) -> str:
        found = PUBLISHED.call(call.call)
        return found.form if found else ANY

    return field_lint.document_forms(definition, PUBLISHED.forms, answered)


def test_every_definition_is_sound() -> None:
    assert len(TYPES) >= 18
    assert [problem for each in TYPES.values() for problem in GithubCollector.definition_problems(each)] == []


def test_every_type_has_a_title_of_its_own() -> None:
    titles = Counter(each.title for each in TYPES.values())
    assert [title for title, times in titles.items() if times > 1 or not title] == []


def test_no_two_types_have_one_id() -> None:
    ids = Counter(each.id for each in TYPES.values())
    assert [each for each, times in ids.items() if times > 1] == []


def test_every_type_that_a_field_names_is_there() -> None:
    known = {ANY, "boolean", "integer", "number", "string", *FIELDS["types"]}
    named = {form.strip("[]{}") for fields in FIELDS["types"].values() for form in fields.values()}
    assert (named | {call["form"] for call in FIELDS["calls"].values()}) - known == set()


def test_the_fields_are_of_no_other_calls() -> None:
    own = {"app:GET /app", "app:GET /orgs/{org}/installation", "github:GET /user"}
    own.add("app:POST /app/installations/{installation_id}/access_tokens")
    assert FIELDS["calls"].keys() == own | {call.call for each in TYPES.values() for call in each.calls()}


def test_only_what_has_no_other_proof_is_taken_for_absent() -> None:
    """GitHub says "Not Found" of what may not be seen, and names the plan that a feature takes."""
    codes = {code for each in TYPES.values() for call in each.calls() for code in call.absent}
    assert codes == {"404: Branch not protected", "404: Branch not found", "403: Upgrade to GitHub"}


# Secrets and persons.

_SECRET = re.compile(r"(secret|token|password|private_key|token_last_eight|temp_clone_token)$")


def test_fields_that_are_called_like_secrets_are_never_kept() -> None:
    kept, covered = [], 0
    for kind, each in TYPES.items():
        for key, form in forms_of(each).items():
            for path in PUBLISHED.forms.leaves(form, key):
                if _SECRET.search(path):
                    covered += 1
                    if path not in each.secret:
                        kept.append(f"{kind} {path}")
    assert kept == []
    assert covered >= 4


_PERSONAL = re.compile(
    r"(?!.*(repository|organization|account|apps\.\*)\.).*\.(login|email|billing_email|contact_email)$"
)
_OF_THE_ORGANIZATION = {
    "github.org.settings settings.login",
    "github.repo.repository item.owner.login",
    "github.repo.repository item.owner.email",
}


def test_fields_that_name_persons_are_marked() -> None:
    unmarked = {
        f"{kind} {path}"
        for kind, each in TYPES.items()
        for key, form in forms_of(each).items()
        for path in PUBLISHED.forms.leaves(form, key)
        if _PERSONAL.fullmatch(path) and path not in each.personal
    }
    assert unmarked == _OF_THE_ORGANIZATION


def test_what_is_marked_as_personal_exists() -> None:
    wrong = []
    for kind, each in TYPES.items():
        kept = forms_of(each)
        for path in each.personal:
            head, _, rest = path.partition(".")
            if head not in kept or PUBLISHED.forms.missing(kept[head], rest):
                wrong.append(f"{kind} {path}")
    assert wrong == []


# The fake.


def answers() -> Iterator[tuple[str, Any]]:
    """Every answer of the fake, with the call that it answers."""
    github = Github()
    estate.build(github)
    patterns = {
        call: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(call.partition(" ")[2])))
        for call in sorted(FIELDS["calls"], key=lambda call: call.count("{"))
    }
    for query in sorted(queries(call for each in TYPES.values() for call in each.calls())):
        asked = {"query": query, "variables": {"org": estate.ORG, "enterprise": "example-inc"}}
        yield "graphql:POST /graphql", github.graph.answer(json.dumps(asked).encode())
    for path, content in github.places.items():
        call = next(call for call, pattern in patterns.items() if pattern.fullmatch(path))
        tried: list[dict[str, str]] = [
            {},
            {"role": "admin"},
            {"filter": "2fa_disabled"},
            {"severity": "critical"},
        ]
        for parameters in tried if callable(content) else tried[:1]:
            given = content(parameters) if callable(content) else content
            if isinstance(given, Refused):
                continue
            if isinstance(given, Wrapped):
                given = {"total_count": len(given.elements), given.key: given.elements}
            yield call, {"items": given} if isinstance(given, list) else given


def test_every_answer_of_the_fake_is_one_that_github_can_give() -> None:
    wrong, tried = [], set()
    for call, answer in answers():
        tried.add(call)
        wrong += list(PUBLISHED.forms.mismatches(call, FIELDS["calls"][call]["form"], answer))
    assert wrong == []
    assert {call.call for each in TYPES.values() for call in each.calls()} <= tried


REFERENCE = Path(os.environ.get("ANNEXA_REFERENCE", "")) / "github-examples"


@pytest.mark.skipif(
    not os.environ.get("ANNEXA_REFERENCE") or not REFERENCE.is_dir(),
    reason="GitHub's examples are not at hand",
)
def test_github_s_own_examples_fit_the_fields() -> None:
    tried = 0
    for path in sorted(REFERENCE.glob("*.json")):
        example = json.loads(path.read_text(encoding="utf-8"))
        call = f"github:GET {example['_meta']['path']}"
        body = {"items": example["body"]} if isinstance(example["body"], list) else example["body"]
        wrong = list(PUBLISHED.forms.mismatches(path.name, FIELDS["calls"][call]["form"], body))
        # Of an App's owner the example of branch protection has fields that the description has not.
        assert [each for each in wrong if "].owner: no field" not in each] == []
        tried += 1
    assert tried >= 5


# Checks and limits.


def test_there_are_checks_enough_and_most_types_are_judged() -> None:
    assert len(CHECKS) >= 35
    judged = {kind for check in CHECKS.values() for kind in check.types}
    assert len(judged) >= 0.8 * len(TYPES)


def test_references_of_checks_are_github_s() -> None:
    references = {each for check in CHECKS.values() for each in check.references}
    assert [each for each in references if not each.startswith("https://docs.github.com/")] == []


@pytest.mark.parametrize("hourly", [5_000, 15_000])
def test_calls_keep_below_what_github_lets_through(hourly: int) -> None:
    (first, *_) = load_limits(GithubCollector.folder / "limits.toml")
    rate = first.rate * hourly / 5_000
    assert first.burst + 3_600 * rate <= hourly
    assert first.burst + 60 * rate <= 900


@pytest.mark.parametrize(
    ("api_url", "limited"),
    [
        ("https://api.github.com", True),
        ("https://api.example.ghe.com", True),
        ("https://github.example.com/api/v3", False),
    ],
)
def test_a_server_of_one_s_own_has_no_published_limits(api_url: str, limited: bool) -> None:
    section = {"organizations": [estate.ORG], "api_url": api_url}
    limiter = GithubCollector(section, Tools(redaction_key=b"key")).limiter(_scope())
    assert (limiter.rate("", "github:GET /orgs/{org}") < 100) == limited


def test_more_requests_in_an_hour_make_the_rate_larger() -> None:
    section = {"organizations": [estate.ORG], "requests_per_hour": 15_000}
    more = GithubCollector(section, Tools(redaction_key=b"key")).limiter(_scope())
    usual = COLLECTOR.limiter(_scope())
    call = "github:GET /orgs/{org}"
    assert more.rate("", call) == pytest.approx(3 * usual.rate("", call))


def test_points_of_graphql_grow_less_than_requests_do() -> None:
    """Installations on Enterprise Cloud have 15,000 requests and 10,000 points in an hour."""
    section = {"organizations": [estate.ORG], "requests_per_hour": 15_000}
    more = GithubCollector(section, Tools(redaction_key=b"key")).limiter(_scope())
    usual = COLLECTOR.limiter(_scope())
    call = "graphql:POST /graphql"
    assert more.rate("", call) == pytest.approx(2 * usual.rate("", call))


def test_organisations_that_one_token_reads_share_its_limit() -> None:
    assert COLLECTOR.limiter(_scope()) is COLLECTOR.limiter(_scope("other"))


def test_each_installation_has_a_limit_of_its_own() -> None:
    section = {"organizations": ["a", "b"], "credential": "app", "app_id": "1", "private_key_file": "k"}
    app = GithubCollector(section, Tools(redaction_key=b"key"))
    assert isinstance(app.limiter(_scope("a")), RateLimiter)
    assert app.limiter(_scope("a")) is not app.limiter(_scope("b"))


def _scope(login: str = estate.ORG) -> Scope:
    return Scope("github", login, login)
