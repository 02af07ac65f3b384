"""What a landed file is to the ingest: text rows, by one SELECT, whatever the file is.

The interface between the readers of file kinds and `load`; no kind of file is known here.
"""

from collections.abc import Sequence
from typing import Protocol

import duckdb

from customer_assets.ingest.records import RAW_CHARACTERS


class Reading(Protocol):
    """A landed file, ready to be scanned.

    `names` are its columns, `fields` an SQL expression for each over the scan: text, null where
    empty. A scan also has `_row`, which row it is, if that is known at once, and `_fault`, which
    says why a row could not be read. `located` finds the place of rejected rows afterwards.
    """

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def fields(self) -> Sequence[str]: ...

    @property
    def columns(self) -> Sequence[str] | None:
        """The columns that all rows have; null where each row names its own, as JSON does."""

    @property
    def encoding(self) -> str | None: ...

    @property
    def delimiter(self) -> str | None: ...

    @property
    def absent(self) -> frozenset[str]:
        """Names that the file was not seen to have, and that no row need have."""

    @property
    def scan(self) -> str: ...

    @property
    def unchecked_scan(self) -> str:
        """The scan, without a record of the rows that it leaves out."""

    @property
    def raw(self) -> str:
        """SQL for the row as it stands in the file."""

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Forget what an earlier scan left out."""

    def malformed(self, connection: duckdb.DuckDBPyConnection, rows: int) -> int | None:
        """Return how many rows the scan that was just run left out, after it gave `rows`.

        None: it lost or merged rows, and the file must be read carefully.
        """

    def located(self, connection: duckdb.DuckDBPyConnection, rejected: str) -> str | None:
        """Return the rejected rows of a file, with their place and their bounded text.

        `rejected` is a SELECT of row, column_name, reason, event_date and raw_text. None: they
        can only be told apart by a careful reading.
        """

    def carefully(self) -> "Reading": ...


def columns_sql(width: int) -> str:
    """Return the columns of a scan, which are known by position."""
    return ", ".join(f"_c{i}" for i in range(width))


def bounded_sql(text: str) -> str:
    """Return SQL for a text cut to what is worth keeping, as `records.bounded` cuts it."""
    more = f"' ... and ' || (length({text}) - {RAW_CHARACTERS}) || ' more characters'"
    return (
        f"case when length({text}) <= {RAW_CHARACTERS} then {text} "
        f"else left({text}, {RAW_CHARACTERS}) || {more} end"
    )


def first_line(error: Exception) -> str:
    """Return what an error of the engine says, without its advice."""
    return str(error).splitlines()[0]
