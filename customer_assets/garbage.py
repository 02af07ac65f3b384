"""How often Python looks through its objects for cycles that nobody needs any more.

Nearly all that definitions, runs and audits make by the hundred thousand stays until the process
ends: looking through it again and again finds nothing.
"""

import contextlib
import gc
from collections.abc import Iterator

# Python's own is 700 (2,000 from 3.12 on), 10, 10.
_SELDOM = (100_000, 20, 50)


def collect_seldom() -> None:
    """Let this process look after so many new objects only, for the rest of its life."""
    gc.set_threshold(*_SELDOM)


@contextlib.contextmanager
def not_collected() -> Iterator[None]:
    """Make objects that stay without any look, until the block ends."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
