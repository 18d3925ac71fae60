"""Reading pages as a browser would: elements, attributes, text, and where links lead."""

import posixpath
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote

_VOID = {"meta", "br", "input", "link", "img", "hr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    inside: tuple[str, ...] = ()
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


@dataclass
class Page(HTMLParser):
    """A page that was read.

    Attributes:
        unclosed: elements that were closed out of order, or never.
    """

    path: str
    elements: list[Element] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    @classmethod
    def read(cls, path: str, data: bytes) -> "Page":
        page = cls(path)
        HTMLParser.__init__(page)
        page.feed(data.decode("utf-8"))
        page.close()
        page.unclosed += [element.tag for element in page._open]
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), inside=tuple(one.tag for one in self._open))
        self.elements.append(element)
        if tag == "br":
            self.handle_data("\n")
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1].tag == tag:
            self._open.pop()
        else:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)

    @property
    def text(self) -> str:
        return next(element.text for element in self.elements if element.tag == "body")

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def with_class(self, name: str) -> list[Element]:
        return [one for one in self.elements if name in (one.attributes.get("class") or "").split()]

    def table(self, caption: str) -> list[list[str]]:
        """Return the cells of the table whose caption begins so, row by row, white space folded."""
        rows: list[list[str]] = []
        within = False
        for element in self.elements:
            if element.tag == "caption":
                within = element.text.startswith(caption)
            elif within and element.tag == "tr":
                rows.append([])
            elif within and element.tag in ("th", "td") and "tr" in element.inside:
                rows[-1].append(" ".join(element.text.split()))
        return rows

    def links(self) -> list[str]:
        """Return where links lead: paths in the pack, and anchors of this page as ``#name``."""
        found = []
        for element in self.elements:
            target = element.attributes.get("href")
            if target is None:
                continue
            if target.startswith("#"):
                found.append(target)
            else:
                path = unquote(target.partition("#")[0])
                joined = posixpath.join(posixpath.dirname(self.path), path)
                found.append(posixpath.normpath(joined))
        return found
