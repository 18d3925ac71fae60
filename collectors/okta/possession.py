"""Proof that a token is in the hands of whom it was given to: DPoP, RFC 9449.

Okta takes RS256 to ES512, asks for a nonce where tokens are given, and for ``ath`` with every token that is
shown (https://developer.okta.com/docs/guides/dpop/-/main).
"""

import base64
import hashlib
import re
import time
import uuid
from collections.abc import Callable, Generator
from urllib.parse import quote

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from collectors.rest.failures import brief
from collectors.transport import CallError

SCHEME = "DPoP"
"""What the ``Authorization`` header begins with where a token is bound to a key."""

WANTS_NONCE = "use_dpop_nonce"
WRONG_PROOF = "invalid_dpop_proof"

_NONCE_HEADER = "DPoP-Nonce"
_MAY_WANT_ANOTHER_NONCE = frozenset({400, 401})
_TRIES = 3
_IN_A_PATH = "/:@!$&'()*+,;=~"
_CHALLENGE = re.compile(r'\berror="?([a-z_]+)"?(?:.*?\berror_description="([^"]*)")?', re.DOTALL)


class Proofs:
    """Proofs with a key pair that is made for this run, and is nowhere else.

    Args:
        wall: seconds since 1970.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._key = generate_private_key(SECP256R1())
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._header = {"typ": "dpop+jwt", "jwk": {name: public[name] for name in ("kty", "crv", "x", "y")}}

    def proof(self, method: str, url: httpx.URL, nonce: str, token: str = "") -> str:
        """Return the proof for one request, to be sent once.

        Args:
            nonce: what the server gave last, "" where it gave none.
            token: the access token that is shown; "" where one is asked for.
        """
        claims: dict[str, object] = {
            "jti": str(uuid.uuid4()),
            "htm": method,
            "htu": _without_query(url),
            "iat": int(self._wall()),
        }
        if nonce:
            claims["nonce"] = nonce
        if token:
            digest = hashlib.sha256(token.encode("ascii")).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
        return jwt.encode(claims, self._key, "ES256", headers=self._header)


class Possession(httpx.Auth):
    """Sends with each request that shows a bound token the proof for it; others pass as they are.

    The nonce is the last that the server gave, with whatever answer (RFC 9449 §8.2, §9).
    """

    def __init__(self, proofs: Proofs) -> None:
        self._proofs = proofs
        self._nonce = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != SCHEME:
            yield request
            return
        for _ in range(_TRIES):
            sent = self._nonce
            request.headers[SCHEME] = self._proofs.proof(request.method, request.url, sent, token)
            response = yield request
            given = self.learn(response)
            if response.status_code not in _MAY_WANT_ANOTHER_NONCE or given in ("", sent):
                break
        _refuse_what_was_not_proven(response)

    def for_token(self, url: str) -> str:
        """Return the proof for a request for a token."""
        return self._proofs.proof("POST", httpx.URL(url), self._nonce)

    def learn(self, response: httpx.Response) -> str:
        """Keep the nonce that came with an answer, and return it; "" where none came."""
        given: str = response.headers.get(_NONCE_HEADER, "")
        self._nonce = given or self._nonce
        return given


def _refuse_what_was_not_proven(response: httpx.Response) -> None:
    """Say what is wrong with a proof: it stands in the challenge (RFC 9449 §7.1), not always in the body."""
    found = _CHALLENGE.search(response.headers.get("WWW-Authenticate", ""))
    if response.status_code in _MAY_WANT_ANOTHER_NONCE and found and found[1] in (WRONG_PROOF, WANTS_NONCE):
        raise CallError(found[1], brief(found[2] or "the proof of possession is refused"))


def _without_query(url: httpx.URL) -> str:
    # Okta compares with the path in which nothing is escaped that need not be (okta-sdk-python issue 541).
    return f"{url.scheme}://{url.netloc.decode('ascii')}{quote(url.path, _IN_A_PATH)}"
