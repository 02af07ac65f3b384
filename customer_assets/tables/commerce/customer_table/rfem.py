"""---
description: >-
  One row per customer with recency, frequency and engagement (RFE) and money (RFEM) as the source
  states them, each with its quintile score.
key: [customer_id]
requires: [rfem]
columns:
  customer_id:
  recency:
  frequency: {type: double, description: Days with an event.}
  engagement:
  money:
  recency_score:
  frequency_score:
  engagement_score:
  money_score:
  rfe_score:
  rfem_score:
checks:
  - expect_column_values_to_be_between: {column: rfe_score, min_value: 3, max_value: 15}
  - expect_column_values_to_be_between: {column: rfem_score, min_value: 4, max_value: 20}
---
"""

from customer_assets.ingest.rules import number_sql
from customer_assets.sources import CleaningRule, CustomerTableSource
from customer_assets.sources.configuration import at
from customer_assets.warehouse.table import Column, Table

_PARTS = ("recency", "frequency", "engagement", "money")


def describe(table: Table, source: CustomerTableSource) -> Table:
    assert source.rfem is not None
    stated = {part: getattr(source.rfem, part) for part in _PARTS}
    meanings = {
        part: Column(type=table.columns[part].type, description=f"As the source states it: {text}.")
        for part, text in stated.items()
        if text
    }
    return table.model_copy(update={"columns": table.columns | meanings})


def sql(source: CustomerTableSource) -> str:
    """Return the SELECT over `customers`.

    Raises ConfigurationError where an expression is no number over the columns of `customers`.
    """
    assert source.rfem is not None
    stated = {part: getattr(source.rfem, part) for part in _PARTS}
    number = {part: _number(part, text, source.joined_types()) for part, text in stated.items()}
    score = "1 + 5 * (rank() over (order by {order}) - 1) // count(*) over ()"
    scores = {
        part: score.format(order="recency desc" if part == "recency" else part) for part in _PARTS
    }
    if source.rfem.money is None:
        scores["money"] = "cast(null as bigint)"
    away = f"cast({number['recency']} as double)"
    # Who has no recency is as far away as whoever is farthest.
    values = [f"coalesce({away}, max({away}) over (), 0) as recency"]
    values += [
        f"coalesce(cast({number[part]} as double), 0) as {part}"
        for part in ("frequency", "engagement")
    ]
    money = f"cast({number['money']} as decimal(18, 4))"
    values.append(f"{money if source.rfem.money is None else f'coalesce({money}, 0)'} as money")
    return (
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


def _number(part: str, text: str | None, types: dict[str, str]) -> str:
    if text is None:
        return "null"
    with at("rfem", part):
        return f"({number_sql(CleaningRule(name=part, condition=text), types)})"
