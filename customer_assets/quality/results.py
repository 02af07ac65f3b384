"""What a check found, and how it is shown.

Belongs here: the record that leaves this room. Does not belong here: how it came about (`audit`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from customer_assets import markdown
from customer_assets.quality.checks import Check


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    `failing_rows` and `failing_share` (of `total_rows`) are None unless the check is row-wise;
    otherwise `observed` is what it saw, as JSON has it. `sample` holds up to ten failing rows,
    the checked columns first, values as text and NULL as None. `failing_days` are the days that
    have failing rows. A check with `mostly` can pass and have failing rows all the same.
    `seconds` is an even share of the suite's time and the time to find the failing rows.
    `error` says why the check could not be run; it has then not passed.
    """

    check: Check
    passed: bool
    total_rows: int
    failing_rows: int | None = None
    failing_share: float | None = None
    observed: Any = None
    sample: list[dict[str, str | None]] = field(default_factory=list)
    failing_days: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    @property
    def reason(self) -> str:
        """Say why the check has not passed: rows that fail, or that it could not be run."""
        if self.error:
            return f"{self.check.name} could not be run, no row has failed it: {self.error}"
        rows = f"{self.failing_rows:,} of {self.total_rows:,} rows" if self.failing_rows else ""
        return f"{self.check.name} failed ({rows or f'observed {self.observed}'})"

    def reason_in(self, key: Sequence[str]) -> str:
        """Say why, and name the first row that fails by its key and what the check looks at."""
        if self.error or not self.sample:
            return self.reason
        first = self.sample[0]
        shown = [n for n in first if n in (*key, *self.check.columns)] or [*first][:4]
        where = ", ".join(f"{name} {first[name]}" for name in shown)
        return f"{self.reason}, such as {where}: {self.check.description}"


def one_each(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Return one result per check, also where rows were checked part by part: the first that
    failed, or the last."""
    by_check: dict[str, CheckResult] = {}
    for result in results:
        known = by_check.get(result.check.name)
        if known is None or known.passed:
            by_check[result.check.name] = result
    return list(by_check.values())


def summary_markdown(result: CheckResult) -> str:
    """Return the failing rows' sample as a markdown table, or a line when there is none."""
    if result.error is not None:
        return f"The check could not be run: {markdown.cell(result.error)}"
    if result.sample:
        return markdown.frame_table(pl.DataFrame(result.sample, infer_schema_length=None))
    if result.observed is not None:
        return f"Observed: {markdown.cell(json.dumps(result.observed, ensure_ascii=False))}"
    return "No failing rows."
