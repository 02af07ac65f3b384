"""Which days of its inputs a day of a table is computed from, and how many days go together."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from customer_assets.warehouse.engine import DuckDBEngine, Relation, relation_sql
from customer_assets.warehouse.model import Model

# A chunk of days is as many as hold about this many input rows: hundreds of tiny days are
# faster together, one huge window is slower and bigger than days apart.
CHUNK_ROWS = 10_000_000


class Days:
    """The days that models read. `relation` gives the published rows of a table's days."""

    def __init__(
        self, engine: DuckDBEngine, relation: Callable[[str, Sequence[dt.date]], Relation]
    ) -> None:
        self._engine = engine
        self._relation = relation
        self._asked: dict[tuple[Any, ...], bool] = {}

    def read(
        self, model: Model, name: str, days: Sequence[dt.date], parameters: Mapping[str, Any]
    ) -> list[dt.date]:
        """Return the days of a daily input that some days of a table are computed from."""
        hint = model.neighbours.get(name)
        if hint is None:
            return sorted(days)
        back, ahead = hint.days
        near: set[dt.date] = set()
        for day in days:
            last = hint.until(day) if hint.until else day + dt.timedelta(days=ahead)
            while hint.further_while is not None and self._goes_on(
                model, name, last, hint.further_while, parameters
            ):
                last += dt.timedelta(days=1)
            span = (last - day).days
            near.update(day + dt.timedelta(days=n) for n in range(back, span + 1))
        return sorted(near)

    def _goes_on(
        self,
        model: Model,
        name: str,
        day: dt.date,
        condition: str,
        parameters: Mapping[str, Any],
    ) -> bool:
        """Say whether a day of an input has a row with a condition: a scan, so asked once."""
        relation = self._relation(name, [day])
        told = (repr(parameters[parameter]) for parameter in sorted(model.parameters))
        question = (condition, *told, *relation.files)
        if relation.files and question not in self._asked:
            self._engine.set_variables(model, parameters)
            statement = f"select 1 from ({relation_sql(relation)}) where {condition} limit 1"
            row = self._engine.connection.execute(statement).fetchone()
            self._asked[question] = row is not None
        return self._asked.get(question, False)


def chunks(
    model: Model, days: Sequence[dt.date], rows: Mapping[dt.date, int], limit: int = CHUNK_ROWS
) -> list[list[dt.date]]:
    """Split days into those that a model computes at once.

    `rows` are the rows by day of its largest daily input; a day of its own may be too large.
    """
    # Whole rows of events are sorted three times: in small chunks they stay in caches.
    limit = limit // 10 if model.attributes else limit
    found: list[list[dt.date]] = []
    in_chunk = 0
    for day in days:
        of_day = rows.get(day, 0)
        if not found or in_chunk + of_day > limit:
            found.append([])
            in_chunk = 0
        found[-1].append(day)
        in_chunk += of_day
    return found
