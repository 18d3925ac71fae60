"""The ``[aws]`` section of the configuration."""

from pydantic import Field, field_validator, model_validator

from store.model import Strict

_ACCOUNT = r"^\d{12}$"
_EXTERNAL_ID = r"^$|^[\w+=,.@:/-]{2,}$"
_ROLE_ARN = r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$"


class Account(Strict):
    """One account to collect.

    Attributes:
        id: the account number.
        name: what people call it.
        role: the role to take there, by name or ARN; without it the credentials at hand are used.
        external_id: what the role's trust policy asks for.
    """

    id: str = Field(pattern=_ACCOUNT)
    name: str = ""
    role: str = ""
    external_id: str = Field(default="", pattern=_EXTERNAL_ID)


class Organization(Strict):
    """Accounts are found through AWS Organizations.

    Attributes:
        role_name: the role to take in every account but the one the credentials belong to.
        external_id: what the roles' trust policies ask for.
        exclude: account numbers to leave out.
    """

    role_name: str
    external_id: str = Field(default="", pattern=_EXTERNAL_ID)
    exclude: tuple[str, ...] = ()


class AwsSettings(Strict):
    """The ``[aws]`` section.

    Attributes:
        profile: a profile of the AWS configuration files; default is boto3's usual chain.
        role_arn: a role to take before anything else; roles in accounts are then taken from it.
        external_id: what the trust policy of ``role_arn`` asks for.
        session_name: how the sessions of assumed roles are called in CloudTrail.
        role_duration: seconds that an assumed role's credentials live; they renew themselves.
        accounts: the accounts to collect; default is the one the credentials belong to.
        organization: find the accounts through AWS Organizations instead.
        regions: the regions to read; default is every region enabled in the account.
        home_region: where global services are asked; default is the partition's own.
        endpoint_url: send every request here, instead of to AWS; ``AWS_ENDPOINT_URL`` does the same.
        connect_timeout: seconds.
        read_timeout: seconds.
        retries: tries of a call that fails in a way that may pass.
    """

    profile: str = ""
    role_arn: str = Field(default="", pattern=f"^$|{_ROLE_ARN}")
    external_id: str = Field(default="", pattern=_EXTERNAL_ID)
    session_name: str = Field(default="annexa", pattern=r"^[\w+=,.@-]{2,64}$")
    role_duration: int = Field(default=3600, ge=900, le=43_200)
    accounts: tuple[Account, ...] = ()
    organization: Organization | None = None
    regions: tuple[str, ...] = ()
    home_region: str = ""
    endpoint_url: str = Field(default="", pattern=r"^$|^https?://[^/]+")
    connect_timeout: float = Field(default=10, gt=0)
    read_timeout: float = Field(default=60, gt=0)
    retries: int = Field(default=5, ge=1, le=20)

    @field_validator("accounts")
    @classmethod
    def _check_accounts(cls, accounts: tuple[Account, ...]) -> tuple[Account, ...]:
        ids = [account.id for account in accounts]
        twice = sorted({account for account in ids if ids.count(account) > 1})
        if twice:
            raise ValueError(f"account {', '.join(twice)} is named twice")
        return accounts

    @model_validator(mode="after")
    def _check_one_way(self) -> "AwsSettings":
        if self.accounts and self.organization is not None:
            raise ValueError("name either accounts or organization, not both")
        if self.external_id and not self.role_arn:
            raise ValueError("external_id needs role_arn")
        return self
