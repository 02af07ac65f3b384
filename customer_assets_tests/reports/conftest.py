"""A small shop with every table that a report can show."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from customer_assets.sources import EventLogSource
from customer_assets.warehouse.table import Column, Table

MONEY = pl.Decimal(18, 4)


@pytest.fixture
def source() -> EventLogSource:
    return EventLogSource.model_validate(
        {
            "files": "*.csv",
            "columns": {"customer_id": "id", "event_at": "at", "value": "paid"},
            "purchase_event": "purchase",
            "timezone": "Europe/London",
            "first_day": "2024-01-01",
            "last_day": "2024-03-10",
            "currency": "GBP",
        }
    )


@pytest.fixture
def frames() -> dict[str, pl.DataFrame]:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=7 * n) for n in range(10)]
    months = [dt.date(2024, m, 1) for m in (1, 2, 3)]
    ids = list(range(1, 21))
    ranks = [1 + n % 3 for n in range(20)]
    return {
        "sales_daily": pl.DataFrame(
            {
                "sales_date": days,
                "n_lines": [5] * 10,
                "n_orders": [2] * 10,
                "revenue": _money([100 + n for n in range(10)]),
                "customer_revenue": _money([90] * 10),
                "returned_value": _money([-3] * 10),
            }
        ),
        "sales_monthly": pl.DataFrame(
            {
                "sales_month": months,
                "n_days": [5, 4, 1],
                "n_lines": [25, 20, 5],
                "revenue": _money([1200, 1500.5, 80]),
                "customer_revenue": _money([1000, 1100, 80]),
                "returned_value": _money([-10, 0, 0]),
                "is_complete": [True, True, False],
            }
        ),
        "seasonality": pl.DataFrame(
            {
                "weekday": [1, 1, 4],
                "hour": [9, 12, 10],
                "n_lines": [3, 40, 7],
                "n_orders": [1, 3, 2],
                "revenue": _money([20, 300, 2460.5]),
                "customer_revenue": _money([20, 300, 1800]),
            }
        ),
        "country_performance": pl.DataFrame(
            {
                "country": ["United Kingdom", "EIRE"],
                "n_customers": [15, 5],
                "n_orders": [20, 7],
                "revenue": _money([1800, 200]),
                "revenue_share": [0.9, 0.1],
            }
        ),
        "rfm": pl.DataFrame(
            {
                "customer_id": ids,
                "recency_days": ids,
                "n_orders": [1 + n % 4 for n in ids],
                "monetary": _money([10 * n for n in ids]),
                "last_order_at": [dt.datetime(2024, 2, 1, 9)] * 20,
                "r_score": [1 + n % 5 for n in ids],
                "f_score": [1 + n % 5 for n in ids],
                "m_score": [1 + n % 5 for n in ids],
            }
        ),
        "customer_segments": pl.DataFrame(
            {
                "customer_id": ids,
                "segment": [f"group_{rank}" for rank in ranks],
                "segment_rank": ranks,
            }
        ),
        "segment_profile": pl.DataFrame(
            {
                "segment": ["group_2", "group_1", "group_3"],
                "segment_rank": [2, 1, 3],
                "n_customers": [7, 7, 6],
                "customer_share": [0.35, 0.35, 0.3],
                "revenue": _money([700, 1000, 300]),
                "revenue_share": [0.35, 0.5, 0.15],
                "mean_orders": [2.0, 3.0, 1.0],
            }
        ),
        "accounting": pl.DataFrame(
            {
                "event_date": [dt.date(2024, 1, 1), dt.date(2024, 3, 4), None],
                "n_landed": [60, 40, 2],
                "n_events": [58, 40, 0],
                "n_duplicates": [2, 0, 0],
                "n_rejected": [0, 0, 2],
                "n_pending": [0, 0, 0],
            }
        ),
        "landed_files": pl.DataFrame(
            {
                "file": ["orders.csv"],
                "status": ["loaded"],
                "reason": [None],
                "modified_at": [dt.datetime(2024, 3, 11, 6, 30)],
                "rows_landed": [102],
                "rows_loaded": [100],
                "rows_rejected": [2],
            },
            schema_overrides={"reason": pl.String},
        ),
        "rejected_rows": pl.DataFrame(
            {
                "file": ["orders.csv"] * 2,
                "row": [7, 9],
                "column_name": ["at", "at"],
                "reason": ["no time", "no time"],
                "event_date": [None, None],
                "raw_text": ["1,,3", "2,never,4"],
            },
            schema_overrides={"event_date": pl.Date},
        ),
        "reproduction": pl.DataFrame(
            {
                "figure": ["customers", "revenue_gbp", "auc_next_purchase"],
                "published": [20.0, 2001.25, 0.7262],
                "ours": [20.0, 2000.0, None],
                "agrees": [True, False, None],
                "why": ["Known customers.", "The study counts returns.", "No model yet."],
            }
        ),
    }


@pytest.fixture
def tables(frames: dict[str, pl.DataFrame]) -> dict[str, Table]:
    return {
        name: Table(
            name=name,
            layer="commerce",
            description=f"One row per thing of {name}.",
            columns={c: Column(type="varchar", description=f"Is {c}.") for c in frame.columns},
            key=[frame.columns[0]],
        )
        for name, frame in frames.items()
    }


@pytest.fixture
def hostile_frames(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same shop, whose countries, files, reasons and segments are meant to do harm."""
    names = [
        "<script>alert(1)</script>",
        "=HYPERLINK(\"https://example.org\",\"x\")",
        "\u202egnp.exe\u202c \u200f\u05e9\u05dc\u05d5\u05dd",
        "long" * 2500,
        "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 Emoji",
        '"><img src=x onerror=alert(1)>',
        "$\\frac{1}{2}$ & ' \x00 \x1b[31m tab\there",
        "Z\u0351\u0350\u0346a" * 40,
    ]  # fmt: skip
    n = len(names)
    frames["country_performance"] = pl.DataFrame(
        {
            "country": names,
            "n_customers": [1] * n,
            "n_orders": [1] * n,
            "revenue": _money([10.0 * (n - k) for k in range(n)]),
            "revenue_share": [(n - k) * 2 / (n * (n + 1)) for k in range(n)],
        }
    )
    segments = {f"group_{k}": names[k - 1] for k in (1, 2, 3)}
    for table in ("customer_segments", "segment_profile"):
        frames[table] = frames[table].with_columns(pl.col("segment").replace(segments))
    for table in ("landed_files", "rejected_rows"):
        frames[table] = frames[table].with_columns(file=pl.lit(names[0]), reason=pl.lit(names[5]))
    frames["rejected_rows"] = frames["rejected_rows"].with_columns(raw_text=pl.lit(names[3]))
    frames["reproduction"] = frames["reproduction"].with_columns(
        figure=pl.Series(names[:3]), why=pl.Series(names[3:6])
    )
    return frames


def _money(amounts: list[float]) -> pl.Series:
    return pl.Series([Decimal(str(amount)) for amount in amounts], dtype=MONEY)
