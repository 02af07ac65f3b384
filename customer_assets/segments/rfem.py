"""Recency, frequency, engagement and money of customers that landed as a table.

The configuration says what each of them is; the SQL is built from it. Of an event log they
follow from its events: sql/commerce/rfem.sql, whose description of the columns is shared.
"""

from dataclasses import replace
from pathlib import Path

from customer_assets.ingest.rules import RuleError, number_sql
from customer_assets.sources import CleaningRule, CustomerTableSource
from customer_assets.warehouse.sql_model import SqlModel
from customer_assets.warehouse.table import Column

NAME = "rfem"
_PARTS = ("recency", "frequency", "engagement", "money")


def rfem_model(name: str, source: CustomerTableSource, of_logs: SqlModel) -> SqlModel:
    """Return the model of `rfem` of a customer table, with the columns that logs have.

    Raises RuleError where an expression is no number over the columns of `customers`.
    """
    assert source.rfem is not None
    stated = {part: getattr(source.rfem, part) for part in _PARTS}
    sql = {part: _number(part, text, source.joined_types()) for part, text in stated.items()}
    score = "1 + 5 * (rank() over (order by {order}) - 1) // count(*) over ()"
    scores = {
        part: score.format(order="recency desc" if part == "recency" else part) for part in _PARTS
    }
    if source.rfem.money is None:
        scores["money"] = "cast(null as bigint)"
    away = f"cast({sql['recency']} as double)"
    # Who has no recency is as far away as whoever is farthest.
    values = [f"coalesce({away}, max({away}) over (), 0) as recency"]
    values += [
        f"coalesce(cast({sql[part]} as double), 0) as {part}"
        for part in ("frequency", "engagement")
    ]
    money = f"cast({sql['money']} as decimal(18, 4))"
    values.append(f"{money if source.rfem.money is None else f'coalesce({money}, 0)'} as money")
    statement = (
        f"with measured as (select customer_id, {', '.join(values)} from customers),\n"
        "scored as (select *, "
        + ", ".join(f"{scored} as {part}_score" for part, scored in scores.items())
        + " from measured)\n"
        f"select customer_id, {', '.join(_PARTS)}, "
        + ", ".join(f"{part}_score" for part in _PARTS)
        + ", recency_score + frequency_score + engagement_score as rfe_score, "
        "recency_score + frequency_score + engagement_score + money_score as rfem_score "
        "from scored"
    )
    meanings = {part: f"As the source states it: {text}." for part, text in stated.items() if text}
    columns = {
        column: Column(type=said.type, description=meanings.get(column, said.description))
        for column, said in of_logs.table.columns.items()
    }
    return replace(
        of_logs,
        path=Path(f"defs/{name}/defs.yaml"),
        table=of_logs.table.model_copy(
            update={
                "description": "One row per customer with recency, frequency and engagement "
                "(RFE) and money (RFEM) as the source states them, each with its quintile score.",
                "columns": columns,
                "checks": [
                    check
                    for check in of_logs.table.checks
                    if _column_of(check) in ("rfe_score", "rfem_score")
                ],
                "owner": source.owner,
            }
        ),
        sql=statement,
        inputs=("customers",),
        source=name,
    )


def _number(part: str, text: str | None, types: dict[str, str]) -> str:
    if text is None:
        return "null"
    try:
        return f"({number_sql(CleaningRule(name=part, condition=text), types)})"
    except RuleError as error:
        raise RuleError(f"rfem: {part}: {error}") from error


def _column_of(check: dict[str, dict[str, object]]) -> object:
    return next(iter(check.values())).get("column")
