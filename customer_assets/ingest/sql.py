"""Names and values on their way into SQL text.

Only what a configuration says, and paths that this package makes, ever pass here; what a data
file holds stays data.
"""

from pathlib import Path


def literal(value: str | Path | int | bool) -> str:
    """Return a value as an SQL literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
