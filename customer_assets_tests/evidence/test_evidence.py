"""Intervals cover what was planted: a few draws here, thousands in `make verify`."""

import pytest
from scipy.stats import binom

from customer_assets_tests.evidence.page import PAGE, STATEMENTS, found, page, read_record
from customer_assets_tests.evidence.statement import Statement


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.kind)
def test_an_interval_covers_what_was_planted(statement: Statement) -> None:
    """Once in a hundred thousand runs chance alone would fail one of them."""
    few = found(statement, statement.quick_draws)
    assert few.n_covered >= binom.ppf(1e-5, few.n_draws, statement.lowest)


def test_the_page_of_evidence_is_what_its_command_makes_of_the_record() -> None:
    assert PAGE.read_text() == page(read_record())


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.kind)
def test_what_was_recorded_is_what_is_meant(statement: Statement) -> None:
    recorded = read_record()[statement.kind]
    assert recorded.n_draws >= 900
    assert statement.lowest <= recorded.share <= statement.highest
