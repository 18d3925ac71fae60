"""``python -m benchmarks [name …]``: measured claims, as ratios against a baseline in the same run."""

import sys
from importlib import import_module

_ALL = ("startup", "storing", "unchanged", "history", "collecting")


def main() -> None:
    """Run the named benchmarks, or all of them."""
    for name in sys.argv[1:] or _ALL:
        sys.stdout.write(f"## {name}\n")
        import_module(f"benchmarks.{name}").main()
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
