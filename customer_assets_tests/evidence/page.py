"""What the simulations found, kept as a record, and the page of evidence that is made of it."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from customer_assets import settings
from customer_assets_tests.evidence import advice, behavior, commerce, forecasts, models, segments
from customer_assets_tests.evidence.statement import Statement

STATEMENTS: Sequence[Statement] = [
    *behavior.STATEMENTS,
    *commerce.STATEMENTS,
    *segments.STATEMENTS,
    *models.STATEMENTS,
    *advice.STATEMENTS,
    *forecasts.STATEMENTS,
]
RECORD = settings.PROJECT_ROOT / "docs" / "evidence.json"
PAGE = settings.PROJECT_ROOT / "docs" / "evidence.md"
_HEAD = """# How far the figures can be trusted

Written by `python -m customer_assets_tests.evidence` (part of `make verify`) from the draws that it
records in `evidence.json`. Each kind of statement was made many times, by the tables and functions
that the product runs, about customers whose truth was planted; the figure is how often the interval
held that truth.

| statement | where | how it was tested | held | meant | draws | where it does not hold |
| --- | --- | --- | --- | --- | --- | --- |
"""
_FOOT = """
Of what is counted and not estimated (events, sessions, funnels, retention, backfills in any order)
`make verify` computes random histories twice, by days and at once, and asks for equal rows. What
models reach on each source stands in [results.md](results.md).
"""


@dataclass(frozen=True)
class Found:
    """How many of the draws of a statement were covered."""

    n_draws: int
    n_covered: int

    @property
    def share(self) -> float:
        return self.n_covered / self.n_draws


def found(statement: Statement, n_draws: int) -> Found:
    """Run a statement's simulation; each has random numbers of its own, always the same."""
    random = np.random.default_rng(zlib.crc32(statement.kind.encode()))
    covered = statement.simulate(n_draws, random)
    return Found(len(covered), int(covered.sum()))


def read_record(path: Path = RECORD) -> dict[str, Found]:
    return {kind: Found(**each) for kind, each in json.loads(path.read_text()).items()}


def write_record(record: Mapping[str, Found], path: Path = RECORD) -> None:
    plain: dict[str, Any] = {kind: each.__dict__ for kind, each in record.items()}
    path.write_text(json.dumps(plain, indent=1) + "\n")


def page(record: Mapping[str, Found]) -> str:
    """Return the page as Markdown: a row for each statement, in their order."""
    rows = []
    for statement in STATEMENTS:
        each = record[statement.kind]
        cells = (
            statement.kind,
            statement.where,
            statement.how,
            f"{each.share:.1%}",
            f"{statement.level:.0%}",
            f"{each.n_draws:,}",
            statement.not_where,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return _HEAD + "\n".join(rows) + "\n" + _FOOT
