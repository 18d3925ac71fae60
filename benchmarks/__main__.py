"""``python -m benchmarks [name …]``: measured claims, as ratios against a baseline in the same run.

``history`` takes ``--resources`` and ``--days``. ``growth``, ``scopes`` and ``people`` take long, and run
only if they are named.
"""

import argparse
import sys
from importlib import import_module

_ALL = ("startup", "storing", "unchanged", "history", "collecting")
_NAMED = ("growth", "scopes", "people")


def main() -> None:
    """Run the named benchmarks, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join((*_ALL, *_NAMED)))
    parser.add_argument("--resources", type=int, help="of history")
    parser.add_argument("--days", type=int, help="of history")
    given = parser.parse_args()
    if unknown := set(given.names) - {*_ALL, *_NAMED}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    for name in given.names or _ALL:
        sys.stdout.write(f"## {name}\n")
        sys.stdout.flush()
        options = {key: getattr(given, key) for key in ("resources", "days") if getattr(given, key)}
        import_module(f"benchmarks.{name}").main(**(options if name == "history" else {}))
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
