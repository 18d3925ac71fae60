"""The App's proof of who it is, read by a JOSE library that did not make it, against GitHub's rules.

Source: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey

from collectors.github.credentials import AppJwt
from tests.collectors.github.conftest import Served

LONGEST = 600


def proof(github: Served) -> str:
    """What the App sent when it looked for its installation."""
    github.app().discover()
    asked = next(each for each in github.server.asked if each.path.endswith("/installation"))
    kind, _, token = asked.headers["authorization"].partition(" ")
    assert kind == "Bearer"
    return token


def public(path: Path) -> RSAKey:
    key = load_pem_private_key(path.read_bytes(), None).public_key()
    return RSAKey.import_key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_the_proof_is_signed_with_the_app_s_key_and_rs256(github: Served) -> None:
    token = jwt.decode(proof(github), public(github.key_file), algorithms=["RS256"])
    assert token.header == {"alg": "RS256", "typ": "JWT"}


def test_the_proof_lasts_ten_minutes_at_most_and_begins_before_now(github: Served) -> None:
    before = int(time.time())
    claims = jwt.decode(proof(github), public(github.key_file), algorithms=["RS256"]).claims
    needs = jwt.JWTClaimsRegistry(iss={"essential": True}, iat={"essential": True}, exp={"essential": True})
    needs.validate(claims)
    assert set(claims) == {"iss", "iat", "exp"}
    assert claims["iss"] == github.github.app_id
    assert claims["iat"] <= time.time() - 60  # GitHub's advice against clocks that differ
    assert before < claims["exp"] <= int(time.time()) + LONGEST


def test_a_proof_of_another_app_is_not_taken_for_it(github: Served, tmp_path: Path) -> None:
    path = tmp_path / "other.pem"
    key = generate_private_key(65537, 2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(BadSignatureError):
        jwt.decode(proof(github), public(path), algorithms=["RS256"])


def test_an_app_may_be_named_by_its_client_id(github: Served) -> None:
    signed = AppJwt("Iv23liAnnexa", str(github.key_file), lambda: datetime.now(UTC)).authorization()
    claims = jwt.decode(signed.removeprefix("Bearer "), public(github.key_file), algorithms=["RS256"]).claims
    assert claims["iss"] == "Iv23liAnnexa"
