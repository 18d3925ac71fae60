"""Finding the accounts to collect, entering them, and finding their regions."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from collectors.aws.credentials import AwsSessions
from collectors.aws.failures import CREDENTIAL_CODES
from collectors.aws.regions import check_regions, home_region, partition_of
from collectors.aws.session import AwsSession
from collectors.aws.settings import Account, AwsSettings
from collectors.caller import Caller
from collectors.contract import Discovery
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.transport import CallError
from store.errors import CollectorError
from store.model import Gap, Scope

_IDENTITY = Call(call="sts:GetCallerIdentity")
_ACCOUNTS = Call(call="organizations:ListAccounts")
_REGIONS = Call(call="ec2:DescribeRegions")
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom AWS sees."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]


class AccountDiscovery:
    """Finds the accounts that the settings mean.

    Args:
        caller: makes the caller of a session.
        now: the time as it is written into gaps.
    """

    def __init__(
        self,
        settings: AwsSettings,
        sessions: AwsSessions,
        caller: Callable[[AwsSession], Caller],
        now: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._caller = caller
        self._now = now

    def discover(self) -> Discovery:
        """Find the scopes; an account that cannot be entered is a gap, the others go on.

        Raises:
            CollectorError: no credentials, or AWS refuses them.
            ConfigError: a region is wrong.
        """
        base = self._sessions.base()
        check_regions(self._settings.regions, "aws.regions", base)
        check_regions(filter(None, [self._settings.home_region]), "aws.home_region", base)
        gaps: list[Gap] = []
        try:
            own = self.identity(base)
        except CallError as error:
            if error.code in CREDENTIAL_CODES:
                raise CollectorError(
                    f"AWS refuses the credentials: {error}",
                    "Renew them, or correct profile or role under [aws].",
                ) from error
            return Discovery((), (self._gap(_IDENTITY, error, "", self.home(base)),))
        accounts = list(self._accounts(own, base, gaps))
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="discover") as pool:
            entered = list(pool.map(lambda account: self._enter(account, own), accounts))
        for _, found in entered:
            gaps.extend(found)
        return Discovery(tuple(scope for scope, _ in entered if scope is not None), tuple(gaps))

    def identity(self, session: AwsSession) -> Identity:
        """Ask AWS who we are.

        Raises:
            CallError: it does not say.
        """
        answer = self._ask(_IDENTITY, session, self.home(session))
        account, arn = answer.get("Account"), answer.get("Arn")
        if not isinstance(account, str) or not isinstance(arn, str) or arn.count(":") < 5:
            raise CallError("MalformedAnswer", "the answer names no account or no ARN")
        return Identity(account, arn)

    def home(self, session: AwsSession, partition: str = "") -> str:
        """Return where global services are asked."""
        if self._settings.home_region:
            return self._settings.home_region
        if not partition:
            hint = next(iter(self._settings.regions), "") or session.region
            partition = partition_of(hint, session) if hint else "aws"
        return home_region(partition, session.regions("ec2", partition))

    def session_of(self, scope: Scope) -> AwsSession:
        """Return the session to read a scope with, also in a process that did not discover it."""
        role = scope.attributes.get("role", "")
        return self._sessions.assume(role, self._external_id(scope.id)) if role else self._sessions.base()

    def _external_id(self, account: str) -> str:
        if self._settings.organization is not None:
            return self._settings.organization.external_id
        return next((named.external_id for named in self._settings.accounts if named.id == account), "")

    def _accounts(self, own: Identity, base: AwsSession, gaps: list[Gap]) -> Iterator[Account]:
        organization = self._settings.organization
        if self._settings.accounts:
            yield from self._settings.accounts
            return
        if organization is None:
            yield Account(id=own.account)
            return
        try:
            listed = self._ask(_ACCOUNTS, base, self.home(base, own.partition)).get("Accounts") or []
        except CallError as error:
            gaps.append(self._gap(_ACCOUNTS, error, "", self.home(base, own.partition)))
            listed = [{"Id": own.account, "Status": "ACTIVE"}]
        for account in listed:
            number = str(account.get("Id"))
            # State replaces Status, which goes away in September 2026.
            active = (account.get("State") or account.get("Status")) == "ACTIVE"
            if active and number not in organization.exclude:
                role = "" if number == own.account else organization.role_name
                yield Account(
                    id=number, name=account.get("Name") or "", role=role, external_id=organization.external_id
                )

    def _enter(self, account: Account, own: Identity) -> tuple[Scope | None, list[Gap]]:
        role = account.role
        if role and not role.startswith("arn:"):
            role = f"arn:{own.partition}:iam::{account.id}:role/{role.removeprefix('/')}"
        session = self._sessions.assume(role, account.external_id) if role else self._sessions.base()
        key = f"aws:{account.id}"
        try:
            seen = self.identity(session) if role else own
            if seen.account != account.id:
                raise CallError(
                    "WrongAccount", f"the credentials lead to account {seen.account}, not {account.id}"
                )
        except CallError as error:
            return None, [self._gap(_IDENTITY, error, key, self.home(session, own.partition))]
        home = self.home(session, own.partition)
        gaps: list[Gap] = []
        scope = Scope(
            provider="aws",
            id=account.id,
            name=account.name or account.id,
            regions=self._regions(session, home, key, gaps),
            attributes={
                "partition": seen.partition,
                "principal": seen.arn,
                "home_region": home,
                **({"role": role} if role else {}),
            },
        )
        return scope, gaps

    def _regions(self, session: AwsSession, home: str, key: str, gaps: list[Gap]) -> tuple[str, ...]:
        if self._settings.regions:
            return tuple(dict.fromkeys(self._settings.regions))
        try:
            listed = self._ask(_REGIONS, session, home).get("Regions") or []
        except CallError as error:
            gaps.append(self._gap(_REGIONS, error, key, home))
            return (session.region or home,)
        enabled = [r["RegionName"] for r in listed if r.get("OptInStatus") != "not-opted-in"]
        return tuple(sorted(enabled))

    def _ask(self, call: Call, session: AwsSession, region: str) -> dict[str, Any]:
        return self._caller(session).whole(call, {}, region, Ledger())

    def _gap(self, call: Call, error: CallError, scope_key: str, region: str) -> Gap:
        return Gap(
            call=call.call,
            code=error.code,
            message=error.message,
            at=self._now(),
            resource_id=scope_key,
            region=region,
        )
