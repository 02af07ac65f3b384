"""What may have been meant by a name that there is not: one wording for every error."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_LISTED = 30


def alternatives(name: str, known: Iterable[str]) -> str:
    """Return what goes on after `no x is named y`: the names that there are, and the nearest.

    Of many names only those that sound alike are told; "" where there is nothing to say.
    """
    names = list(known)
    alike = get_close_matches(name, names, n=3)
    listed = f"; there are {', '.join(names)}" if 0 < len(names) <= _MOST_LISTED else ""
    return listed + (f"; did you mean {' or '.join(alike)}?" if alike else "")
