"""Tables of `sql/commerce` computed from a handful of events, on a connection of its own."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import duckdb
import polars as pl

from customer_assets import settings
from customer_assets.warehouse.places import read_models
from customer_assets.warehouse.quoting import literal
from customer_assets.warehouse.sql_model import load_macros

FIRST_DAY = dt.date(2024, 1, 1)
PARAMETERS = {
    "purchase_event": "buy",
    "return_event": "return",
    "view_event": "view",
    "first_day": "2024-01-01",
    "last_complete_day": "2024-03-30",
    "week_start": "monday",
    "horizon_us": 10 * 86_400_000_000,
    "bot_events_per_day": None,
    "leaves_out_bots": False,
    "last_day": "2024-03-30",
    "order_key": "number_and_customer",
    "values_are_net": False,
}
ORDERS = ("order_lines", "order_returns")
_COLUMNS = (
    "customer_id bigint, event_ts bigint, event_at timestamp, event_date date, "
    "event_type varchar, item_id varchar, item_name varchar, category_id varchar, "
    "order_id varchar, quantity bigint, value decimal(18, 4), item_kind varchar, "
    "event_number bigint"
)


class Shop:
    """Events go in, tables come out."""

    def __init__(self, source: str = "a_shop", **parameters: Any) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(f"set threads = 1; create table events ({_COLUMNS})")
        load_macros(self.connection)
        self.models = read_models(settings.table_roots(), source, "event_log")
        self.parameters = PARAMETERS | parameters

    def __enter__(self) -> "Shop":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def put(self, events: Iterable[dict[str, Any]]) -> None:
        """Add events: customer, day number, item, and what differs from a purchase of 1."""
        rows = []
        for event in events:
            at = dt.datetime.combine(FIRST_DAY, dt.time(12)) + dt.timedelta(
                days=event.get("day", 0), seconds=event.get("second", 0)
            )
            rows.append(
                {
                    "customer_id": event.get("customer"),
                    "event_ts": round((at - dt.datetime(1970, 1, 1)).total_seconds() * 1_000_000),
                    "event_at": at,
                    "event_date": at.date(),
                    "event_type": event.get("type", "buy"),
                    "item_id": event["item"],
                    "item_name": event.get("name", event["item"]),
                    "category_id": event.get("category"),
                    "order_id": event.get("order"),
                    "quantity": event.get("quantity", 1),
                    "value": event.get("value", 1.0),
                    "item_kind": event.get("kind", "product"),
                    "event_number": 1 if event.get("customer") is not None else None,
                }
            )
        names = [column.split()[0] for column in _COLUMNS.split(", ") if " " in column.strip()]
        names = [name for name in names if name in rows[0]]
        places = ", ".join("?" for _ in names)
        self.connection.executemany(
            f"insert into events ({', '.join(names)}) values ({places})",
            [[row[name] for name in names] for row in rows],
        )

    def table(self, *names: str) -> pl.DataFrame:
        """Compute tables in order and return the last, in the order of its key.

        What an order is, and what came back of it, is worked out first.
        """
        for name in [*ORDERS, *(name for name in names if name not in ORDERS)]:
            model = self.models[name]
            for parameter, column in model.parameters.items():
                value = f"cast({literal(self.parameters[parameter])} as {column.type})"
                self.connection.execute(f"set variable {parameter} = {value}")
            self.connection.execute(f"create or replace table {name} as {model.sql}")
        order = ", ".join(f'"{column}"' for column in self.models[names[-1]].table.key)
        return self.connection.execute(f"from {names[-1]} order by {order}").pl()
