"""VERIFY.md: how to check a pack with tools that we did not write."""

from annexa.pack.page_templates import render
from store.pack import layout
from store.pack.contents import Contents


def instructions(contents: Contents) -> bytes:
    """Return VERIFY.md. What goes into its commands is numbers only: nobody's words reach a shell."""
    newest = contents.checkpoints[-1]
    return render(
        layout.INSTRUCTIONS,
        layout.INSTRUCTIONS,
        c=contents,
        newest=int(newest),
        stamped=[int(size) for size in contents.stamped],
        older=[int(size) for size in contents.checkpoints[:-1]],
    )
