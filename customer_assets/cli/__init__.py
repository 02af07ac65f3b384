"""The commands: `customer-assets <command>`, the same as `python -m customer_assets <command>`.

Each is one decorated function that asks a room for its work and prints what comes of it. No
arithmetic here, and nothing that a notebook would want too.
"""

import sys
from collections.abc import Sequence

from customer_assets.cli import inputs, outputs, questions, runs
from customer_assets.cli.app import app, in_place
from customer_assets.garbage import collect_seldom

__all__ = ["main"]

# Each module registers its commands.
MODULES = (questions, inputs, runs, outputs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 where it failed, 2 where it was misspelt."""
    collect_seldom()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(in_place(given), prog_name="customer-assets")
    except SystemExit as end:
        return int(end.code or 0)
    return 0
