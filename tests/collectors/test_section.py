"""A key of a section that is wrong is answered with the one that is meant, however deep it stands."""

from typing import Any

import pytest

from collectors.aws.settings import AwsSettings
from collectors.section import read_section
from store.errors import ConfigError


def refusal(section: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        read_section("aws", AwsSettings, section)
    return str(caught.value)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"regoins": []}, "aws: regoins: unknown key; did you mean 'regions'?"),
        (
            {"organization": {"role_name": "audit", "exclud": []}},
            "aws: organization.exclud: unknown key; did you mean 'exclude'?",
        ),
        (
            {"accounts": [{"id": "111111111111"}, {"id": "222222222222", "nmae": "x"}]},
            "aws: accounts.1.nmae: unknown key; did you mean 'name'?",
        ),
    ],
)
def test_a_key_that_is_misspelt(section: dict[str, Any], said: str) -> None:
    assert refusal(section) == said


def test_a_key_is_compared_with_those_of_its_own_place_only() -> None:
    said = refusal({"accounts": [{"id": "111111111111", "regoins": "x"}]})
    assert said == "aws: accounts.0.regoins: unknown key"
