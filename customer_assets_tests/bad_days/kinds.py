"""What may land for a day instead of what is usual, and what is found of it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from customer_assets_tests.bad_days.steady_shop import HEADER, rows_of


@dataclass(frozen=True)
class Bad:
    """A kind of bad day: the rows of its file and their header, what is found, if it is held.

    `rows` makes the lines of a file of those that are usual; null: no file comes.
    """

    finding: str
    is_held: bool = False
    rows: Callable[[list[str]], list[str]] | None = None
    header: str = HEADER
    per_hour: int = 3

    def text(self, day: dt.date) -> str | None:
        """Return the file that lands for a day; null: none."""
        if self.rows is None:
            return None
        return text_of(self.rows(rows_of(day, self.per_hour)), self.header)


def text_of(rows: list[str], header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def replaced(*pairs: tuple[str, str]) -> Callable[[list[str]], list[str]]:
    def in_rows(rows: list[str]) -> list[str]:
        for old, new in pairs:
            rows = [row.replace(old, new) for row in rows]
        return rows

    return in_rows


def as_they_are(rows: list[str]) -> list[str]:
    return rows


def shifted(rows: list[str]) -> list[str]:
    moved = []
    for row in rows:
        user, when, rest = row.split(",", 2)
        moved.append(f"{user},{dt.datetime.fromisoformat(when) + dt.timedelta(hours=10)},{rest}")
    return moved


def three_of_five_unreadable(rows: list[str]) -> list[str]:
    return [row.replace("2025-", "?") if n % 5 < 3 else row for n, row in enumerate(rows)]


BAD_DAYS = {
    "ten times the rows": Bad("many_rows", True, as_they_are, per_hour=30),
    "every row unreadable": Bad("file_refused", rows=replaced(("2025-", "unknown"))),
    "a column renamed": Bad("file_refused", rows=as_they_are,
                            header=HEADER.replace("user", "client")),
    "a column gone": Bad("file_refused", rows=as_they_are, header=HEADER.replace("what", "x")),
    "an optional column empty": Bad("column_empty", True, replaced((",web", ","), (",app", ","))),
    "a tenth of the rows": Bad("few_rows", True, lambda rows: rows[::10]),
    "no purchases": Bad("event_type_gone", True,
                        lambda rows: [row for row in rows if ",buy," not in row]),
    "half of the rows unreadable": Bad("rows_rejected", True, three_of_five_unreadable),
    "ids that become text": Bad("nothing_read", rows=lambda rows: [f"u{row}" for row in rows]),
    "item ids that become text": Bad("identifiers_changed", True, replaced((",7", ",A7"))),
    "all dates in the future": Bad("nothing_read", rows=replaced(("2025-", "2035-"))),
    "event names in upper case": Bad("event_type_gone", True,
                                     replaced((",view,", ",VIEW,"), (",buy,", ",BUY,"))),
    "header only": Bad("file_empty", rows=lambda rows: []),
    "no file": Bad("day_missing"),
    "times shifted by ten hours": Bad("hours_shifted", True, shifted),
}  # fmt: skip
