"""The configuration file: what it may say, what holds without it, and what is told where it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from annexa.config import Config, ScheduleSection, example, load
from annexa.workspace import Workspace
from store.errors import AnnexaError, CollectorError, ConfigError

_PROVIDERS = frozenset({"aws", "other"})


def _load(folder: Path, text: str) -> Config:
    path = folder / "annexa.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, _PROVIDERS)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    file = _load(tmp_path, "").file
    assert (file.collect.workers, file.collect.concurrency) == (8, 16)
    assert (file.collect.only, file.collect.skip, file.checks.skip) == ((), (), ())
    assert file.status.stale_after_days == 8
    assert file.schedule == ScheduleSection(cron=None, every_minutes=None, timezone=None, jitter_s=60)


def test_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir("/")
    config = _load(tmp_path, '[store]\npath = "kept/here"\n[definitions]\nfolders = ["mine"]\n')
    assert config.store_path == tmp_path / "kept/here"
    assert config.definition_folders == (tmp_path / "mine",)


def test_absolute_paths_stay_as_they_are(tmp_path: Path) -> None:
    assert _load(tmp_path, '[store]\npath = "/elsewhere"\n').store_path == Path("/elsewhere")


def test_the_sections_of_providers_are_handed_on_as_they_are(tmp_path: Path) -> None:
    config = _load(tmp_path, '[aws]\nregions = ["x"]\n[other]\n')
    assert config.providers == {"aws": {"regions": ["x"]}, "other": {}}


def test_without_a_name_the_file_is_looked_for_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no annexa\.toml in") as told:
        load(None, _PROVIDERS)
    assert "annexa init" in told.value.hint
    _load(tmp_path, "[aws]\n")
    assert load(None, _PROVIDERS).providers == {"aws": {}}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[stor]\n", r"unknown section \[stor\]", "Did you mean [store]?"),
        ("[asw]\n", r"unknown section \[asw\]", "Did you mean [aws]?"),
        ("[zebra]\n", r"unknown section \[zebra\]", "The sections are: aws, checks"),
        ("aws = 1\n", "aws must be a section", "Write [aws]."),
        ("[store]\npth = 'x'\n", "store.pth: unknown key", "annexa init --print"),
        ("[collect]\nworkers = 'many'\n", "collect.workers: .*integer", "annexa init --print"),
        ("[collect]\nworkers = 0\n", "collect.workers: .*greater than or equal to 1", "annexa init --print"),
        ("[collect]\nonly = 'aws.*'\n", "collect.only: .*tuple", "annexa init --print"),
        ("[status]\nstale_after_days = 0\n", "status.stale_after_days: ", "annexa init --print"),
        ("[schedule]\ncron = '* * * * *'\nevery_minutes = 5\n", "either 'cron' or 'every_minutes'", ""),
        ("[soa.justification]\n'5.99' = 'x'\n", "soa.justification: .*no control '5.99'", "annexa init"),
        ("store = 1\n", "store: ", "annexa init --print"),
        ("[store\n", "line 1", "Mend the TOML"),
        ("[store]\npath = 'a'\npath = 'b'\n", "line 3", "Mend the TOML"),
    ],
)
def test_what_is_wrong_is_named_with_the_file_and_a_remedy(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=message) as told:
        _load(tmp_path, text)
    assert str(tmp_path / "annexa.toml") in str(told.value)
    assert hint in told.value.hint


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "annexa.toml"
    path.write_bytes(b"\xff\xfe[aws]")
    with pytest.raises(ConfigError, match="utf-8"):
        load(path, _PROVIDERS)


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"collect\.workers.*schedule\.jitter_s"):
        _load(tmp_path, "[collect]\nworkers = 0\n[schedule]\njitter_s = -1\n")


def test_a_definition_folder_that_does_not_exist_is_told_when_it_is_needed(tmp_path: Path) -> None:
    config = _load(tmp_path, '[definitions]\nfolders = ["nowhere"]\n')
    with pytest.raises(ConfigError, match=r"definitions\.folders: .*nowhere is no folder"):
        _ = config.definition_folders


@pytest.mark.parametrize(
    ("said", "located"),
    [
        (ConfigError("aws.regions: wrong"), True),
        (CollectorError("aws.profile: wrong"), True),
        (ConfigError("schedule: nothing is scheduled"), True),
        (CollectorError("boto3 finds no AWS credentials"), False),
        (ConfigError("regions.aws: wrong"), False),
    ],
)
def test_the_file_is_put_before_what_names_one_of_its_keys(
    tmp_path: Path, said: AnnexaError, located: bool
) -> None:
    config = _load(tmp_path, "[aws]\n")
    said.hint = "Do this."
    found = config.located(said)
    assert str(found).startswith(f"{config.path}: ") is located
    assert (type(found), found.hint) == (type(said), "Do this.")


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    config = _load(tmp_path, example())
    assert config.providers.keys() == {"aws"}


# --- what the configuration does to the checks --------------------------------------------------


def _checks(folder: Path, text: str, providers: str = "[aws]\n") -> dict[str, Any]:
    (folder / "annexa.toml").write_text(providers + text, encoding="utf-8")
    return Workspace.load(folder / "annexa.toml").checks


def test_checks_are_left_out_by_patterns(tmp_path: Path) -> None:
    every = _checks(tmp_path, "")
    left = _checks(tmp_path, '[checks]\nskip = ["aws.s3.*"]\n')
    assert left.keys() == {name for name in every if not name.startswith("aws.s3.")}
    assert len(left) < len(every)


def test_checks_on_providers_that_are_not_turned_on_are_left_out(tmp_path: Path) -> None:
    both = _checks(tmp_path, "", "[aws]\n[azure]\n")
    assert {check.provider for check in both.values()} == {"aws", "azure", "people"}
    assert {check.provider for check in _checks(tmp_path, "").values()} == {"aws", "people"}
    assert _checks(tmp_path, "", "") == {}


def test_parameters_of_checks_may_be_others(tmp_path: Path) -> None:
    usual = _checks(tmp_path, "")["aws.iam.user.access-keys-rotated"]
    other = _checks(tmp_path, '[checks.params."aws.iam.user.access-keys-rotated"]\ndays = 7\n')[usual.id]
    assert usual.params["days"] != other.params["days"] == 7
    assert usual.digest != other.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[checks.params."aws.no.such.check"]\ndays = 1\n', "there is no check 'aws.no.such.check'"),
        (
            '[checks.params."aws.iam.user.access-keys-rotated"]\ndayz = 1\n',
            "has no parameter 'dayz'; it has: days",
        ),
        (
            '[checks.params."aws.iam.user.access-keys-rotated"]\ndays = "1"\n',
            "parameter 'days' must be int",
        ),
    ],
)
def test_parameters_that_no_check_has_are_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"checks\.params") as told:
        _checks(tmp_path, text)
    assert message in str(told.value)
    assert str(tmp_path / "annexa.toml") in str(told.value)
    assert told.value.hint


def test_a_users_own_checks_are_applied_beside_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "checks.toml").write_text(_OWN, encoding="utf-8")
    found = _checks(tmp_path, '[definitions]\nfolders = ["own"]\n')
    assert found["aws.s3.bucket.named-as-we-name"].passes == "resource.name.startsWith('ours-')"
    assert "aws.s3.bucket.encrypted-with-kms" in found


_OWN = """
[[check]]
id = "aws.s3.bucket.named-as-we-name"
title = "Buckets are named as we name them"
resource = "aws.s3.bucket"
passes = "resource.name.startsWith('ours-')"
severity = "low"
controls = { "5.9" = "shows that the owner can be told from the name" }
remediation = "Name the bucket anew."
limits = "A name says nothing of the content."
references = ["https://example.com/"]
"""


def test_a_justification_may_name_a_control_of_the_annex(tmp_path: Path) -> None:
    file = _load(tmp_path, "[soa.justification]\n'A.8.23' = 'phishing'\n").file
    assert file.soa.justification == {"8.23": "phishing"}
