"""A moto server on loopback, in a process of its own.

The module has two halves: ``MotoServer``, which a caller uses, and ``_serve``, which is what the
child process runs. The child picks a free port itself and says which, so nothing can take the port
in between, and it ends when its standard input closes: a killed parent leaves no server behind.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

AGE_PATH = "/annexa-demo/age"
"""Where the child takes dates that AWS would only give to a resource after a long wait."""

_ENVIRONMENT = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_ACM_VALIDATION_WAIT": "0",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
}
_MANAGED = (
    "AdministratorAccess",
    "AWSSupportAccess",
    "Billing",
    "IAMFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
)
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0


class ServerError(RuntimeError):
    """The moto server did not start."""


class MotoServer:
    """A moto server in a child process, for as long as the ``with`` block lasts.

    Attributes:
        host: the name under which the endpoint is given out; the socket listens on 127.0.0.1 only.
    """

    def __init__(self, host: str = "localhost") -> None:
        self.host = host
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    @property
    def endpoint(self) -> str:
        """The URL that goes into ``AWS_ENDPOINT_URL``."""
        return f"http://{self.host}:{self._port}"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise ServerError("the moto server is not running")
        return self._process.pid

    def start(self) -> "MotoServer":
        """Start the child and return when it answers.

        Raises:
            ServerError: the child ended or stayed silent; the message holds what it said.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **_ENVIRONMENT},
        )
        assert self._process.stdout is not None
        timer = threading.Timer(_START_TIMEOUT_S, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line.strip().isdigit():
            said = self._process.communicate()[1].strip().rpartition("\n")[2]
            self._process = None
            raise ServerError(f"the moto server did not start: {said or 'no answer'}")
        self._port = int(line)
        return self

    def stop(self) -> None:
        """End the child. A second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> "MotoServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def control(endpoint: str, path: str, body: bytes = b"") -> None:
    """Post to one of the server's own paths, which are not AWS."""
    request = Request(endpoint + path, data=body, method="POST", headers={"Content-Type": "text/plain"})
    with urlopen(request, timeout=30) as answer:
        answer.read()


def reset(endpoint: str, seed: int) -> None:
    """Empty the account, switch IAM enforcement off, and fix the order of generated ids."""
    control(endpoint, "/moto-api/reset-auth", b"inf")
    control(endpoint, "/moto-api/reset")
    control(endpoint, f"/moto-api/seed?a={seed}")


def enforce_iam(endpoint: str) -> None:
    """From now on every request needs the key of a principal that exists and is allowed."""
    control(endpoint, "/moto-api/reset-auth", b"0")


def set_ages(endpoint: str, ages: list[dict[str, Any]]) -> None:
    """Backdate IAM users, access keys and roles.

    Args:
        ages: objects with ``user`` or ``role``; optionally ``key`` (the index of the user's access
            key); ``created`` and ``used`` are days ago, and ``used`` may be missing for "never".
    """
    control(endpoint, AGE_PATH, json.dumps(ages).encode())


def _apply_ages(ages: list[dict[str, Any]]) -> None:
    models: Any = importlib.import_module("moto.iam.models")
    iam = models.iam_backends["123456789012"]["aws"]
    now = datetime.now(UTC).replace(tzinfo=None)
    for age in ages:
        created = now - timedelta(days=age["created"])
        used = now - timedelta(days=age["used"]) if age.get("used") is not None else None
        if "role" in age:
            role = iam.get_role(age["role"])
            role.create_date, role.last_used = created, used
        elif "key" in age:
            key = iam.get_user(age["user"]).access_keys[age["key"]]
            key.create_date = created
            key.last_used = models.AccessKeyLastUsed(used, "s3", "eu-central-1") if used else None
        else:
            user = iam.get_user(age["user"])
            user.create_date, user.password_last_used = created, used


def _keep_few_managed_policies() -> None:
    """Leave out most of the 1,500 policies of AWS: moto parses them again for every account."""
    iam: Any = importlib.import_module("moto.iam.models")
    known: dict[str, Any] = json.loads(iam.aws_managed_policies_data)
    iam.aws_managed_policies_data = json.dumps({name: known[name] for name in _MANAGED if name in known})


def _mend_authorisation() -> None:
    """Make moto's refusals those of AWS.

    Moto gets some signatures wrong, such as all of Lambda's, so a request is judged by its key alone;
    and it answers a JSON request with an XML error, which a client cannot read.
    """
    errors: Any = importlib.import_module("moto.core.exceptions")
    access: Any = importlib.import_module("moto.iam.access_control")
    deny_in_xml = access.IAMRequest._raise_access_denied

    def deny(request: Any) -> None:
        kind = request._headers.get("Content-Type") or ""
        xml = "urlencoded" in kind or request._service in ("route53", "cloudfront", "s3")
        if xml and "X-Amz-Target" not in request._headers:
            deny_in_xml(request)
        user, action = request._access_key.arn, request._action
        error = errors.JsonRESTError(
            "AccessDeniedException", f"User: {user} is not authorized to perform: {action}"
        )
        error.code = 403
        raise error

    access.IAMRequestBase.check_signature = lambda self: None
    access.IAMRequest._raise_access_denied = deny


def _serve() -> None:
    """Run in the child: serve until standard input closes."""
    import logging
    import signal

    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    logging.disable(logging.CRITICAL)
    _keep_few_managed_policies()
    _mend_authorisation()
    moto = DomainDispatcherApplication(create_backend_app)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO") != AGE_PATH:
            return moto(environ, start_response)
        _apply_ages(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return []

    class Quiet(MotoRequestHandler):
        def log(self, *args: Any, **kwargs: Any) -> None:
            """Say nothing."""

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - nobody reads the pipe from here on
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve()
