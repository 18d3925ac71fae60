"""Google's APIs on loopback, as the tests break them."""

from annexa.demo.google import Estate
from annexa.demo.google import Google as Right
from annexa.demo.google.reply import info, rate_limited, refusal, unauthenticated
from annexa.demo.loopback import Answer, Asked
from tests.collectors.gcp.gate import Gate
from tests.collectors.rest.rules import Faulty, Matcher, Rules, at


class Google(Right):
    """Google whose answers may go wrong, and whose right ones are held against what is published.

    Attributes:
        rules: the first that takes a request decides.
    """

    def __init__(self, estate: Estate, page: int = 2) -> None:
        super().__init__(estate, page)
        self.rules = Rules()
        self.gate = Gate()

    def answer(self, asked: Asked) -> Answer | None:
        return self.rules.answer(asked, lambda: self._noted(asked))

    def _noted(self, asked: Asked) -> Answer | None:
        answer = super().answer(asked)
        if answer is not None and answer.status != 401:
            self.gate.note(asked, answer)
        return answer


def later_page(path: str) -> Matcher:
    """Pages after the first."""
    return lambda asked: at(path)(asked) and "pageToken" in asked.query


def refuse(status: int, message: str = "No.", *, reason: str = "", older: str = "") -> Faulty:
    """Every time the same error, in the form of the service that was asked.

    Args:
        reason: of the ``ErrorInfo``, if it has one.
        older: the reason in the older form.
    """
    details = [info(reason)] if reason else []
    return lambda asked, right: refusal(_service(asked), status, message, details=details, reason=older)


def deny() -> Faulty:
    """The principal may not."""
    return refuse(403, "Permission denied on resource (or it may not exist).", reason="IAM_PERMISSION_DENIED")


def throttle(retry_after: int = 0) -> Faulty:
    """Too many requests.

    Args:
        retry_after: seconds.
    """
    return lambda asked, right: rate_limited(_service(asked), "1", retry_after)


def expire() -> Faulty:
    """The token is no longer good, and neither is the next."""
    return lambda asked, right: unauthenticated(_service(asked), "ACCESS_TOKEN_EXPIRED")


def _service(asked: Asked) -> str:
    return asked.path.split("/")[1]
