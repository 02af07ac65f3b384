"""A SELECT of one's own over the published tables; it reads these and can do nothing else."""

import re

import duckdb
import polars as pl

from customer_assets.ask.answering import AskError, Question
from customer_assets.suggestions import alternatives
from customer_assets.warehouse.quoting import quoted


def select(question: Question, statement: str) -> pl.DataFrame:
    """Return the rows of one SELECT. Raises AskError where it is none, or cannot be computed."""
    connection = question.warehouse.engine.connection
    tables, source = question.snapshot.tables, question.snapshot.name
    try:
        parts = connection.extract_statements(statement)
        if len(parts) != 1 or parts[0].type != duckdb.StatementType.SELECT:
            raise AskError("one SELECT is wanted: nothing can be written here")
        schema = quoted(source)
        connection.execute(f"create schema if not exists {schema}")
        for name in sorted(set(re.findall(r"\w+", statement.lower())) & set(tables)):
            # A view of its own for each name that it may mean: there are many tables.
            question.warehouse.engine.view(name, question.warehouse.relation(name))
            connection.execute(
                f"create view {schema}.{quoted(name)} as select * from temp.{quoted(name)}"
            )
        return question.rows(statement)
    except duckdb.CatalogException as error:
        missing = re.search(r"Table with name (\S+) does not exist", str(error))
        if missing is None:
            raise AskError(str(error)) from None
        known = alternatives(missing[1], sorted(tables))
        raise AskError(f"{source} has no table {missing[1]!r}{known}") from None
    except duckdb.Error as error:
        raise AskError(str(error)) from None
