"""Google Workspace's APIs, as far as their contract is published: paths, pages, selections of fields, scopes.

Every answer is held against ``fields.json`` as it is made.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from annexa.demo.loopback import Answer, Asked
from collectors.rest.forms import Forms
from collectors.rest.published import Published, published
from tests.collectors.gcp.identity import error, reply
from tests.collectors.google_workspace import mask
from tests.collectors.google_workspace.delegated import Delegated
from tests.collectors.google_workspace.generate_fields import scopes
from tests.collectors.rest.rules import Rules

FOLDER = Path(__file__).parents[3] / "collectors" / "google_workspace"
_VARIABLE = re.compile(r"\{(\+?)(\w+)\}")
# The discovery document is silent on these; https://cloud.google.com/identity/docs/reference/rest names them.
_UNPUBLISHED = {
    "cloudidentity:GET /v1/{+parent}/userinvitations": {
        "https://www.googleapis.com/auth/cloud-identity.userinvitations.readonly"
    }
}

Making = Callable[[dict[str, str], dict[str, str]], dict[str, Any] | None]
"""Makes the whole answer of a call from the variables of its path and its query; None for nothing."""


@dataclass
class Workspace:
    """Answers as one customer; see :class:`annexa.demo.loopback.Loopback`.

    Attributes:
        calls: call, as definitions write it → what it answers.
        page: most elements on a page, whatever is asked for.
        rules: the first that takes a request decides; they do not concern tokens.
        strange: what of answers and questions is not as published.
    """

    tokens: Delegated
    calls: dict[str, Making] = field(default_factory=dict)
    page: int = 3
    rules: Rules = field(default_factory=Rules)
    strange: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer | None:
        given = self.tokens(asked)
        if given is not None:
            return given
        return self.rules.answer(asked, lambda: self._right(asked))

    def _right(self, asked: Asked) -> Answer:
        found = self._find(asked)
        if found is None:
            return error(404, "NOT_FOUND", f"There is nothing at {asked.path}.", "notFound")
        call, variables = found
        refused = self.tokens.refusal(asked, scopes(call) or _UNPUBLISHED[call])
        if refused is not None:
            return refused
        body = self.calls[call](variables, asked.query)
        if body is None:
            return error(404, "NOT_FOUND", "Resource Not Found", "notFound")
        return reply(200, self._checked(call, asked, self._paged(body, asked.query)))

    def _find(self, asked: Asked) -> tuple[str, dict[str, str]] | None:
        service, _, path = asked.target.partition("?")[0].lstrip("/").partition("/")
        for call in self.calls:
            name, _, operation = call.partition(":")
            verb, _, template = operation.partition(" ")
            variables = _VARIABLE.findall(template)
            pattern = _VARIABLE.sub(lambda m: "(.+)" if m[1] else "([^/]+)", template)
            match = re.fullmatch(pattern, f"/{path}")
            if match and name == service and verb == asked.method:
                values = [unquote(value) for value in match.groups()]
                return call, dict(zip((each[1] for each in variables), values, strict=True))
        return None

    def _paged(self, body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        listed = next((key for key, value in body.items() if isinstance(value, list)), None)
        if listed is None or ("maxResults" not in query and "pageSize" not in query):
            return body
        size = min(self.page, int(query.get("maxResults") or query["pageSize"]))
        start = int(query.get("pageToken", "0"))
        more = {"nextPageToken": str(start + size)} if start + size < len(body[listed]) else {}
        shown = body[listed][start : start + size]
        # Google leaves out lists that are empty.
        rest = {key: value for key, value in body.items() if key != listed}
        return {**rest, **({listed: shown} if shown else {}), **more}

    def _checked(self, call: str, asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        known = self._published.call(call)
        assert known is not None, call
        self.strange += self._published.forms.mismatches(call, known.form, body)
        self.strange += [f"{call}: {name}?" for name in asked.query if name not in (known.query or ())]
        if "fields" not in asked.query:
            return body
        selection = mask.parse(asked.query["fields"])
        forms: Forms = self._published.forms
        self.strange += [
            f"{call}: {path}: {wrong}"
            for path in mask.paths(selection)
            if (wrong := forms.missing(known.form, _through_lists(forms, known.form, path)))
        ]
        found: dict[str, Any] = mask.kept(body, selection)
        return found

    @property
    def _published(self) -> Published:
        return published(FOLDER)


def _through_lists(forms: Forms, form: str, path: str) -> str:
    """Return a path with the step into elements that a selection of fields leaves out."""
    steps = path.split(".")
    if len(steps) > 1 and forms.taken(form, steps[0]).startswith("["):
        return ".".join([steps[0], "*", *steps[1:]])
    return path
