"""A timestamp authority for tests: certificates made on the spot, ``openssl ts`` behind a loopback server."""

import datetime as dt
import http.server
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.store.keys import need_openssl

POLICY = "1.3.6.1.4.1.99999.1"
_CONFIGURATION = f"""
[tsa]
default_tsa = t
[t]
serial = {{folder}}/serial
signer_cert = {{folder}}/tsa.pem
signer_key = {{folder}}/tsa.key
certs = {{folder}}/chain.pem
signer_digest = sha256
default_policy = {POLICY}
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def issue(
    name: str,
    issuer: Issued | None = None,
    *,
    authority: bool = False,
    usage: x509.ObjectIdentifier | None = None,
    days: tuple[int, int] = (-1, 30),
    like: Issued | None = None,
) -> Issued:
    """Issue a certificate, a self-signed one without ``issuer``, valid between these days from today.

    Args:
        like: takes key and serial number from another certificate.
    """
    key = like.key if like else generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(like.certificate.serial_number if like else x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(_key_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def issue_tsa(issuer: Issued, name: str = "Test TSA", days: tuple[int, int] = (-1, 30)) -> Issued:
    return issue(name, issuer, usage=ExtendedKeyUsageOID.TIME_STAMPING, days=days)


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


class Authority:
    """Answers requests with ``openssl ts``."""

    def __init__(self, folder: Path, signer: Issued, chain: bytes = b"") -> None:
        need_openssl()
        folder.mkdir(exist_ok=True)
        self.folder = folder
        files = {
            "tsa.pem": signer.pem,
            "tsa.key": signer.key_pem,
            "chain.pem": chain or signer.pem,
            "serial": b"01",
            "tsa.cnf": _CONFIGURATION.format(folder=folder).encode(),
        }
        for name, data in files.items():
            (folder / name).write_bytes(data)

    def __call__(self, query: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        subprocess.run(
            [
                *("openssl", "ts", "-reply", "-config", str(self.folder / "tsa.cnf")),
                *("-queryfile", str(self.folder / "query.tsq"), "-out", str(self.folder / "answer.tsr")),
            ],
            check=True,
            capture_output=True,
        )
        return (self.folder / "answer.tsr").read_bytes()


class Server(http.server.ThreadingHTTPServer):
    """Serves one authority on the loopback interface (RFC 3161 §3.4)."""

    def __init__(self, answer: Callable[[bytes], bytes], status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.status = status
        self.headers: dict[str, str] = {}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/tsa"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.headers = dict(self.headers.items())
        answer = self.server.answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def log_message(self, *_: object) -> None:
        pass
