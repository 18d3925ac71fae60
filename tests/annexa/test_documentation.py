"""The documentation: what it tells people to type exists, its links lead somewhere, its contract holds."""

import ast
import datetime as dt
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

from annexa.cli import annexa as root_command
from annexa.commands.collect import run_row
from annexa.config import Config, example, load
from annexa.exit_codes import ExitCode
from annexa.workspace import Workspace
from collectors.aws.settings import AwsSettings
from collectors.azure.settings import AzureSettings
from collectors.entra.settings import EntraSettings
from collectors.gcp.settings import GcpSettings
from collectors.github.settings import GithubSettings
from collectors.google_workspace.settings import GoogleWorkspaceSettings
from collectors.ldap.settings import LdapSettings
from collectors.okta.settings import OktaSettings
from collectors.registry import collector_class, provider_names
from collectors.scim.settings import ScimSettings, ServiceSettings
from mappings.status import Status
from scheduler.runner import RunResult
from store.model import Outcome
from tests.annexa.sample_store import fill
from tests.annexa.support_cli import Sandbox

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([*_ROOT.glob("*.md"), *(_ROOT / "docs").glob("*.md")])


def _page(name: str) -> str:
    return (_ROOT / name).read_text(encoding="utf-8")


# --- commands -------------------------------------------------------------------------------------


def _told(text: str) -> Iterator[str]:
    """Every command that a page tells to type: in blocks, and between backticks."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for line in "\n".join(blocks).splitlines():
        if re.match(r"\$? *annexa( |$)", line):
            yield re.split(r"\s+#", line)[0].lstrip("$ ")
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`(annexa [a-z-][^`→]*)`", outside)


def _sources() -> Iterator[tuple[str, str]]:
    for page in _PAGES:
        yield page.name, page.read_text(encoding="utf-8")
    yield "config.example.toml", _page("config.example.toml")
    rooms = ("annexa", "scheduler", "collectors", "mappings", "store")
    for module in sorted(path for room in rooms for path in (_ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield module.name, node.value


_COMMANDS = sorted({(place, command) for place, text in _sources() for command in _told(text)})


def _parse(words: list[str]) -> None:
    """Have click read a command line as it would, without running it."""
    command: click.Command = root_command
    context: click.Context | None = None
    while True:
        name = command.name or "annexa"
        try:
            context = command.make_context(name, list(words), parent=context)
        except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
            return  # the command is only spoken of
        if not isinstance(command, click.Group):
            return
        words = [*getattr(context, "_protected_args", ()), *context.args]
        if not words:
            return
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found


@pytest.mark.parametrize(("place", "command"), _COMMANDS, ids=lambda each: str(each)[:60])
def test_a_command_that_people_are_told_exists(place: str, command: str) -> None:
    del place
    words = shlex.split(re.sub(r"<[^>]+>|\{[^}]*\}|…", "x", command))[1:]
    if words[-1:] == ["|"] or "|" in words:
        words = words[: words.index("|")]
    if words and words[-1].isupper():  # a placeholder, e.g. ID
        words[-1] = "x"
    _parse(words)


def test_the_readme_tells_all_that_a_user_does() -> None:
    told = " ".join(_told(_page("README.md")))
    for command in root_command.list_commands(click.Context(root_command)):
        if command not in ("demo", "checks"):
            assert f"annexa {command}" in told, command


def test_no_page_waits_to_be_filled_in() -> None:
    assert [page.name for page in _PAGES if re.search(r"@[A-Z_]+@", page.read_text("utf-8"))] == []


_NAMES = {
    "aws": "AWS",
    "azure": "Azure",
    "entra": "Entra ID",
    "gcp": "GCP",
    "github": "GitHub",
    "google_workspace": "Google Workspace",
    "ldap": "LDAP",
    "okta": "Okta",
    "scim": "SCIM",
}


@pytest.mark.parametrize("provider", provider_names())
def test_there_are_as_many_definitions_as_the_readme_says(tmp_path: Path, provider: str) -> None:
    claimed = re.search(rf"{_NAMES[provider]}: (\d+) resource types, (\d+) checks", _page("README.md"))
    assert claimed, provider
    (tmp_path / "annexa.toml").touch()
    checks = Workspace.load(tmp_path / "annexa.toml").catalogue.values()
    assert int(claimed[1]) == len(collector_class(provider).definitions(()))
    assert int(claimed[2]) == sum(check.provider == provider for check in checks)


def test_the_commands_of_make_exist() -> None:
    targets = set(re.findall(r"^(\w+):", _page("Makefile"), re.MULTILINE))
    told = {
        name
        for page in _PAGES
        for name in re.findall(r"\bmake (\w+)`|^make (\w+)", page.read_text("utf-8"), re.M)
        for name in name
        if name
    }
    assert told
    assert told <= targets


# --- links ----------------------------------------------------------------------------------------

_LINKS = sorted(
    {
        (page.relative_to(_ROOT).as_posix(), link)
        for page in _PAGES
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not link.startswith("mailto:")
    }
)


@pytest.mark.parametrize(("page", "link"), _LINKS, ids=str)
def test_a_link_leads_to_a_file(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (_ROOT / page).parent / path if path else _ROOT / page
    assert target.exists(), f"{page} links to {link}"
    if anchor:
        titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


_FILES = sorted(
    {
        (page.name, path)
        for page in _PAGES
        for path in re.findall(
            r"`((?:annexa|scheduler|collectors|mappings|store|tests|docs)/[\w./-]+)`", page.read_text("utf-8")
        )
    }
)


@pytest.mark.parametrize(("page", "path"), _FILES, ids=str)
def test_a_file_that_a_page_names_exists(page: str, path: str) -> None:
    assert (_ROOT / path).exists(), f"{page} names {path}"


# --- the example of the configuration ---------------------------------------------------------------


def _uncommented(text: str) -> dict[str, dict[str, Any]]:
    """Section → key → value of the example, those behind a comment sign included.

    A section of its own is every header, commented or not; keys that exclude one another thus meet.
    """
    found: dict[str, dict[str, Any]] = {}
    section = ""
    for line in text.splitlines():
        bare = re.sub(r"^# (?=\[|[a-z_]+ = )", "", line)
        if header := re.match(r"\[+([^\[\]]+)\]+$", bare):
            section = header[1]
            found.setdefault(section, {})
        elif re.match(r"[a-z_]+ = ", bare):
            found[section].update(tomllib.loads(bare))
    return found


_EXAMPLE = _uncommented(example())
_KEYS = [(section, key) for section, keys in _EXAMPLE.items() for key in keys]


_TOGETHER = {
    ("aws", "external_id"): ("role_arn",),
    ("record", "key_command"): ("key_vkey",),
    ("record", "key_vkey"): ("key_command",),
    ("record", "timestamp_roots"): ("timestamp_url",),
    ("record", "witness_quorum"): ("witnesses",),
    ("record", "witness_urls"): ("witnesses",),
    ("record", "copy_retention_days"): ("copy_to",),
    ("gcp", "credential"): ("impersonate",),
    ("gcp", "credentials_file"): ("credential", "impersonate"),
    ("gcp", "impersonate"): ("credential",),
    ("google_workspace", "admin"): ("credentials_file",),
    ("google_workspace", "credentials_file"): ("admin",),
    ("google_workspace", "impersonate"): ("admin", "credential"),
}
"""Keys that are refused without others."""


def _write(section: str, keys: dict[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    header = f"[[{section}]]" if section == "aws.accounts" else f"[{section}]"
    return "\n".join([header, *lines, ""])


_LDAP = {"servers": ["ldaps://dc.example.org"], "bind_dn": "cn=annexa"}
_SERVICE = {"base_url": "https://example.com/scim/v2", "token_env": "SCIM_HR_TOKEN"}
_SCIM = {"services": {"hr": _SERVICE}}
"""What the sections cannot do without."""


def _accepts(folder: Path, text: str) -> Config:
    path = folder / "annexa.toml"
    path.write_text(text, encoding="utf-8")
    config = load(path, frozenset(provider_names()))
    AwsSettings.model_validate(dict(config.providers.get("aws", {})))
    AzureSettings.model_validate(dict(config.providers.get("azure", {})))
    EntraSettings.model_validate(dict(config.providers.get("entra", {})))
    GcpSettings.model_validate(dict(config.providers.get("gcp", {})))
    GithubSettings.model_validate(dict(config.providers.get("github", {"organizations": ["example"]})))
    GoogleWorkspaceSettings.model_validate(dict(config.providers.get("google_workspace", {})))
    LdapSettings.model_validate({**_LDAP, **config.providers.get("ldap", {})})
    OktaSettings.model_validate(dict(config.providers.get("okta", {})))
    ScimSettings.model_validate({**_SCIM, **config.providers.get("scim", {})})
    return config


@pytest.mark.parametrize(("section", "key"), _KEYS, ids=[".".join(place) for place in _KEYS])
def test_a_key_of_the_example_is_accepted(tmp_path: Path, section: str, key: str) -> None:
    parents: dict[str, tuple[str, ...]] = {
        "aws.accounts": ("id",),
        "aws.organization": ("role_name",),
        "github": ("organizations",),
        "scim.services.hr": ("base_url", "token_env"),
    }
    together = _TOGETHER.get((section, key), parents.get(section, ()))
    keys = {name: _EXAMPLE[section][name] for name in dict.fromkeys((*together, key))}
    _accepts(tmp_path, _write(section, keys))


def test_the_example_as_it_stands_is_accepted(tmp_path: Path) -> None:
    assert _accepts(tmp_path, example()).providers == {"aws": {}}


def test_the_justifications_of_the_example_are_accepted(tmp_path: Path) -> None:
    lines = re.findall(r'^# (\[soa\.justification\]|"[\d.]+" = .*)$', example(), re.MULTILINE)
    assert len(lines) == 2
    assert _accepts(tmp_path, "\n".join(lines)).file.soa.justification.keys() == {"8.23"}


_NAMED = {"scim.services": "scim.services.hr"}
"""Sections that hold others by names of the user's own → the name that the example gives."""


def _fields(model: type[BaseModel], name: str) -> Iterator[tuple[str, str]]:
    """Every key of a section and of those in it."""
    for field, info in model.model_fields.items():
        inner = [
            each
            for each in (info.annotation, *getattr(info.annotation, "__args__", ()))
            if isinstance(each, type) and issubclass(each, BaseModel)
        ]
        if inner:
            place = f"{name}.{field}".lstrip(".")
            yield from _fields(inner[0], _NAMED.get(place, place))
        elif name:
            yield name, field


def test_the_example_has_every_key_there_is() -> None:
    own = set(_fields(Config.__annotations__["file"], ""))
    providers = {
        *_fields(AwsSettings, "aws"),
        *_fields(AzureSettings, "azure"),
        *_fields(EntraSettings, "entra"),
        *_fields(GcpSettings, "gcp"),
        *_fields(GithubSettings, "github"),
        *_fields(GoogleWorkspaceSettings, "google_workspace"),
        *_fields(LdapSettings, "ldap"),
        *_fields(OktaSettings, "okta"),
        *_fields(ScimSettings, "scim"),
    }
    parameters = {(section, key) for section, key in _KEYS if section.startswith("checks.params.")}
    assert parameters
    tables = {("checks", "params"), ("soa", "justification")}
    assert (own | providers) - tables == set(_KEYS) - parameters


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    """Numbers that are commented out are what holds without them; the rest are examples."""
    defaults = _accepts(tmp_path, "").file.model_dump() | {
        "aws": AwsSettings().model_dump(),
        "azure": AzureSettings().model_dump(),
        "entra": EntraSettings().model_dump(),
        "gcp": GcpSettings().model_dump(),
        "github": GithubSettings(organizations=("example",)).model_dump(),
        "google_workspace": GoogleWorkspaceSettings().model_dump(),
        "ldap": LdapSettings.model_validate(_LDAP).model_dump(),
        "okta": OktaSettings().model_dump(),
        "scim.services.hr": ServiceSettings.model_validate(_SERVICE).model_dump(),
    }
    shown = {
        (section, key): value
        for section, keys in _EXAMPLE.items()
        for key, value in keys.items()
        if isinstance(value, int | float | bool) and section in defaults
    }
    assert len(shown) >= 6
    assert {
        place: value for place, value in shown.items() if defaults[place[0]][place[1]] not in (value, None)
    } == {}


# --- the contract with programs -----------------------------------------------------------------

_OUTPUT = _page("docs/output.md")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox.make(tmp_path_factory.mktemp("documented"))
    fill(sandbox.config)
    told = sandbox.ask("exclude", "7.4", "--justification", "There are no premises.", "--approver", "Grace")
    assert told.code == 0
    return sandbox


def _section(title: str) -> str:
    found = re.search(rf"^## `{re.escape(title)}`.*?\n(.*?)(?=^## |\Z)", _OUTPUT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/output.md says nothing of {title}"
    return found[1]


def _documented(title: str) -> list[str]:
    """The keys that a section lists: the first column of its table, or its first paragraph."""
    section = _section(title)
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    text = "\n".join(rows) if rows else section.strip().split("\n")[0].split(". ")[0]
    return re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", text))


def _keys(rows: Iterable[dict[str, Any]]) -> list[str]:
    (keys,) = {tuple(row) for row in rows}
    return list(keys)


@pytest.mark.parametrize(
    ("title", "command"),
    [
        ("annexa findings", ("findings",)),
        ("annexa status", ("status",)),
        ("annexa controls list", ("controls", "list")),
        ("annexa controls coverage", ("controls", "coverage")),
        ("annexa gaps", ("gaps",)),
        ("annexa evidence show", ("evidence", "show", "payroll")),
        ("annexa verify", ("verify",)),
        ("annexa statements", ("statements",)),
        ("annexa prune", ("prune", "--keep", "2y", "--reason", "r", "--by", "b", "--dry-run")),
        ("annexa backup", ("backup", "copy")),
    ],
)
def test_the_keys_that_are_documented_are_those_there_are(
    sample: Sandbox, title: str, command: tuple[str, ...]
) -> None:
    found = sample.ask(*command, "--format", "json").json
    assert sorted(_documented(title)) == sorted(_keys(found if isinstance(found, list) else [found]))


def test_the_keys_of_a_hold_are_documented(sample: Sandbox) -> None:
    assert sample.ask("hold", "place", "--reason", "r", "--by", "b").code == 0
    found = sample.ask("hold", "list", "--format", "json").json
    assert sorted(_documented("annexa hold list")) == sorted(_keys(found))


def test_the_keys_of_a_run_are_documented() -> None:
    assert sorted(_documented("annexa collect")) == sorted(run_row(RunResult("x"), ExitCode.COMPLETE))


def test_the_keys_of_a_pack_are_documented(sample: Sandbox) -> None:
    assert sample.ask("checkpoint").code == 0
    today = dt.datetime.now(dt.UTC).date()
    period = f"{today - dt.timedelta(days=1)}..{today}"
    told = sample.ask("export", "pack", "--period", period, "--out", "audit.zip", "--format", "json")
    assert sorted(_documented("annexa export pack")) == sorted(told.json)


def test_the_keys_of_a_framework_are_documented(sample: Sandbox) -> None:
    keys = set(_keys(sample.ask("status", "--framework", "soc2", "--format", "json").json))
    documented = set(re.findall(r"`(\w+)`", _section("annexa status")))
    assert keys <= documented


def test_every_status_and_outcome_is_explained() -> None:
    assert {status.value for status in Status} <= set(re.findall(r"`(\w+)`", _section("annexa status")))
    assert {outcome.value for outcome in Outcome} <= set(re.findall(r"`(\w+)`", _section("annexa findings")))


def test_every_exit_code_is_explained_where_they_are_promised() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", _OUTPUT, re.MULTILINE)}
    assert documented == {int(code) for code in ExitCode}
    assert all(re.search(rf"\b{int(code)}\b", root_command.epilog or "") for code in ExitCode)
