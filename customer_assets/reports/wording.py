"""Numbers, days and names as people read them, and texts from data made harmless to show.

Says nothing about what a figure means. The same value reads the same in a sentence, a table, a
picture and the index.
"""

import datetime as dt
import math
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal

import polars as pl

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ABSENT = "\u2013"

_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "US$"}
_COMPACT = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_LEFT_TO_RIGHT_ISOLATE_END = ("\u2068", "\u2069")

# Of larger amounts nobody reads the cents.
CENTS_BELOW = 1000

Number = int | float | Decimal


def count(number: Number) -> str:
    """Return a whole number with thousands separators."""
    return _signed(number, f"{abs(round(number)):,}")


def decimal(number: Number, digits: int = 1) -> str:
    return _signed(number, f"{abs(number):,.{digits}f}")


def figure(number: float) -> str:
    """Return a number whose kind is unknown: whole, or with as many digits as tell it apart."""
    if not math.isfinite(number):
        return ABSENT
    if number == int(number):
        return count(number)
    return decimal(number, 4 if abs(number) < 10 else 2)


def signed(number: Number, form: Callable[[Number], str]) -> str:
    """Return a difference with its sign, also where it is above zero."""
    return f"{'+' if float(number) > 0 else ''}{form(number)}"


def share(part: float) -> str:
    """Return a share between 0 and 1 as a percentage."""
    return _signed(part, f"{100 * abs(part):.1f}%")


def whole_percent(part: float) -> str:
    """Return a share for an axis or a label in a picture, in whole per cent."""
    return _signed(part, f"{100 * abs(part):.0f}%")


def money(amount: Number, currency: str | None, digits: int | None = None) -> str:
    """Return an amount of money; with cents below 1,000, unless `digits` says how many."""
    if digits is None:
        digits = 2 if abs(float(amount)) < CENTS_BELOW else 0
    return _signed(amount, f"{symbol(currency)}{abs(amount):,.{digits}f}")


def compact(amount: Number, currency: str | None = None, digits: int = 3) -> str:
    """Return an amount in so many digits, for a label in a picture: £1.51M."""
    size = abs(float(amount))
    for step, letter in _COMPACT:
        # 999,600 reads 1.00M, never 1000k.
        if size >= step * 0.9995:
            scaled = size / step
            before_point = 1 if scaled < 9.995 else 2 if scaled < 99.95 else 3
            text = f"{scaled:.{max(0, digits - before_point)}f}{letter}"
            return _signed(amount, f"{symbol(currency)}{text}")
    return _signed(amount, f"{symbol(currency)}{size:.0f}")


def unit(largest: float) -> tuple[float, str]:
    """Return the unit in which a number has at most three digits, and its name; 1 has none."""
    found = (1.0, "")
    for size, name in ((1e3, "thousands"), (1e6, "millions"), (1e9, "billions")):
        if largest >= size:
            found = (size, name)
    return found


def in_unit(value: float | None, size: float, largest: float) -> str:
    """Return a value in units, as short as a cell of a picture needs it.

    Whole ones, unless fewer than ten are the `largest`: they differ behind the point.
    """
    if not value:
        return ""
    digits, least = (1, "<.1") if largest < 10 * size else (0, "<1")
    shown = f"{abs(value) / size:.{digits}f}"
    return _signed(value, shown) if float(shown) else least


def day(date: dt.date) -> str:
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def short_day(date: dt.date) -> str:
    return f"{date.day} {MONTHS[date.month - 1][:3]}"


def short_month(date: dt.date) -> str:
    return f"{MONTHS[date.month - 1][:3]} {date.year}"


def month(date: dt.date) -> str:
    return f"{MONTHS[date.month - 1]} {date.year}"


def beginning(start: dt.date, period: str) -> str:
    """Return the first day of a day or week, or the month, as an interval is called by."""
    return month(start) if period == "month" else day(start)


def when(start: dt.date, period: str) -> str:
    """Return an interval as a sentence begins with it: In May 2024, In the week of 6 May 2024."""
    return {"month": "In", "week": "In the week of", "day": "On"}[period] + (
        f" {beginning(start, period)}"
    )


def weekday(number: int) -> str:
    """Return the name of an ISO weekday, 1 to 7."""
    return WEEKDAYS[number - 1]


def days_covered(dates: pl.Series) -> tuple[dt.date, dt.date, int]:
    """Return the first and the last of some days, and how many calendar days they span."""
    first, last = dates.min(), dates.max()
    assert isinstance(first, dt.date)
    assert isinstance(last, dt.date)
    return first, last, (last - first).days + 1


def hours(hour: int) -> str:
    """Return an hour of the day as the time that it spans."""
    return f"{hour:02d}:00\u2013{(hour + 1) % 24:02d}:00"


def title(name: str, limit: int = 60) -> str:
    """Return a name such as `sales_daily` as words that begin with a capital."""
    words = shown(name.replace("_", " "), limit)
    return words[:1].upper() + words[1:]


def measure(name: str, limit: int = 60) -> str:
    """Return the name of what is measured of a customer, such as `n_orders`, as words."""
    return title(name.removeprefix("n_"), limit)


def sentence(text: str) -> str:
    """Return words as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def heading(name: str) -> str:
    """Return the name of a source as a title."""
    return " ".join(word.capitalize() for word in shown(name.replace("_", " "), 60).split())


def plural(number: int, one: str, many: str | None = None) -> str:
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listing(parts: Sequence[str]) -> str:
    """Return parts as an English list: a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def some(parts: Sequence[str], most: int = 3) -> str:
    """Return the first few of a list, and how many more there are."""
    more = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {more} more" if more > 0 else "")


def shown(text: object, limit: int = 120) -> str:
    """Return a text from data as it can be shown anywhere on a page, escaping aside.

    Control characters, marks that turn the reading direction, and the like are left out, runs of
    space become one, and what is longer than `limit` is cut with an ellipsis. Text that reads
    from right to left is isolated, so that it leaves the words around it in place.
    """
    # Far more than is shown, so that a megabyte in one cell costs nothing.
    head = str(text)[: 4 * limit + 100]
    spaced = "".join(" " if character.isspace() else character for character in head)
    kept = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    words = " ".join(kept.split())
    is_cut = len(words) > limit or len(str(text)) > len(head)
    words = words[: limit - 1].rstrip() + "…" if is_cut else words
    if any(unicodedata.bidirectional(c) in ("R", "AL") for c in words):
        start, end = _LEFT_TO_RIGHT_ISOLATE_END
        return f"{start}{words}{end}"
    return words


def symbol(currency: str | None) -> str:
    """Return what stands before an amount of a currency; nothing where it is not known."""
    if currency is None:
        return ""
    return _SYMBOLS.get(currency, f"{shown(currency, 12)}\u00a0")


def _signed(number: Number, unsigned: str) -> str:
    is_zero = not any(c in "123456789" for c in unsigned)
    return f"\u2212{unsigned}" if number < 0 and not is_zero else unsigned
