import datetime as dt
from decimal import Decimal

import pytest

from customer_assets.reports import wording


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (Decimal("8911407.9040"), "£8,911,408"),
        (-896812.49, "\u2212£896,812"),
        (-999.99, "\u2212£999.99"),
        (-0.001, "£0.00"),
        (0, "£0.00"),
    ],
)
def test_money(amount: float, expected: str) -> None:
    assert wording.money(amount, "GBP") == expected


def test_money_of_other_currencies() -> None:
    assert wording.money(5, None, 0) == "5"
    assert wording.money(5, "CHF") == "CHF\u00a05.00"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (4.25, "£4"),
        (999.4, "£999"),
        (31_059, "£31.1k"),
        (999_600, "£1.00M"),
        (1_509_496, "£1.51M"),
        (-52_000_000, "\u2212£52.0M"),
    ],
)
def test_compact(amount: float, expected: str) -> None:
    assert wording.compact(amount, "GBP") == expected


def test_figures_keep_what_tells_them_apart() -> None:
    assert wording.figure(541909.0) == "541,909"
    assert wording.figure(8911407.904) == "8,911,407.90"
    assert wording.figure(0.2966804) == "0.2967"
    assert wording.figure(float("nan")) == wording.ABSENT


def test_days_and_lists_read_as_english() -> None:
    assert wording.day(dt.date(2011, 12, 9)) == "9 December 2011"
    assert wording.listing(["a"]) == "a"
    assert wording.listing(["a", "b", "c"]) == "a, b and c"
    assert wording.plural(1, "country", "countries") == "1 country"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\n\twords ", "two words"),
        ("a\u202eb\u200fc\x00d", "abcd"),
        ("x" * 10_000, "x" * 119 + "…"),
        (" " * 10_000 + "x", "…"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u2068\u05e9\u05dc\u05d5\u05dd\u2069"),
    ],
)
def test_shown_text_is_harmless_and_bounded(text: str, expected: str) -> None:
    assert wording.shown(text) == expected


@pytest.mark.parametrize(
    ("value", "largest", "expected"),
    [
        (None, 9_000, ""),
        (0, 9_000, ""),
        (8_960, 9_000, "9.0"),
        (430, 9_000, "0.4"),
        (30, 9_000, "<.1"),
        (430, 12_000, "<1"),
        (1_600, 12_000, "2"),
        (-5_300, 12_000, "\u22125"),
        (-5_300, 9_000, "\u22125.3"),
    ],
)
def test_a_cell_has_a_decimal_where_units_are_few(
    value: float | None, largest: float, expected: str
) -> None:
    size, _ = wording.unit(largest)
    assert wording.in_unit(value, size, largest) == expected
