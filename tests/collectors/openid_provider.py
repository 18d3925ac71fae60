"""An authorisation server that others wrote: Authlib's, over TLS on loopback.

Authlib decides who a client is (RFC 6749 §2.3, RFC 7523), which scopes it gets and what an assertion must
say; here is only who its clients are. Discovery is RFC 8414's, also at the place of OpenID Connect.
"""

import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask, Response, jsonify
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import extract_compact
from werkzeug.serving import make_server

ASSERTED = "private_key_jwt"
METHODS = ("client_secret_basic", "client_secret_post", ASSERTED)


@dataclass
class Client(ClientMixin):
    """Who may ask for tokens.

    Attributes:
        method: how it proves itself: one of ``METHODS``.
        keys: kid → the public key that its assertions are verified with.
        scopes: what it may ask for; all that it asks for must be among them.
        subjects: for whom its assertions may stand, where they are the grant itself.
    """

    client_id: str
    method: str
    secret: str = ""
    keys: Mapping[str, PublicKeyTypes] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(each for each in (scope or "").split() if each in self.scopes)

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.secret) and self.secret == client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == JWTBearerGrant.GRANT_TYPE if self.subjects else True

    def key_set(self) -> KeySet:
        """The keys as JOSE has them."""
        return KeySet([_jose(kid, key) for kid, key in self.keys.items()])


@dataclass(frozen=True)
class Asserted:
    """An assertion whose signature and claims Authlib has verified."""

    header: dict[str, Any]
    claims: dict[str, Any]

    @classmethod
    def of(cls, assertion: str, claims: dict[str, Any]) -> "Asserted":
        return cls(dict(extract_compact(assertion.encode()).headers()), dict(claims))


class OpenIdProvider:
    """The server, for as long as the ``with`` block lasts.

    Attributes:
        token_path: where tokens are given.
        audiences: whom assertions may name, besides the token endpoint.
        clients: by their identifiers.
        scopes: what it refuses every other scope for; None refuses none.
        lasts: seconds that it says a token lasts.
        tokens: token → its scopes, of all that are good.
        asserted: the assertions that were found in order.
    """

    def __init__(self, tls: ssl.SSLContext, token_path: str = "/token") -> None:
        self.token_path = token_path
        self.audiences: set[str] = set()
        self.clients: dict[str, Client] = {}
        self.scopes: list[str] | None = None
        self.lasts = 3600
        self.tokens: dict[str, frozenset[str]] = {}
        self.asserted: list[Asserted] = []
        self.seen: set[str] = set()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = make_server("localhost", 0, self._application(), threaded=True, ssl_context=tls)

    @property
    def url(self) -> str:
        return f"https://localhost:{self._server.server_port}"

    @property
    def token_endpoint(self) -> str:
        return f"{self.url}{self.token_path}"

    def __enter__(self) -> "OpenIdProvider":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def metadata(self) -> dict[str, Any]:
        """What discovery says, which Authlib has found to be as RFC 8414 wants it."""
        found = AuthorizationServerMetadata(
            issuer=self.url,
            token_endpoint=self.token_endpoint,
            authorization_endpoint=f"{self.url}/authorize",
            response_types_supported=["code"],
            grant_types_supported=[ClientCredentialsGrant.GRANT_TYPE, JWTBearerGrant.GRANT_TYPE],
            token_endpoint_auth_methods_supported=list(METHODS),
            token_endpoint_auth_signing_alg_values_supported=["RS256", "ES256"],
        )
        found.validate()
        return dict(found)

    def _application(self) -> Flask:
        application = Flask(__name__)
        server = AuthorizationServer(application, self.clients.get, self._save)
        server.register_token_generator("default", self._generator(server, application))
        server.register_client_auth_method(ASSERTED, _asserting(self))
        server.register_grant(_Credentials)
        server.register_grant(_bearing(self))

        @application.get("/.well-known/oauth-authorization-server")
        @application.get("/<path:tenant>/.well-known/openid-configuration")
        @application.get("/.well-known/openid-configuration")
        def discovery(tenant: str = "") -> Response:
            del tenant
            return jsonify(self.metadata())

        @application.post(self.token_path)
        def token() -> Response:
            server.scopes_supported = self.scopes
            answer: Response = server.create_token_response()
            return answer

        return application

    def _generator(self, server: Any, application: Flask) -> Callable[..., dict[str, Any]]:
        made = server.create_bearer_token_generator(application.config)

        def generate(**more: Any) -> dict[str, Any]:
            token: dict[str, Any] = made(**{**more, "expires_in": self.lasts})
            return token

        return generate

    def _save(self, token: dict[str, Any], request: Any) -> None:
        del request
        self.tokens[token["access_token"]] = frozenset(str(token.get("scope") or "").split())


class _Credentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar[list[str]] = list(METHODS)


def _audiences(provider: OpenIdProvider) -> list[str]:
    return [provider.token_endpoint, *provider.audiences]


def _asserting(provider: OpenIdProvider) -> JWTBearerClientAssertion:
    """A client proves itself by an assertion: RFC 7523 §2.2."""

    class Assertion(JWTBearerClientAssertion):
        CLIENT_AUTH_METHOD = ASSERTED

        def get_audiences(self) -> list[str]:
            return _audiences(provider)

        def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
            del claims
            fresh = jti not in provider.seen
            provider.seen.add(jti)
            return fresh

        def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
            claims: dict[str, Any] = super().process_assertion_claims(assertion, resolve_key)
            provider.asserted.append(Asserted.of(assertion, claims))
            return claims

        def resolve_client_public_key(self, client: Client) -> KeySet:
            return client.key_set()

    return Assertion()


def _bearing(provider: OpenIdProvider) -> type[JWTBearerGrant]:
    """An assertion that is the grant itself: RFC 7523 §2.1."""

    class Bearing(JWTBearerGrant):
        def resolve_issuer_client(self, issuer: str) -> Client | None:
            return provider.clients.get(issuer)

        def resolve_client_public_key(self, client: Client) -> KeySet:
            return client.key_set()

        def get_audiences(self) -> list[str]:
            return _audiences(provider)

        def authenticate_user(self, subject: str) -> str:
            return subject

        def has_granted_permission(self, client: Client, user: str) -> bool:
            return user in client.subjects

        def process_assertion_claims(self, assertion: str) -> dict[str, Any]:
            claims: dict[str, Any] = super().process_assertion_claims(assertion)
            provider.asserted.append(Asserted.of(assertion, claims))
            return claims

    return Bearing


def _jose(kid: str, key: PublicKeyTypes) -> RSAKey | ECKey:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kind = ECKey if isinstance(key, EllipticCurvePublicKey) else RSAKey
    return kind.import_key(pem, {"kid": kid})
