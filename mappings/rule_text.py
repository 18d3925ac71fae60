"""The text of a rule as words, numbers, strings and marks."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
      | (?P<name>[A-Za-z_]\w*)
      | (?P<number>\d[\w.]*)
      | (?P<mark>\.\?|\[\?|&&|\|\||[=!<>]=|[^\w\s])""",
    re.VERBOSE | re.DOTALL,
)


def read_tokens(source: str) -> Iterator[re.Match[str]]:
    """Yield each token with its place; ``lastgroup`` is "string", "name", "number" or "mark"."""
    return (match for match in _TOKEN.finditer(source) if match.lastgroup != "space")
