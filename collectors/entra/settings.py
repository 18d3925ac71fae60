"""The ``[entra]`` section of the configuration."""

from typing import ClassVar

from collectors.azure.sign_in import SignInSettings


class EntraSettings(SignInSettings):
    """The ``[entra]`` section: whom to sign in as, in which tenant and cloud."""

    section: ClassVar[str] = "entra"
