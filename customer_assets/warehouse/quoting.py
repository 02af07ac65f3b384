"""Names and values on their way into SQL text: quoted names, escaped literals, nothing else.

Only what a configuration says and paths that the project makes pass here; what a data file
holds stays data.
"""

from typing import Any


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """Return a value as a SQL literal; a list as a list of literals."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return "'" + str(value).replace("'", "''") + "'"
