"""The ``[azure]`` section of the configuration."""

import re
from typing import ClassVar

from pydantic import field_validator

from collectors.azure.sign_in import GUID, SignInSettings


class AzureSettings(SignInSettings):
    """The ``[azure]`` section.

    Attributes:
        subscriptions: the subscriptions to collect, by id; default is all that the principal can see.
        management_groups: collect the subscriptions below these groups, by id.
        exclude: subscriptions to leave out, by id.
    """

    section: ClassVar[str] = "azure"
    subscriptions: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @field_validator("subscriptions", "exclude")
    @classmethod
    def _check_ids(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        for each in ids:
            if not re.match(GUID, each):
                raise ValueError(f"{each!r} is no subscription id: 8-4-4-4-12 hexadecimal digits")
        return tuple(dict.fromkeys(each.lower() for each in ids))

    @field_validator("management_groups")
    @classmethod
    def _check_groups(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for each in groups:
            if not each or "/" in each:
                raise ValueError(f"{each!r} is no id of a management group: write its last part only")
        return groups
