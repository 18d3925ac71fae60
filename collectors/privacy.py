"""Keyed pseudonyms in the place of what names a person: the same name gives the same pseudonym everywhere.

An e-mail address keeps its domain, in lower case, and what stands before and behind it, so that rules about
domains and kinds of principals still hold: ``user:Ann@Example.com`` becomes
``user:person-<32 hex digits>@example.com``. A path, such as an ARN, keeps all but its last part, and a URL
its host. Addresses of machines and the logins that products come with name nobody, and stay. Any other text
becomes ``person-<32 hex digits>``.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from collectors.paths import change_at

_PURPOSE = b"annexa pseudonyms of people, version 1"
_HEX_DIGITS = 32

_PSEUDONYM = rf"person-[0-9a-f]{{{_HEX_DIGITS}}}"
_DONE = re.compile(_PSEUDONYM)
_ADDRESS = re.compile(r"(?P<local>[^\s@:/;,<>()\[\]\"=?]+)@(?P<domain>[\w-]+(?:\.[\w-]+)*)")
# Before and behind an address only what says what kind it is of: anything else may be a name too.
_KINDS = "acct|deleted|group|mailto|serviceAccount|sip|smtp|user"
_ONE_ADDRESS = re.compile(rf"(?:(?:{_KINDS}):)*{_ADDRESS.pattern}(?:\?uid=\d+)?", re.IGNORECASE)
_BETWEEN = re.compile(r"(\s*[;,]\s*)")
_PATH = re.compile(
    r"((?:arn:|//|/|projects/|folders/|organizations/)\S*/|arn:(?:[^:/\s]*:){4}[^:/\s]+:)(\S+)"
)
_URL = re.compile(r"(https?://[^/@\s]+/)(\S+)")
_ROOT = re.compile(r"arn:(?:[^:/\s]*:){4}(?:root|mfa/root-account-mfa-device)|<root_account>")
_WORKFORCE = re.compile(r"(principal://\S*/workforcePools/\S+/subject/)([^\s/?]+)")

_IAM_USER = re.compile(
    r"(arn:[\w-]*:(?:iam::\d*:user/(?:[^\s\"',/\\]+/)*|sts::\d*:(?:assumed-role/[^\s\"',/\\]+|federated-user)/))"
    r"([^\s\"',/*\\]+)(?=$|[\s\"',\\])"
)

_GUEST = "#EXT#"
# What is written where there is nothing to write: people are matched by it no more than by nothing.
_NOTHING = re.compile(r"[\W0_]*|n/a", re.IGNORECASE)
# Logins that products come with; rules ask for them, and they say nothing of who uses them.
_NOBODY = frozenset(
    {"admin", "administrator", "default", "master", "mysql", "postgres", "root", "sa", "sqlserver", "system"}
)
_MACHINES = re.compile(r"(?:.+\.)?gserviceaccount\.com")


class Pseudonyms:
    """Gives pseudonyms under one key.

    Args:
        key: secret; whoever has it can tell whether a pseudonym is that of a name that they guess.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_store(cls, redaction_key: bytes) -> "Pseudonyms":
        """Return those of a store: their key is derived from its redaction key, and serves nothing else."""
        return cls(hmac.new(redaction_key, _PURPOSE, hashlib.sha256).digest())

    def of(self, text: str) -> str:
        """Return what stands for a text that names a person; a pseudonym stands for itself."""
        return self._whole(text, {})

    def of_addresses(self, text: str) -> str:
        """Return a text in which pseudonyms stand for e-mail addresses, IAM users and workforce identities.

        The rest stays as it is.
        """
        return self._addresses(text, {})

    def put_into(
        self, document: dict[str, Any], paths: Iterable[str], names: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[str]]:
        """Put pseudonyms in the place of every text at the paths; see ``personal`` in definitions.

        Args:
            names: filled with name → pseudonym for all that were replaced.

        Returns:
            the changed document, which shares with the old one what did not change, and the concrete
            paths that hold pseudonyms now, sorted.
        """
        touched: set[str] = set()
        found = {} if names is None else names
        for path in paths:
            only_addresses = path.endswith("@")

            def change(value: Any, only_addresses: bool = only_addresses) -> Any:
                return self._value(value, only_addresses, found)

            document, changed = change_at(document, path.removesuffix("@"), change)
            touched.update(changed)
        return document, sorted(touched)

    def message(self, text: str, names: Mapping[str, str]) -> str:
        """Return an error message without addresses, and without these names where they are whole words.

        Args:
            names: what :meth:`put_into` gathered.
        """
        return self.of_addresses(_without(names, text))

    def _value(self, value: Any, only_addresses: bool, names: dict[str, str]) -> Any:
        if isinstance(value, str):
            changed = self._addresses(value, names) if only_addresses else self._whole(value, names)
            return value if changed == value else changed
        if isinstance(value, list):
            elements = [self._value(inner, only_addresses, names) for inner in value]
            return value if elements == value else elements
        if isinstance(value, dict):
            fields = {key: self._value(inner, only_addresses, names) for key, inner in value.items()}
            return value if fields == value else fields
        if isinstance(value, int | float) and not isinstance(value, bool) and not only_addresses:
            return self._whole(str(value), names)
        return value

    def _whole(self, text: str, names: dict[str, str]) -> str:
        pieces = _BETWEEN.split(text.strip())
        if all(_ONE_ADDRESS.fullmatch(piece) for piece in pieces[::2]):
            return self._addresses(text, names)
        if _DONE.fullmatch(text) or _NOTHING.fullmatch(text.strip()):
            return text
        if _ROOT.fullmatch(text) or text.lower() in _NOBODY:
            return text
        path = _PATH.fullmatch(text) or _URL.fullmatch(text)
        if path is not None:
            return path[1] + self._whole(path[2], names)
        return self._remember(text, self._pseudonym(text), names)

    def _addresses(self, text: str, names: dict[str, str]) -> str:
        def replaced(match: re.Match[str]) -> str:
            local, domain = match["local"], match["domain"].lower()
            if _MACHINES.fullmatch(domain) or _DONE.fullmatch(local.removesuffix(_GUEST)):
                return match[0]
            guest = _GUEST if local.upper().endswith(_GUEST) else ""
            return self._remember(match[0], f"{self._pseudonym(match[0])}{guest}@{domain}", names)

        def subject(match: re.Match[str]) -> str:
            return match[1] + self._whole(match[2], names)

        return _IAM_USER.sub(subject, _WORKFORCE.sub(subject, _ADDRESS.sub(replaced, text)))

    def _pseudonym(self, text: str) -> str:
        # Lower case, and not folded: ß and ss are letters of different people.
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).strip()
        return "person-" + hmac.new(self._key, plain.encode(), hashlib.sha256).hexdigest()[:_HEX_DIGITS]

    @staticmethod
    def _remember(name: str, pseudonym: str, names: dict[str, str]) -> str:
        names[name.strip()] = pseudonym
        return pseudonym


def _without(names: Mapping[str, str], text: str) -> str:
    if not names:
        return text
    known = {name.casefold(): pseudonym for name, pseudonym in names.items()}
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(
        rf"(?<![\w-])(?:{words})(?![\w-])",
        lambda match: known.get(match[0].casefold(), match[0]),
        text,
        flags=re.IGNORECASE,
    )
