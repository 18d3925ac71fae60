"""The console script. Answers ``--version`` before anything heavy is loaded."""

import sys

from annexa import __version__


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"annexa {__version__}\n")
        return
    from annexa.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
