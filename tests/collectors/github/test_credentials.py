"""A GitHub App signs in with its key, and reads each organisation with a token of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from annexa.plugin import Target, Tools
from collectors.github.collector import GithubCollector
from store.errors import CollectorError
from tests.collectors.github import estate
from tests.collectors.github.conftest import KEY, Served
from tests.collectors.github.github import error
from tests.collectors.rest.rules import Rule, at, hold


def read(collector: GithubCollector, kind: str = "github.org.team") -> tuple[int, bool, list[str]]:
    """Return how many documents there are, whether that is all, and the gaps' codes."""
    with collector.collect(collector.discover().scopes[0], Target(kind, "")) as collection:
        documents = list(collection)
    report = collection.report
    return len(documents), report.complete, [gap.code for gap in report.gaps]


def test_the_app_reads_with_a_token_of_the_installation(github: Served) -> None:
    collector = github.app()
    assert read(collector) == (2, True, [])
    assert github.github.issued == ["ghs_0"]
    (scope,) = collector.discover().scopes
    assert scope.attributes["principal"] == "app:annexa"


def test_each_organisation_has_its_own_token(github: Served) -> None:
    github.github.installations["other"] = estate.installation(78)
    github.github.places["/orgs/other"] = estate.settings(login="other", id=43)
    collector = github.app(organizations=[estate.ORG, "other"])
    assert [each.id for each in collector.discover().scopes] == [estate.ORG, "other"]
    assert len(github.github.issued) == 2


def test_an_organisation_that_has_not_installed_the_app_is_a_gap(github: Served) -> None:
    found = github.app(organizations=[estate.ORG, "other"]).discover()
    assert [each.id for each in found.scopes] == [estate.ORG]
    assert (found.gaps[0].code, found.gaps[0].resource_id) == ("NotInstalled", "github:other")
    assert "install it" in found.gaps[0].message


def test_a_suspended_installation_is_a_gap(github: Served) -> None:
    github.github.installations[estate.ORG] = estate.installation(suspended_at="2026-01-01T00:00:00Z")
    (gap,) = github.app().discover().gaps
    assert gap.code == "Suspended"


def test_a_token_that_ends_soon_is_renewed_before(github: Served) -> None:
    github.github.lives = timedelta(minutes=4)
    assert read(github.app()) == (2, True, [])
    assert len(github.github.issued) > 2


def test_a_token_that_is_good_for_an_hour_is_kept(github: Served) -> None:
    collector = github.app()
    for _ in range(3):
        read(collector)
    assert github.github.issued == ["ghs_0"]


def test_a_token_that_ends_in_mid_list_is_replaced(github: Served) -> None:
    github.github.uses = 2
    # One call at a time: others at once would use up the new token too.
    tools = Tools(redaction_key=KEY, concurrency=1)
    assert read(github.app(tools), "github.org.member") == (3, True, [])
    assert len(github.github.issued) > 1


def test_an_app_that_was_removed_and_installed_anew_is_found_again(github: Served) -> None:
    collector = github.app()
    assert read(collector)[1]
    github.github.installations[estate.ORG] = estate.installation(99)
    github.github.tokens.clear()
    scope = collector.discover().scopes
    assert scope == ()
    assert read(collector)[1]


def test_an_app_that_gets_no_token_any_more_leaves_a_gap(github: Served) -> None:
    collector = github.app(read_timeout=0.3)
    scope = collector.discover().scopes[0]
    github.github.tokens.clear()
    github.rules.append(Rule(at("/access_tokens"), hold))
    with collector.collect(scope, Target("github.org.member", "")) as collection:
        assert list(collection) == []
    assert not collection.report.complete
    assert [gap.code for gap in collection.report.gaps] == ["Timeout"]


def test_a_key_that_is_not_the_app_s_is_refused(github: Served) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    github.github.app_key = other.public_key()
    with pytest.raises(CollectorError, match="JSON web token"):
        github.app().discover()


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"no key", "no private key"), (b"ec", "not RSA")]
)
def test_a_file_without_a_usable_key_is_named(
    github: Served, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "key.pem"
    if content == b"ec":
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        key = ec.generate_private_key(ec.SECP256R1())
        content = key.private_bytes(pem, form, serialization.NoEncryption())
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CollectorError, match=words) as caught:
        github.app(private_key_file=str(path)).discover()
    assert str(path) in str(caught.value)


def test_a_clock_that_is_far_off_is_told_in_github_s_words(github: Served) -> None:
    ahead = Tools(redaction_key=KEY, clock=lambda: datetime.now(UTC) + timedelta(hours=3))
    github.app()
    with pytest.raises(CollectorError, match="too far in the future"):
        GithubCollector(github.app_settings(), ahead).discover()


def test_the_token_is_in_nothing_that_is_told(github: Served) -> None:
    echo = Rule(at("/teams"), lambda asked, right: error(403, f"You sent {asked.headers['authorization']}."))
    github.rules.append(echo)
    collector = github.app()
    with collector.collect(collector.discover().scopes[0], Target("github.org.team", "")) as collection:
        list(collection)
    assert "ghs_" not in str(collection.report)
