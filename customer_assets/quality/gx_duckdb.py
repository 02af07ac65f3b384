"""Great Expectations on a DuckDB connection that somebody else owns.

The one module that imports Great Expectations, SQLAlchemy and duckdb-engine; `audit` imports it
when it first runs. Belongs here: what these libraries need to agree with each other, and the
translation of their results into a `Verdict`. Does not belong here: what a check is (`checks`)
and what a caller gets to see of it (`audit`).

As shipped, most expectations fail on DuckDB with "list index out of range": a DuckDB connection
has one result at a time, and Great Expectations reads a result after it gave the connection
back, when a rollback has already discarded it. So a cursor here reads its rows at once. Closing
is left to the owner of the connection; begin and rollback stay real, since a failed statement
would otherwise leave the owner's connection in an aborted transaction.
"""

import contextlib
import sys
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import duckdb
import duckdb_engine
import sqlalchemy as sa
from sqlalchemy.pool import NullPool


@contextlib.contextmanager
def _absent(package: str) -> Iterator[None]:
    """Hide a package for a while from whoever looks whether it is there."""
    known = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
        if known is not None:
            sys.modules[package] = known


# Great Expectations imports pyspark where it can, for a second; it knows only older pandas, and
# ends a process that has no program of its own, as a server of forks.
with _absent("pyspark"):
    import great_expectations as gx
    from great_expectations.compatibility import pydantic
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_validation_result import (
        ExpectationValidationResult,
    )
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.core.unexpected_rows_expectation import (
        UnexpectedRowsExpectation,
    )
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.registry import get_expectation_impl, get_metric_kwargs
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator

_BATCH_ROWS = 10_000
_DISTINCT_VALUES = "expect_column_distinct_values"
_NAMED_VALUES = 10


class ReadAtOnceCursor(duckdb_engine.CursorWrapper):
    """A cursor that holds its rows itself once a statement has run."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        wrapper: duckdb_engine.ConnectionWrapper,
    ) -> None:
        super().__init__(connection, wrapper)
        self._rows: deque[tuple[Any, ...]] = deque()

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        super().execute(statement, parameters, context)
        self._rows.clear()
        while rows := super().fetchmany(_BATCH_ROWS):
            self._rows.extend(rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        return [self._rows.popleft() for _ in range(min(size or 1, len(self._rows)))]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(len(self._rows))


class BorrowedConnection(duckdb_engine.ConnectionWrapper):
    """Somebody else's connection, which SQLAlchemy may use but not close."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self._connection = connection

    def cursor(self) -> ReadAtOnceCursor:
        return ReadAtOnceCursor(self._connection, self)

    def close(self) -> None:
        pass


class CountUnexpectedRows(UnexpectedRowsExpectation):
    """Great Expectations' own, without its second run of the query to fetch the rows.

    The query names its relation: `{batch}` would be filled in with an alias, or without one when
    the query has a join. Braces are doubled, since Great Expectations formats the query.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    @pydantic.validator("unexpected_rows_query")
    @classmethod
    def _validate_query(cls, query: str) -> str:
        return query

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        rows = metrics["unexpected_rows_query.row_count"]
        return {"success": rows == 0, "result": {"unexpected_count": rows}}


@dataclass(frozen=True)
class Query:
    """A statement for DuckDB, with the values of its numbered parameters."""

    sql: str
    parameters: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """What Great Expectations says of one expectation.

    `failing_rows` counts rows if the expectation is row-wise. `error` says why the expectation
    could not be run; it has then not passed.
    """

    passed: bool
    observed: Any = None
    failing_rows: int | None = None
    error: str | None = None


def open_batch(connection: duckdb.DuckDBPyConnection, view: str) -> Batch:
    """Return a view of the connection, as it is now, as a batch."""
    definitions = _definitions.setdefault(connection, {})
    if view not in definitions:
        definitions[view] = _definition(connection, view)
    return definitions[view].get_batch()


# A context of Great Expectations is made in tens of milliseconds, many times those of an audit.
_definitions: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, dict[str, BatchDefinition]] = (
    weakref.WeakKeyDictionary()
)


def _definition(connection: duckdb.DuckDBPyConnection, view: str) -> BatchDefinition:
    """Return a view as what batches are made of, in a context that is kept nowhere else."""
    # What Great Expectations remembers must not keep the connection open.
    owned = weakref.ref(connection)

    def borrow() -> BorrowedConnection:
        connection = owned()
        assert connection is not None, "the caller of an audit holds the connection"
        return BorrowedConnection(connection)

    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )
    datasource = context.data_sources.add_sql(  # type: ignore[call-arg]
        "duckdb",
        connection_string="duckdb://",
        create_temp_table=False,
        kwargs={"creator": borrow, "poolclass": NullPool},
    )
    return datasource.add_table_asset(view, table_name=view).add_batch_definition_whole_table(view)


def validate(
    batch: Batch, expectations: Mapping[str, tuple[str, dict[str, Any]]]
) -> dict[str, Verdict]:
    """Run named expectations, (snake name, arguments), as one suite over a batch.

    The query of an `unexpected_rows_expectation` has no placeholder. An expectation that cannot
    be run gets a verdict with an error and hides no other: Great Expectations bundles many of
    them into one query, which fails as a whole, so each that failed so is run again by itself.
    So is one about distinct values that has failed, to name the values.
    """
    verdicts: dict[str, Verdict] = {}
    suite = gx.ExpectationSuite(name="audit")
    for name, (expectation, arguments) in expectations.items():
        try:
            # The name tells apart expectations that are equal, which would count once otherwise.
            suite.add_expectation(_gx_expectation(expectation, arguments, name))
        except ValueError as error:
            verdicts[name] = Verdict(passed=False, error=str(error))
    result_format = {
        "result_format": "BASIC",
        # Fetching failing values costs a scan for each expectation, also for one that passes.
        "partial_unexpected_count": 0 if len(expectations) > 1 else _NAMED_VALUES,
    }
    for result in batch.validate(suite, result_format=result_format).results:
        configuration = result.expectation_config
        assert configuration is not None
        verdicts[str(configuration.description)] = _verdict(result)
    if len(expectations) > 1:
        for name, (expectation, arguments) in expectations.items():
            distinct = expectation.startswith(_DISTINCT_VALUES) and not verdicts[name].passed
            if distinct or verdicts[name].error is not None:
                verdicts |= validate(batch, {name: (expectation, arguments)})
    return verdicts


def failing_rows(
    batch: Batch, columns: Sequence[str], expectation: str, arguments: dict[str, Any]
) -> Query:
    """Return the query of the rows that fail a row-wise expectation.

    It is put together from Great Expectations' own condition, since its own text of the query
    (`unexpected_index_query`) loses parameters and does not know `ignore_row_if`.
    """
    configured: Any = _gx_expectation(expectation, arguments, expectation)
    metric = f"{configured.map_metric}.condition"
    kwargs = get_metric_kwargs(metric, configured.configuration)
    engine = batch.data.execution_engine
    condition, domain, accessors = MetricsCalculator(engine, show_progress_bars=False).get_metric(
        MetricConfiguration(metric, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"])
    )
    rows = engine.get_domain_records({**domain, **accessors})
    selected: list[sa.ColumnClause[Any]] = [sa.column(name) for name in columns]
    failing = sa.select(*selected).select_from(rows).where(condition)
    compiled = failing.compile(dialect=engine.dialect, compile_kwargs={"render_postcompile": True})
    return Query(str(compiled), [compiled.params[name] for name in compiled.positiontup or []])


def _gx_expectation(expectation: str, arguments: dict[str, Any], name: str) -> Expectation:
    if expectation != "unexpected_rows_expectation":
        return get_expectation_impl(expectation)(**arguments, description=name)
    query = arguments["unexpected_rows_query"].replace("{", "{{").replace("}", "}}")
    return CountUnexpectedRows(unexpected_rows_query=query, description=name)


def _verdict(result: ExpectationValidationResult) -> Verdict:
    error = _error(result.exception_info or {})
    if error is not None:
        return Verdict(passed=False, error=error)
    found = result.result or {}
    observed = found.get("observed_value")
    if observed is None:
        lists = {kind: found.get(f"partial_{kind}_list") for kind in ("unexpected", "missing")}
        observed = {kind: values for kind, values in lists.items() if values} or None
    return Verdict(
        passed=bool(result.success),
        observed=observed,
        failing_rows=found.get("unexpected_count"),
    )


def _error(exception_info: dict[str, Any]) -> str | None:
    """Return the first message of a result's exceptions: it has one, or one for each metric."""
    infos = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    for info in infos:
        if info["raised_exception"]:
            # SQLAlchemy appends the statement and where to read about the error.
            return str(info["exception_message"]).split("\n[SQL:")[0].strip()
    return None
