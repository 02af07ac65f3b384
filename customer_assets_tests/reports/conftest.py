"""A small shop with every table that a report can show."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.table import Column, Table
from customer_assets_tests.reports.commerce_frames import commerce_frames

MONEY = pl.Decimal(18, 4)


@pytest.fixture(scope="session")
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
            "view_event": "view",
            "funnels": {
                "checkout": {"steps": ["view", ["cart", "wish"], "purchase"], "window": "1 day"}
            },
        }
    )


@pytest.fixture
def frames(shop_frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return dict(shop_frames)


@pytest.fixture
def customer_frames(people_frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return dict(people_frames)


@pytest.fixture(scope="session")
def shop_frames() -> dict[str, pl.DataFrame]:
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
        **_behavior_frames(),
        **commerce_frames(["cakestand", "lantern", "bag", "mug"]),
    }


def _behavior_frames() -> dict[str, pl.DataFrame]:
    """Eight days, the last one open, and six weeks of cohorts, the last one not over."""
    days = [dt.date(2024, 2, 1) + dt.timedelta(days=n) for n in range(8)]
    weeks = [dt.date(2024, 1, 29) + dt.timedelta(weeks=n) for n in range(6)]
    visitors = [10 + n for n in range(8)]
    hours = [(day, hour, kind) for day in days for hour in (9, 21) for kind in ("view", "purchase")]
    entries = [(day, step) for day in days for step in (1, 2, 3)]
    cells = [(c, k) for c in range(6) for k in range(6)]
    return {
        "daily_traffic": pl.DataFrame(
            {
                "event_date": days,
                "n_events": [100] * 8,
                "n_customers": visitors,
                "n_purchasing_customers": [3] * 8,
                "n_purchases": [4] * 8,
                "n_sessions": [20] * 8,
                "n_bounces": [5] * 7 + [19],
                "bounce_rate": [0.25] * 7 + [None],
                "bounce_rate_low": [0.11] * 7 + [None],
                "bounce_rate_high": [0.47] * 7 + [None],
                "n_new_customers": [10, *[1] * 7],
                "n_returning_customers": [0, *(n - 1 for n in visitors[1:])],
                "is_mature": [True] * 7 + [False],
            }
        ),
        "hourly_traffic": pl.DataFrame(
            {
                "event_date": [day for day, _, _ in hours],
                "weekday": [day.isoweekday() for day, _, _ in hours],
                "hour": [hour for _, hour, _ in hours],
                "event_type": [kind for _, _, kind in hours],
                "n_events": [(40 if kind == "view" else 2) + hour for _, hour, kind in hours],
                "n_customers": [5] * len(hours),
            }
        ),
        "funnel": pl.DataFrame(
            {
                "funnel": ["checkout"] * 24,
                "entry_date": [day for day, _ in entries],
                "breakdown": ["phone"] * 24,
                "step": [step for _, step in entries],
                "n_entered": [100] * 24,
                # Open entry days would halve the rate.
                "n_reached": [
                    100 if step == 1 else (80 if step == 2 else 40) // (1 if at < 6 else 8)
                    for at in range(8)
                    for step in (1, 2, 3)
                ],
                "is_mature": [day < days[6] for day, _ in entries],
            }
        ),
        "retention": pl.DataFrame(
            {
                "activity": ["event"] * 36,
                "period": ["week"] * 36,
                "cohort_mode": ["first_ever"] * 36,
                "measure": ["n_day"] * 36,
                "cohort_start": [weeks[c] for c, _ in cells],
                "from_interval": [k for _, k in cells],
                "n_cohort_customers": [10] * 36,
                "n_retained_customers": [None if c + k > 5 else 10 - k for c, k in cells],
                "retained_share": [None if c + k > 5 else (10 - k) / 10 for c, k in cells],
                "retained_share_low": [None if c + k > 5 else (9 - k) / 10 for c, k in cells],
                "retained_share_high": [None if c + k > 5 else (10 - k) / 10 for c, k in cells],
                "is_mature": [c + k < 5 for c, k in cells],
            }
        ),
        "lifecycle": pl.DataFrame(
            {
                "period": ["week"] * 6,
                "interval_start": weeks,
                "n_active": [10] * 6,
                "n_new": [10, 2, 2, 2, 2, 2],
                "n_returning": [0, 5, 5, 5, 5, 5],
                "n_resurrecting": [0, 3, 3, 3, 3, 3],
                "n_dormant": [0, 5, 5, 5, 5, 5],
                "is_mature": [True] * 5 + [False],
            }
        ),
    }


@pytest.fixture(scope="session")
def customer_source() -> CustomerTableSource:
    return CustomerTableSource.model_validate(
        {
            "customer_id": {"from": "id", "type": "bigint"},
            "tables": {"people": {"files": "people*.csv", "columns": {"plan": "план"}}},
            "label": {"type": "boolean", "description": "Whether the customer left (Ушёл)."},
            "attributes": {"plan": {"description": "Plan."}, "paid": {"description": "Paid."}},
        }
    )


@pytest.fixture(scope="session")
def people_frames(shop_frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Ten customers in the files, of whom a rule leaves out two."""
    shared = ("landed_files", "rejected_rows", "reproduction")
    return {
        **{name: shop_frames[name] for name in shared},
        "customers": pl.DataFrame(
            {
                "customer_id": range(8),
                "label": [True, True, False, False, False, False, False, None],
            }
        ),
        "customer_accounting": pl.DataFrame(
            {
                "table_name": ["customers", "people"],
                "n_landed": [10, 15],
                "n_kept": [8, 10],
                "n_duplicates": [0, 3],
                "n_conflicting": [0, 1],
                "n_rejected": [2, 1],
                "n_customers": [8, 10],
                "n_customers_missing": [2, 0],
            }
        ),
        "cleaning": pl.DataFrame(
            {
                "rule_number": [1, 2],
                "rule": ["pays_nothing", "too_old"],
                "action": ["reject", "flag"],
                "is_enabled": [True, False],
                "condition": ["paid = 0", "age > 120"],
                "column_names": [None, None],
                "n_customers": [2, 1],
                "customer_share": [0.2, 0.1],
                "description": ["Who pays nothing is none.", "Nobody is so old."],
            },
            schema_overrides={"column_names": pl.String},
        ),
        "rejected_customers": pl.DataFrame(
            {
                "rule": ["pays_nothing"] * 2,
                "customer_id": [8, 9],
                "plan": ["基本", "基本"],
                "paid": _money([0, 0]),
            }
        ),
        "unexpected_values": pl.DataFrame(
            {
                "table_name": ["people", "people"],
                "column_name": ["plan", "paid"],
                "value": ["стандартт", "<b>many</b>"],
                "read_as": ["стандарт", None],
                "outcome": ["repaired", "unreadable"],
                "n_rows": [3, 1],
            }
        ),
    }


@pytest.fixture(scope="session")
def tables(
    shop_frames: dict[str, pl.DataFrame], people_frames: dict[str, pl.DataFrame]
) -> dict[str, Table]:
    return {
        name: Table(
            name=name,
            layer="commerce",
            description=f"One row per thing of {name}.",
            columns={c: Column(type="varchar", description=f"Is {c}.") for c in frame.columns},
            key=[frame.columns[0]],
        )
        for name, frame in {**shop_frames, **people_frames}.items()
    }


@pytest.fixture(scope="session")
def hostile_frames(shop_frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same shop, whose countries, files, reasons and segments are meant to do harm."""
    frames = dict(shop_frames)
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
    frames |= commerce_frames(names)
    segments = {f"group_{k}": names[k - 1] for k in (1, 2, 3)}
    for table in ("customer_segments", "segment_profile"):
        frames[table] = frames[table].with_columns(pl.col("segment").replace(segments))
    for table in ("landed_files", "rejected_rows"):
        frames[table] = frames[table].with_columns(file=pl.lit(names[0]), reason=pl.lit(names[5]))
    frames["rejected_rows"] = frames["rejected_rows"].with_columns(raw_text=pl.lit(names[3]))
    kinds = {"view": names[0], "purchase": names[2]}
    frames["hourly_traffic"] = frames["hourly_traffic"].with_columns(
        pl.col("event_type").replace(kinds)
    )
    frames["funnel"] = frames["funnel"].with_columns(
        funnel=pl.lit(names[5]), breakdown=pl.Series(names * 3)
    )
    frames["reproduction"] = frames["reproduction"].with_columns(
        figure=pl.Series(names[:3]), why=pl.Series(names[3:6])
    )
    return frames


def _money(amounts: list[float]) -> pl.Series:
    return pl.Series([Decimal(str(amount)) for amount in amounts], dtype=MONEY)
