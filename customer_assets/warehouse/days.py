"""Which days of its inputs a day of a table is computed from, and how many days go together."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from customer_assets.warehouse.engine import DuckDBEngine, Relation, relation_sql
from customer_assets.warehouse.manifest import Manifest
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.quoting import quoted

# A chunk of days is as many as hold about this many input rows: hundreds of tiny days are
# faster together, one huge window is slower and bigger than days apart.
CHUNK_ROWS = 10_000_000


class Days:
    """The days that models read.

    `manifest` and `relation` give what is published of a table, and the rows of some of its days.
    """

    def __init__(
        self,
        engine: DuckDBEngine,
        manifest: Callable[[str], Manifest],
        relation: Callable[[str, Sequence[dt.date]], Relation],
    ) -> None:
        self._engine = engine
        self._manifest = manifest
        self._relation = relation
        self._asked: dict[tuple[Any, ...], bool] = {}

    def read(
        self, model: Model, name: str, days: Sequence[dt.date], parameters: Mapping[str, Any]
    ) -> list[dt.date]:
        """Return the days of a daily input that some days of a table are computed from."""
        each = self.each(model, name, days, parameters)
        return sorted({near for of_day in each.values() for near in of_day})

    def each(
        self, model: Model, name: str, days: Sequence[dt.date], parameters: Mapping[str, Any]
    ) -> dict[dt.date, list[dt.date]]:
        """Return, by day of a table, the days of a daily input that it is computed from."""
        hint = model.neighbours.get(name)
        if hint is None:
            return {day: [day] for day in days}
        back, ahead = hint.days
        ends = {
            day: hint.until(day) if hint.until else day + dt.timedelta(days=ahead) for day in days
        }
        going_on = list(ends) if hint.further_while is not None else []
        while going_on:
            goes_on = self._go_on(model, name, {ends[day] for day in going_on}, parameters)
            going_on = [day for day in going_on if ends[day] in goes_on]
            ends |= {day: ends[day] + dt.timedelta(days=1) for day in going_on}
        return {
            day: [day + dt.timedelta(days=n) for n in range(back, (last - day).days + 1)]
            for day, last in ends.items()
        }

    def _go_on(
        self, model: Model, name: str, days: set[dt.date], parameters: Mapping[str, Any]
    ) -> set[dt.date]:
        """Return those days of an input that have a row with the condition by which one reads on.

        A scan, so each day is asked once, and many together.
        """
        condition = model.neighbours[name].further_while
        told = tuple(repr(parameters[parameter]) for parameter in sorted(model.parameters))
        published = self._manifest(name).days()
        asked = {
            day: (name, condition, *told, *(piece.path for piece in pieces))
            for day in days
            if (pieces := published.get(day.isoformat()))
        }
        if new := sorted(day for day, question in asked.items() if question not in self._asked):
            self._engine.set_variables(model, parameters)
            relation = self._relation(name, new)
            column = quoted(str(relation.table.partition_by))
            statement = (
                f"select distinct {column} from ({relation_sql(relation)}) where {condition}"
            )
            found = {row[0] for row in self._engine.connection.execute(statement).fetchall()}
            self._asked |= {asked[day]: day in found for day in new}
        return {day for day, question in asked.items() if self._asked[question]}


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
