"""An object store of S3's kind as a place for copies of checkpoints, write-once where it can be.

Nothing is ever overwritten: a copy is put with ``If-None-Match: *``, and may be locked (S3 Object Lock in
compliance mode) so that not even the account's owner removes it before its time.
Source: the API reference of Amazon S3, PutObject.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from store.errors import StoreError
from store.places import SUFFIX, prefix_of

SCHEME = "s3://"
_CONNECT_S, _READ_S, _ATTEMPTS = 5, 20, 3
_READERS = 8
_THERE_ALREADY = {"PreconditionFailed", "ConditionalRequestConflict"}


class ObjectStore:
    """Objects under a prefix of a bucket; endpoint, region and credentials come from boto3's usual chain.

    Args:
        address: ``s3://bucket/prefix``.
        retention: how long copies are locked, from the moment they are made; None leaves it to the bucket.
        now: the present moment, in UTC.

    Raises:
        ValueError: the address is none of an object store.
    """

    def __init__(self, address: str, retention: dt.timedelta | None, now: Callable[[], dt.datetime]) -> None:
        self.address = address
        self.bucket, self.prefix = parse_address(address)
        self.retention = retention
        self.now = now

    def __str__(self) -> str:
        return self.address

    def keep(self, name: str, note: bytes) -> bytes:
        lock = (
            {
                "ObjectLockMode": "COMPLIANCE",
                "ObjectLockRetainUntilDate": self.now() + self.retention,
            }
            if self.retention
            else {}
        )
        try:
            self._client.put_object(
                Bucket=self.bucket,
                Key=self.prefix + name,
                Body=note,
                ContentType="text/plain; charset=utf-8",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
                **lock,
            )
        except self._errors as error:
            if _code(error) in _THERE_ALREADY:
                return self._get(self.prefix + name)
            raise self._failed(f"{name} cannot be written", error) from error
        return note

    def copies(self, origin: str) -> Iterator[tuple[str, bytes]]:
        start = self.prefix + prefix_of(origin)
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
            keys = [
                item["Key"]
                for page in pages
                for item in page.get("Contents", ())
                if item["Key"].endswith(SUFFIX)
            ]
        except self._errors as error:
            raise self._failed("its copies cannot be listed", error) from error
        with ThreadPoolExecutor(_READERS) as pool:
            for key, note in zip(keys, pool.map(self._get, keys), strict=True):
                yield f"{SCHEME}{self.bucket}/{key}", note

    def _get(self, key: str) -> bytes:
        try:
            return bytes(self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except self._errors as error:
            raise self._failed(f"{key} cannot be read", error) from error

    @cached_property
    def _client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise StoreError(
                f"{self.address} needs boto3, which is not installed", "Run `pip install 'annexa[aws]'`."
            ) from error
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        try:
            session = boto3.Session()
            client = session.client("s3", config=config)
            if not (urlsplit(client.meta.endpoint_url).hostname or "").endswith(".amazonaws.com"):
                # Other servers rarely have a host name for each bucket.
                path_style = config.merge(Config(s3={"addressing_style": "path"}))
                client = session.client("s3", config=path_style)
        except self._errors as error:
            raise self._failed("it cannot be reached", error) from error
        return client

    @cached_property
    def _errors(self) -> tuple[type[Exception], ...]:
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            return ()
        # Botocore raises ValueError for an endpoint or a profile that is malformed.
        return (BotoCoreError, ClientError, ValueError)

    def _failed(self, what: str, error: Exception) -> StoreError:
        hints = {
            "AccessDenied": "Allow s3:PutObject, s3:GetObject and s3:ListBucket there, and with "
            "copy_retention_days also s3:PutObjectRetention.",
            "NoSuchBucket": "Make the bucket, with Object Lock if copies are to be locked.",
            "InvalidRequest": "Turn Object Lock on for the bucket, or leave out copy_retention_days.",
        }
        why = _code(error) or str(error)
        return StoreError(
            f"{self.address}: {what}: {why}",
            hints.get(why, "See whether region, endpoint and credentials of AWS's environment are right."),
        )


def parse_address(address: str) -> tuple[str, str]:
    """Return bucket and prefix; the prefix is empty or ends in a slash.

    Raises:
        ValueError: it is not ``s3://bucket`` or ``s3://bucket/prefix``.
    """
    bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not bucket or any(c.isspace() for c in address):
        raise ValueError(f"an object store is written as s3://bucket/prefix, not {address!r}")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
