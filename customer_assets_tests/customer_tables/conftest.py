"""Fixtures of the customer table tests."""

from pathlib import Path

import pytest
from customer_table_run import CALLS, PEOPLE, CustomerRun


@pytest.fixture
def shop(tmp_path: Path) -> CustomerRun:
    """A source with two sound files landed."""
    run = CustomerRun(tmp_path)
    run.land("people.csv", PEOPLE)
    run.land("calls.csv", CALLS)
    return run
