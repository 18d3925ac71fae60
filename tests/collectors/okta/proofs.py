"""What a server makes of DPoP proofs (RFC 9449 §4.3), read with another JOSE library than the collector's."""

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from joserfc import jwk, jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from annexa.demo.loopback import Asked

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
"""Those that Okta names in its challenges."""

_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}
_SECONDS = 60


class NotProvenError(Exception):
    """A proof is not as it must be; the code is that of RFC 9449."""

    def __init__(self, why: str, code: str = "invalid_dpop_proof") -> None:
        super().__init__(why)
        self.code = code


@dataclass
class Proven:
    """The proofs that one server was shown.

    Attributes:
        nonce: what a proof must name; "" asks for none.
        accepted: the claims of all proofs that were in order.
        keys: the thumbprints of the keys that they were made with.
    """

    nonce: str = ""
    accepted: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def renew(self) -> None:
        """Ask for another nonce from now on."""
        self.nonce = str(uuid.uuid4())

    def check(self, asked: Asked, base: str, token: str = "") -> str:
        """Return the thumbprint of the key that a request's proof was made with.

        Args:
            base: scheme and host of the server.
            token: the access token that is shown; "" where one is asked for.

        Raises:
            NotProvenError: saying why.
        """
        proof = asked.headers.get("dpop", "")
        if not proof:
            raise NotProvenError("The DPoP proof JWT header is missing.")
        try:
            header = extract_compact(proof.encode()).headers()
            key = jwk.import_key(header.get("jwk", {}))
            claims = jwt.decode(proof, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise NotProvenError(f"The DPoP proof JWT is not in order: {error}") from error
        self._compare("typ", header.get("typ"), "dpop+jwt")
        if _PRIVATE & header["jwk"].keys():
            raise NotProvenError("The key of the DPoP proof JWT is not a public one.")
        self._compare("htm", claims.get("htm"), asked.method)
        self._compare("htu", claims.get("htu"), base + unquote(asked.target.partition("?")[0]))
        self._compare("ath", claims.get("ath"), _digest(token) if token else None)
        if not isinstance(claims.get("iat"), int) or abs(time.time() - claims["iat"]) > _SECONDS:
            raise NotProvenError("'iat' claim in the DPoP proof JWT is invalid.")
        if not claims.get("jti") or claims["jti"] in self._seen:
            raise NotProvenError("The DPoP proof JWT has already been used.")
        self._seen.add(claims["jti"])
        if self.nonce and claims.get("nonce") != self.nonce:
            raise NotProvenError("Authorization server requires nonce in DPoP proof.", "use_dpop_nonce")
        self.accepted.append(claims)
        thumbprint: str = key.thumbprint()
        self.keys.add(thumbprint)
        return thumbprint

    def _compare(self, name: str, said: Any, right: Any) -> None:
        if said != right:
            raise NotProvenError(f"'{name}' claim in the DPoP proof JWT is invalid.")


def _digest(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
