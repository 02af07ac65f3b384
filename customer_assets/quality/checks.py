"""From a table's header to its checks: names, sentences, and errors while definitions load.

Imports no Great Expectations: see `expectations`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from string import Formatter
from typing import Any, Literal, Protocol

from customer_assets.quality.expectations import (
    ARGUMENT_TYPES,
    COLUMN_ARGUMENTS,
    COLUMN_UNIQUE,
    COMPOUND_UNIQUE,
    IGNORE_ROW_IF,
    SUPPORTED,
    UNEXPECTED_ROWS,
    Expectation,
)

Severity = Literal["error", "warn"]


class Table(Protocol):
    """What a check needs to know of a table: `warehouse.table.Table` says it."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> Mapping[str, Any]: ...

    @property
    def key(self) -> list[str]: ...

    @property
    def checks(self) -> list[dict[str, dict[str, Any]]]: ...


_OWN_FIELDS = ("severity", "name", "description", "blocks")
# A longer list of columns, or of values, is told by its length.
_LONGEST_NAME = 60
_LONGEST_LIST = 8


@dataclass(frozen=True)
class Check:
    """One check of a table: an expectation with its arguments.

    `name` is `<kind>_<columns>`, unique within the table and made of letters, digits and
    underscores. `expectation` is Great Expectations' own snake-case name. A failed `error`
    keeps the rows from being published, unless it says `blocks: false`; a failed `warn` only
    shows. `description` is a sentence.
    """

    name: str
    expectation: str
    arguments: dict[str, Any]
    severity: Severity
    description: str
    blocks: bool = True

    @property
    def is_blocking(self) -> bool:
        return self.blocks and self.severity == "error"

    @property
    def row_wise(self) -> bool:
        """Say whether the check can point at the rows that fail it."""
        return SUPPORTED[self.expectation].row_wise

    @property
    def columns(self) -> list[str]:
        """Return the columns that the arguments name, in their order."""
        return _columns(self.arguments)


def checks_of(table: Table) -> list[Check]:
    """Return the checks of a table: those of its header, and that its key is unique.

    An entry of `Table.checks` is `{expectation: {argument: value}}`, where `severity` (`error`
    by default), `name` and `description` may stand beside the arguments. The key's check counts
    nulls as equal; a header that states the key's uniqueness itself replaces it.

    Raises ValueError, with close matches, for an expectation, argument or column that does not
    exist, for an argument that is missing, and for two checks of one name.
    """
    stated = (table.name, tuple(table.columns), tuple(table.key), repr(table.checks))
    if stated not in _known:
        _known[stated] = _read(table)
    return list(_known[stated])


# Each source asks for the checks of the same tables, more than once.
_known: dict[tuple[Any, ...], list[Check]] = {}


def _read(table: Table) -> list[Check]:
    checks = [
        _check(table, expectation, dict(entry))
        for entries in table.checks
        for expectation, entry in entries.items()
    ]
    if table.key and not any(_states_key(check, table.key) for check in checks):
        arguments = {"column_list": list(table.key), "ignore_row_if": "never"}
        checks.append(_check(table, COMPOUND_UNIQUE, arguments))
    seen: set[str] = set()
    for check in checks:
        if check.name in seen:
            raise ValueError(
                f"table {table.name}: two checks are called {check.name}; give one of them a `name`"
            )
        seen.add(check.name)
    return checks


def _check(table: Table, expectation: str, entry: dict[str, Any]) -> Check:
    where = f"table {table.name}, check {expectation}"
    if expectation not in SUPPORTED:
        raise ValueError(
            f"{where}: no such expectation{_hint(expectation, SUPPORTED)};"
            f" {UNEXPECTED_ROWS} takes any condition as SQL"
        )
    supported = SUPPORTED[expectation]
    severity = entry.pop("severity", "error")
    if severity not in ("error", "warn"):
        raise ValueError(f"{where}: severity is error or warn, not {severity!r}")
    name = entry.pop("name", None)
    blocks = entry.pop("blocks", True)
    if not isinstance(blocks, bool):
        raise ValueError(f"{where}: blocks is true or false, not {blocks!r}")
    description = entry.pop("description", None)
    arguments = {argument: value for argument, value in entry.items() if value is not None}
    try:
        _verify_arguments(supported, arguments)
        _verify_columns(table.columns, arguments)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    name = str(name or _name(supported, arguments))
    if not re.fullmatch(r"\w+", name, re.ASCII):
        raise ValueError(f"{where}: a name is letters, digits and underscores, not {name!r}")
    return Check(
        name,
        expectation,
        arguments,
        severity,
        description or _sentence(supported, arguments),
        blocks,
    )


def _verify_arguments(supported: Expectation, arguments: Mapping[str, Any]) -> None:
    known = [*supported.required, *supported.optional]
    for argument in arguments:
        if argument not in known:
            raise ValueError(
                f"no argument {argument!r}{_hint(argument, [*known, *_OWN_FIELDS])};"
                f" it takes {', '.join([*known, *_OWN_FIELDS])}"
            )
    for argument in supported.required:
        if argument not in arguments:
            raise ValueError(f"argument {argument!r} is missing")
    if supported.has_bounds and not {"min_value", "max_value"} & arguments.keys():
        raise ValueError("needs min_value or max_value")
    for argument, value in arguments.items():
        words, types = ARGUMENT_TYPES.get(argument, ("", (object,)))
        if not isinstance(value, types):
            raise ValueError(f"{argument} is {words}, not {value!r}")
        if argument in ("min_value", "max_value") and isinstance(value, int) and abs(value) > 2**53:
            raise ValueError(f"{argument} {value} is compared as a double, which cannot hold it")
    if not 0 < arguments.get("mostly", 1) <= 1:
        raise ValueError(f"mostly is a share above 0 and up to 1, not {arguments['mostly']}")
    ignore = arguments.get("ignore_row_if", "never")
    if ignore not in IGNORE_ROW_IF:
        raise ValueError(f"no ignore_row_if {ignore!r}; it is one of {', '.join(IGNORE_ROW_IF)}")
    if "unexpected_rows_query" in arguments:
        _verify_query(arguments["unexpected_rows_query"])


def _verify_query(query: str) -> None:
    try:
        fields = {field for _, field, _, _ in Formatter().parse(query) if field is not None}
    except ValueError as error:
        raise ValueError(f"unexpected_rows_query: {error}; a literal brace is doubled") from None
    if fields != {"batch"}:
        raise ValueError(
            "unexpected_rows_query selects from {batch}, the rows under audit, and has no other"
            " field in braces; a literal brace is doubled"
        )


def _verify_columns(known: Iterable[str], arguments: Mapping[str, Any]) -> None:
    for column in _columns(arguments):
        if column not in known:
            raise ValueError(f"no column {column!r}{_hint(column, known)}")


def _states_key(check: Check, key: list[str]) -> bool:
    stated = check.expectation in (COMPOUND_UNIQUE, COLUMN_UNIQUE)
    return stated and set(check.columns) == set(key)


def _columns(arguments: Mapping[str, Any]) -> list[str]:
    values = [arguments.get(argument, []) for argument in COLUMN_ARGUMENTS]
    return [name for value in values for name in ([value] if isinstance(value, str) else value)]


def _name(supported: Expectation, arguments: Mapping[str, Any]) -> str:
    columns = _columns(arguments)
    name = "_".join([supported.kind, *columns])
    if len(name) > _LONGEST_NAME and len(columns) > 1:
        name = f"{supported.kind}_{columns[0]}_and_{len(columns) - 1}_more"
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _sentence(supported: Expectation, arguments: Mapping[str, Any]) -> str:
    words = {argument: _words(value) for argument, value in arguments.items()}
    words["columns"] = ", ".join(_columns(arguments))
    words["bounds"] = _bounds(arguments)
    sentence = supported.says.format(**words)
    if arguments.get("or_equal"):
        sentence += " or equal to it"
    if "mostly" in arguments:
        sentence += f" in at least {100 * arguments['mostly']:g} % of rows"
    return f"{sentence}."


def _words(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list | tuple | set):
        items = [_words(item) for item in value]
        rest = len(items) - _LONGEST_LIST
        return ", ".join(items[:_LONGEST_LIST]) + (f" and {rest} more" if rest > 0 else "")
    return str(value)


def _bounds(arguments: Mapping[str, Any]) -> str:
    bounds = []
    if "min_value" in arguments:
        least = "more than" if arguments.get("strict_min") else "at least"
        bounds.append(f"{least} {arguments['min_value']}")
    if "max_value" in arguments:
        most = "less than" if arguments.get("strict_max") else "at most"
        bounds.append(f"{most} {arguments['max_value']}")
    return " and ".join(bounds)


def _hint(word: str, known: Iterable[str]) -> str:
    matches = get_close_matches(word, list(known), n=3)
    return f"; did you mean {' or '.join(matches)}?" if matches else ""
