"""The templates of the pages, and what a browser is told to run of them: our own style and script."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from annexa.pack import page_names, page_text
from store.pack import layout

_FOLDER = Path(__file__).parent / "templates"


def render(template: str, path: str, **values: Any) -> bytes:
    """Return a page.

    Args:
        path: where it is in the pack, from which its links are worked out.
    """
    root = "../" * path.count("/")
    text = templates().get_template(template).render(root=root, **values)
    return text.encode()


@cache
def templates() -> Environment:
    """Return the templates: everything is escaped, and a name that is not there is an error."""
    found = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=lambda name: name is None or not name.endswith(".md"),
        undefined=StrictUndefined,
        finalize=page_text.visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style, script = _asset("pack.css"), _asset("pack.js")
    found.globals.update(
        page=page_names,
        file=layout,
        href=page_text.href,
        plural=page_text.plural,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}'; "
        "base-uri 'none'; form-action 'none'",
    )
    found.filters.update(pretty=page_text.pretty, when=page_text.when, words=page_text.words)
    return found


def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return the one inline text that a browser may apply, by its hash (CSP Level 3, §2.3.1)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
