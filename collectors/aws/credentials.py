"""Whose eyes Annexa sees AWS with: the default chain, profiles, and roles taken from them."""

import threading
from functools import partial
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ProfileNotFound

from collectors.aws.models import model_loader
from collectors.aws.session import AwsSession, ClientCache
from collectors.aws.settings import AwsSettings
from store.errors import CollectorError


class AwsSessions:
    """Makes the sessions of one run; the loader of botocore's models is the process's.

    Args:
        concurrency: connections kept open per client.
        version: Annexa's version, for the user agent.
    """

    def __init__(self, settings: AwsSettings, concurrency: int, version: str) -> None:
        self._settings = settings
        self._concurrency = concurrency
        self._version = version
        self._loader = model_loader()
        self._clients = ClientCache()
        self._lock = threading.RLock()
        self._base: AwsSession | None = None
        self._assumed: dict[tuple[str, str], AwsSession] = {}

    def base(self) -> AwsSession:
        """Return the session of the credentials at hand, or of ``role_arn`` taken with them.

        Raises:
            CollectorError: there is no such profile, or no credentials.
        """
        with self._lock:
            if self._base is None:
                own = self._own()
                role = self._settings.role_arn
                self._base = self._assumed_from(own, role, self._settings.external_id) if role else own
            return self._base

    def assume(self, role_arn: str, external_id: str) -> AwsSession:
        """Return the session of a role; the role is taken when first needed, and when it expires.

        Raises:
            CollectorError: as for :meth:`base`. A role that cannot be taken shows in its calls.
        """
        with self._lock:
            key = (role_arn, external_id)
            if key not in self._assumed:
                self._assumed[key] = self._assumed_from(self.base(), role_arn, external_id)
            return self._assumed[key]

    def _own(self) -> AwsSession:
        session = self._botocore_session()
        try:
            own = self._session(session)
            credentials = own.credentials()
        except ProfileNotFound as error:
            raise CollectorError(
                f"aws.profile: {error}; there are: {', '.join(session.available_profiles) or 'none'}",
                "Correct the profile's name, or make it with `aws configure --profile`.",
            ) from error
        except BotoCoreError as error:
            raise CollectorError(
                f"AWS credentials could not be loaded: {error}",
                "See what `aws sts get-caller-identity` says.",
            ) from error
        if credentials is None:
            raise CollectorError(
                "boto3 finds no AWS credentials",
                "Set AWS_PROFILE, sign in with `aws sso login`, or name a profile under [aws].",
            )
        return own

    def _assumed_from(self, source: AwsSession, role_arn: str, external_id: str) -> AwsSession:
        settings = self._settings
        extra = {"RoleSessionName": settings.session_name, "DurationSeconds": settings.role_duration}
        if external_id:
            extra["ExternalId"] = external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(self._client_of, source),
            source_credentials=source.credentials(),
            role_arn=role_arn,
            extra_args=extra,
        )
        session = self._botocore_session()
        # botocore has no public way to give a session credentials that renew themselves.
        session._credentials = DeferredRefreshableCredentials(
            refresh_using=fetcher.fetch_credentials, method="assume-role"
        )
        return self._session(session)

    def _client_of(self, source: AwsSession, service: str, **credentials: Any) -> Any:
        with self._clients.lock:
            return source.botocore_session.create_client(
                service,
                region_name=self._settings.home_region or source.region or "us-east-1",
                endpoint_url=self._settings.endpoint_url or None,
                config=self._config(self._settings.retries),
                **credentials,
            )

    def _botocore_session(self) -> Any:
        session = botocore.session.Session(profile=self._settings.profile or None)
        session.register_component("data_loader", self._loader)
        return session

    def _session(self, botocore_session: Any) -> AwsSession:
        boto = boto3.Session(botocore_session=botocore_session)
        paths = self._loader.search_paths  # every boto3 session adds its own once more
        paths[:] = dict.fromkeys(paths)
        # One try: the engine retries, where it can also slow down and be stopped.
        return AwsSession(boto, self._config(1), self._settings.endpoint_url, self._clients)

    def _config(self, tries: int) -> Config:
        return Config(
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
            retries={"mode": "standard", "total_max_attempts": tries},
            max_pool_connections=self._concurrency,
            user_agent_extra=f"annexa/{self._version}",
        )
