"""Running checks over the rows that wait to be published.

Great Expectations gives the verdicts (`gx_duckdb`, imported when the first audit runs); the
failing rows behind them are selected here.
"""

import json
import time
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from customer_assets.quality.checks import Check
from customer_assets.quality.expectations import (
    COLUMN_UNIQUE,
    COMPOUND_UNIQUE,
    IGNORE_ROW_IF,
    UNEXPECTED_ROWS,
)
from customer_assets.quality.results import CheckResult

if TYPE_CHECKING:
    from customer_assets.quality.gx_duckdb import Verdict

SAMPLE_ROWS = 10
# Great Expectations names its relation in queries without quotes.
_VIEW = "rows_of_an_audit"
# Deprecations inside Great Expectations: (category, regular expression of the module).
_KNOWN_WARNINGS = [
    (DeprecationWarning, r"great_expectations\.datasource\.fluent\.data_connector"),
]


def audit(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    checks: Sequence[Check],
    *,
    partition_by: str | None = None,
) -> list[CheckResult]:
    """Run checks over a view or table of the connection; return their results in their order.

    `relation` may be qualified by a schema. `partition_by` names its column of days, for
    `failing_days`. A check that cannot be run has failed, with an error, and hides no other.
    Without rows, row-wise checks pass. The connection must have no open transaction.

    Raises ValueError when `partition_by` is no column, and duckdb.Error when the relation cannot
    be read or a transaction is open.
    """
    if not checks:
        return []
    # Great Expectations needs transactions of its own: an open one is refused here, by name.
    connection.begin()
    connection.rollback()
    rows = _quoted(*relation.split("."))
    connection.execute(f"create temp view {_VIEW} as select * from {rows}")
    try:
        with warnings.catch_warnings():
            for category, module in _KNOWN_WARNINGS:
                warnings.filterwarnings("ignore", category=category, module=module)
            return _Audit(connection, _VIEW, partition_by).results(checks)
    finally:
        connection.execute(f"drop view {_VIEW}")


class _Audit:
    """One audit of a view of the connection."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, view: str, partition_by: str | None
    ) -> None:
        from customer_assets.quality import gx_duckdb

        self.gx = gx_duckdb
        self.connection = connection
        self.view = view
        self.columns = [name for name, *_ in connection.execute(f"describe {view}").fetchall()]
        if partition_by is not None and partition_by not in self.columns:
            raise ValueError(f"no column {partition_by!r} to tell failing days by")
        self.partition_by = partition_by
        [(self.total_rows,)] = connection.execute(f"select count(*) from {view}").fetchall()

    def results(self, checks: Sequence[Check]) -> list[CheckResult]:
        started = time.perf_counter()
        expectations = {}
        for check in checks:
            query = self._own_query(check)
            as_query = (UNEXPECTED_ROWS, {"unexpected_rows_query": query})
            expectations[check.name] = as_query if query else (check.expectation, check.arguments)
        self.batch = self.gx.open_batch(self.connection, self.view)
        verdicts = self.gx.validate(self.batch, expectations)
        share = (time.perf_counter() - started) / len(checks)
        return [self._result(check, verdicts[check.name], share) for check in checks]

    def _own_query(self, check: Check) -> str | None:
        """Return the query of the failing rows of a check that is run as such a query.

        Great Expectations' own compound uniqueness joins by equality, so that rows with a null
        in the key never count as duplicates.
        """
        if check.expectation == UNEXPECTED_ROWS:
            query = str(check.arguments["unexpected_rows_query"]).format(batch=self.view)
            # A newline ends a comment that the query may end with.
            return query.rstrip("; \n") + "\n"
        if check.expectation not in (COMPOUND_UNIQUE, COLUMN_UNIQUE):
            return None
        joined_by = IGNORE_ROW_IF[check.arguments.get("ignore_row_if", "all_values_are_missing")]
        nulls = [f"{_quoted(name)} is null" for name in check.columns]
        ignored = f" {joined_by} ".join(nulls) if joined_by else "false"
        key = _listed(check.columns)
        # Whole rows are compared only where two keys have one hash.
        return (
            f"select * from {self.view} where not ({ignored}) and hash({key}) in"
            f" (select hash({key}) from {self.view} group by hash({key}) having count(*) > 1)"
            f" qualify count(*) over (partition by {key}) > 1"
        )

    def _result(self, check: Check, verdict: "Verdict", seconds: float) -> CheckResult:
        started = time.perf_counter()
        # Without rows Great Expectations counts nothing, not even zero.
        counted = check.row_wise and verdict.error is None
        failing_rows = verdict.failing_rows or 0 if counted else None
        sample: list[dict[str, str | None]] = []
        days: list[str] = []
        error = verdict.error
        if failing_rows:
            try:
                sample, days = self._failing_rows(check)
            except duckdb.Error as exception:
                error = f"its failing rows could not be read: {exception}"
        return CheckResult(
            check=check,
            passed=verdict.passed and error is None,
            total_rows=self.total_rows,
            failing_rows=failing_rows,
            failing_share=None if failing_rows is None else failing_rows / max(self.total_rows, 1),
            observed=None if check.row_wise else _json_safe(verdict.observed),
            sample=sample,
            failing_days=days,
            seconds=seconds + time.perf_counter() - started,
            error=error,
        )

    def _failing_rows(self, check: Check) -> tuple[list[dict[str, str | None]], list[str]]:
        own_query = self._own_query(check)
        query = (
            self.gx.Query(own_query)
            if own_query
            else self.gx.failing_rows(self.batch, self.columns, check.expectation, check.arguments)
        )

        def run(sql: str) -> list[tuple[Any, ...]]:
            return self.connection.execute(sql, query.parameters).fetchall()

        kinds = {name: kind for name, kind, *_ in run(f"describe select * from ({query.sql})")}
        present = list(kinds)
        columns = sorted(present, key=lambda name: name not in check.columns)
        # What is new is worth a look before what was there for long.
        newest = f"{_quoted(columns[0])} desc, " if kinds[columns[0]] == "DATE" else ""
        sample = run(
            f"select columns(*)::varchar from (select {_listed(columns)}"
            f" from ({query.sql}) order by {newest}{_listed(columns)} limit {SAMPLE_ROWS})"
        )
        days: list[tuple[str]] = []
        if self.partition_by is not None and self.partition_by in present:
            day = _quoted(self.partition_by)
            days = run(
                f"select distinct {day}::varchar from ({query.sql})"
                f" where {day} is not null order by 1"
            )
        return [dict(zip(columns, row, strict=True)) for row in sample], [day for (day,) in days]


def _quoted(*names: str) -> str:
    return ".".join('"{}"'.format(name.replace('"', '""')) for name in names)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_quoted, names))


def _json_safe(value: Any) -> Any:
    """Return a value as JSON has it: dates and decimals as text, numpy's numbers as numbers."""
    text = json.dumps(value, default=lambda other: getattr(other, "item", other.__str__)())
    return json.loads(text, parse_constant=lambda _: None)
