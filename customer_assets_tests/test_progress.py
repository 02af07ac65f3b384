"""What is seen of runs on the command line: lines that count, and on a terminal bars."""

import io
import logging
import multiprocessing

import pytest
from rich.console import Console

from customer_assets.launch import Outcome, summary
from customer_assets.progress import Done, listening, tell_begun, tell_detail, tell_done
from customer_assets.progress_bars import Shown, receiving

ORDERS = Done("shop", "orders", "published", 20_712, 1.44)


def shown(told, totals, is_verbose=False, is_terminal=False):
    """What is printed while `told` is said."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=120)
    with Shown(totals, console, is_verbose) as handler, listening(handler):
        told()
    return file.getvalue()


def say_it_all():
    tell_detail("shop: a.csv: 3 rows landed")
    tell_done(ORDERS)
    tell_done(Done("shop", "items", "up to date"))
    tell_done(Done("other", "sessions", "published", 1, 0.31, ("is_positive_n",)))
    logging.getLogger("customer_assets").warning("shop: b.csv [red] is refused")


def test_each_table_is_a_line_that_counts():
    assert shown(say_it_all, {"shop": 100, "other": 20}).splitlines() == [
        "[  1/120] shop/orders: 20,712 rows, 1.4 s",
        "[  3/120] other/sessions: 1 row, 0.3 s, warned: is_positive_n",
        "  shop: b.csv [red] is refused",
    ]


def test_verbose_has_files_and_what_is_up_to_date():
    lines = shown(say_it_all, {"shop": 2, "other": 1}, is_verbose=True).splitlines()
    assert lines[0] == "  shop: a.csv: 3 rows landed"
    assert lines[2] == "[2/3] shop/items: up to date"


def test_a_source_is_taken_up_as_its_run_begins():
    def say():
        tell_begun("shop", 7)
        tell_done(ORDERS)

    assert shown(say, {}) == "[1/7] shop/orders: 20,712 rows, 1.4 s\n"


def test_a_terminal_has_a_bar_for_each_source():
    printed = shown(say_it_all, {"shop": 2, "other": 1}, is_terminal=True)
    for text in ("2/2", "1/1", "left"):
        assert text in printed


def test_what_other_processes_say_arrives_before_the_end():
    said = multiprocessing.get_context("spawn").Queue()
    record = logging.makeLogRecord({"done": ORDERS, "msg": ORDERS.words()})
    file = io.StringIO()
    with Shown({"shop": 1}, Console(file=file), False) as handler, receiving(said, handler):
        said.put(record)
    assert file.getvalue() == "[1/1] shop/orders: 20,712 rows, 1.4 s\n"


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Outcome("shop", n_published=320, n_warned=5), "published 320, warned 5, failed 0"),
        (
            Outcome("shop", n_published=9, n_up_to_date=1_200, n_failed=1, n_skipped=8),
            "published 9, up to date 1,200, warned 0, failed 1, skipped 8",
        ),
    ],
)
def test_the_last_line_counts(outcome, line):
    assert summary([outcome]) == line
