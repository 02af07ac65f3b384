"""A small shop with every table that a report can show."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from customer_assets.reports.page import REPORT_TABLES, SURENESS_PAGE
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.sources.questions import Question
from customer_assets.warehouse.table import Column, Table
from customer_assets_tests.evidence.statement import sql_table
from customer_assets_tests.reports.commerce_frames import commerce_frames
from customer_assets_tests.reports.described import described, rows
from customer_assets_tests.tables import computed

MONEY = pl.Decimal(18, 4)
DAY = dt.date(2024, 2, 1)


def text_of(page: Path) -> str:
    """Return what stands on both pages of a report."""
    return page.read_text() + page.with_name(SURENESS_PAGE).read_text()


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
            "advice": {
                "campaign": {
                    "question": "buys",
                    "contact_cost": 10,
                    "margin": 30,
                    "published": [
                        {"plan": "all", "contacts": 20, "buyers": 14},
                        {"plan": "some", "contacts": 5, "buyers": 5},
                    ],
                }
            },
            "view_event": "view",
            "questions": {
                "buys": {"title": "Buys?", "label": "label", "models": ["lightgbm"]},
                "will_it": {
                    "title": "Will the customer buy?",
                    "label": "label",
                    "models": ["lightgbm"],
                    "published": [{"model": "lightgbm", "metric": "roc_auc", "value": 0.7}],
                },
            },
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
    """Rows by hand of the tables that tests are about, of the others as they are described."""
    return {name: rows(name) for name in REPORT_TABLES if name in described()} | _shop_frames()


def _shop_frames() -> dict[str, pl.DataFrame]:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=7 * n) for n in range(10)]
    months = [dt.date(2024, m, 1) for m in (1, 2, 3)]
    ids = list(range(1, 21))
    ranks = [1 + n % 3 for n in range(20)]
    return {
        "headline_history": _headline_history(),
        "headlines": _headlines(),
        "arrivals": pl.DataFrame(
            {
                "event_date": [dt.date(2024, 3, 5), dt.date(2024, 3, 8), dt.date(2024, 3, 4)],
                "file": ["late.csv", "new.csv", "gone.csv"],
                "change": ["landed", "landed", "withdrawn"],
                "rows": [4, 30, 2],
                "recorded_at": [dt.datetime(2024, 3, 9, 3)] * 3,
            }
        ),
        "sales_daily": pl.DataFrame(
            {
                "sales_date": days,
                "n_lines": [5] * 10,
                "n_orders": [2] * 10,
                "revenue": _money([100 + n for n in range(10)]),
                "customer_revenue": _money([90] * 10),
                "returned_value": _money([3] * 10),
                "net_revenue": _money([97 + n for n in range(10)]),
                "customer_net_revenue": _money([88] * 10),
            }
        ),
        "sales_monthly": pl.DataFrame(
            {
                "sales_month": months,
                "n_days": [5, 4, 1],
                "n_lines": [25, 20, 5],
                "revenue": _money([1200, 1500.5, 80]),
                "customer_revenue": _money([1000, 1100, 80]),
                "returned_value": _money([10, 0, 0]),
                "net_revenue": _money([1190, 1500.5, 80]),
                "customer_net_revenue": _money([990, 1100, 80]),
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
                "returned_value": _money([0, 0, 0]),
                "net_revenue": _money([20, 300, 2460.5]),
            }
        ),
        "country_performance": pl.DataFrame(
            {
                "country": ["United Kingdom", "EIRE"],
                "n_customers": [15, 5],
                "n_orders": [20, 7],
                "revenue": _money([1800, 200]),
                "revenue_share": [0.9, 0.1],
                "net_revenue": _money([1800, 200]),
                "net_revenue_share": [0.9, 0.1],
            }
        ),
        "rfm": pl.DataFrame(
            {
                "customer_id": ids,
                "recency_days": ids,
                "n_orders": [1 + n % 4 for n in ids],
                "monetary": _money([10 * n for n in ids]),
                "gross_monetary": _money([11 * n for n in ids]),
                "is_mostly_returned": [n == 20 for n in ids],
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
                "customer_share_low": [0.18, 0.18, 0.14],
                "customer_share_high": [0.57, 0.57, 0.52],
                "value_measure": ["monetary"] * 3,
                "value": _money([700, 1000, 300]),
                "value_share": [0.35, 0.5, 0.15],
                "mean_value": [100.0, 142.86, 50.0],
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
        "findings": pl.DataFrame(
            {
                "event_date": [dt.date(2024, 3, 4)],
                "finding": ["few_rows"],
                "subject": [""],
                "severity": ["error"],
                "explanation": ["40 rows, where <b>400</b> are usual"],
                "is_held": [True],
                "is_accepted": [False],
                "is_recent": [True],
            }
        ),
        "landed_files": pl.DataFrame(
            {
                "file": ["orders.csv"],
                "status": ["loaded"],
                "content_hash": ["0a1b"],
                "reason": [None],
                "modified_at": [dt.datetime(2024, 3, 11, 6, 30)],
                "rows_landed": [102],
                "rows_loaded": [100],
                "rows_rejected": [2],
            },
            schema_overrides={"reason": pl.String},
        ),
        "rejection_reasons": pl.DataFrame(
            {
                "place": [1],
                "reason": ["no time"],
                "column_name": ["at"],
                "n_rows": [2],
                "file": ["orders.csv"],
                "row": [7],
                "raw_text": ["1,,3"],
                "n_reasons": [1],
            }
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
        **_group_frames(),
        **_behavior_frames(),
        **_feature_frames(),
        **_forecast_frames(),
        **_model_frames(),
        **commerce_frames(["cakestand", "lantern", "bag", "mug"]),
    }


def _model_frames() -> dict[str, pl.DataFrame]:
    """A question whose first model was promoted and whose second one was not."""
    made_up = np.random.default_rng(1)
    label = made_up.random(200) < 0.3
    noise = made_up.random(200)
    probability = {"lightgbm": (label + 2 * noise) / 3, "base_rate": np.full(200, 0.3)}
    splits = [("cross_validation", 3), ("out_of_time", 3), ("backtest", 1), ("backtest", 2)]
    predictions = pl.concat(
        pl.DataFrame(
            {
                "question": ["will_it"] * 200,
                "model": [model] * 200,
                "split": [split] * 200,
                "cut_off_ts": [day * 86_400_000_000] * 200,
                "customer_id": range(200),
                "label": label,
                "probability": said,
                "answer": said > 0.5,
            }
        )
        for model, said in probability.items()
        for split, day in splits
    )
    asked = Question(title="Will the customer buy?", label="label", models=["lightgbm"])
    told = {"questions": {"will_it": asked}}
    verdict = {"rule": "beats_baseline", "passed": True, "value": 0.1, "limit": 0, "text": "<b>"}
    return {
        "model_metrics": computed("model_metrics", {"model_predictions": predictions}, told),
        "model_curves": computed("model_curves", {"model_predictions": predictions}),
        "champions": pl.DataFrame(
            {
                "question": ["will_it"] * 2,
                "version": ["v1", "v2"],
                "model": ["lightgbm", "lightgbm"],
                "promoted": [True, False],
                "decided_at": [dt.datetime(2024, 2, 1), dt.datetime(2024, 3, 1)],
                "reason": ["It is better.", "It is not better."],
                "split": ["out_of_time"] * 2,
                "metric": ["roc_auc"] * 2,
                "value": [0.8, 0.7],
                "low": [0.7, 0.6],
                "high": [0.9, 0.8],
                "baseline": ["base_rate"] * 2,
                "gain": [0.3, 0.2],
                "verdicts": [json.dumps([verdict])] * 2,
            }
        ),
        "feature_importance": pl.DataFrame(
            {
                "question": ["will_it"] * 3,
                "feature": ["visits", "plan", "<script>"],
                "rank": [1, 2, 3],
                "shap_mean_abs": [0.4, 0.2, 0.0],
                "permutation": [0.1, 0.02, 0.0],
                "direction": ["raises", "mixed", "lowers"],
            }
        ),
        "model_drift": pl.DataFrame(
            {
                "question": ["will_it"] * 2,
                "feature": ["visits", "plan"],
                "stability_index": [0.4, 0.01],
                "has_drifted": [True, False],
            }
        ),
    }


def _forecast_frames() -> dict[str, pl.DataFrame]:
    """Twenty days forecast in the past, three to come, of which one is closed."""
    days = [dt.date(2024, 2, 12) + dt.timedelta(days=n) for n in range(23)]
    past, ahead, n = days[:20], days[20:], 20
    models = ["lightgbm", "seasonal_naive"]
    ids = list(range(1, n + 1))
    return {
        "forecast_backtest": pl.DataFrame(
            {
                "period": ["day"] * n,
                "model": ["lightgbm"] * n,
                "origin_date": [day - dt.timedelta(days=1) for day in past],
                "horizon": [1] * n,
                "target_date": past,
                "is_open": [True] * n,
                "value": _money([100.0] * n),
                "low": _money([80.0] * n),
                "high": _money([120.0] * n),
                "actual": _money([90.0 + k for k in range(n)]),
            }
        ),
        "sales_forecast": pl.DataFrame(
            {
                "period": ["day"] * 3,
                "target_date": ahead,
                "model": ["lightgbm"] * 3,
                "is_champion": [True] * 3,
                "origin_date": [past[-1]] * 3,
                "horizon": [1, 2, 3],
                "is_open": [True, False, True],
                "value": _money([110, 0, 120]),
                "low": _money([90, 0, 100]),
                "high": _money([130, 0, 140]),
                "interval_level": [0.8] * 3,
            }
        ),
        "forecast_metrics": pl.DataFrame(
            {
                "period": ["day"] * 2,
                "model": models,
                "horizon": [0, 0],
                "n_origins": [n] * 2,
                "n_forecasts": [n] * 2,
                "mae": [8.0, 12.0],
                "mape": [0.08, 0.12],
                "wape": [0.08, 0.12],
                "r2": [0.5, -0.1],
                "coverage": [0.6, 0.8],
                "n_intervals": [10, 10],
                "is_champion": [True, False],
                "decision": ["lightgbm beats the baseline."] * 2,
            }
        ),
        "customer_lifetime_value": pl.DataFrame(
            {
                "customer_id": ids,
                "frequency": ids,
                "probability_alive": [None] * n,
                "purchases_30_days": [k / 10 for k in ids],
                "purchases_365_days": [None] * n,
                "value_30_days": _money([10 * k for k in ids]),
                "value_365_days": [None] * n,
                "status": ["Dropout is not identified."] * n,
            },
            schema_overrides={
                "probability_alive": pl.Float64,
                "purchases_365_days": pl.Float64,
                "value_365_days": MONEY,
            },
        ),
        "lifetime_value_deciles": rows(
            "lifetime_value_deciles",
            measure="value",
            days_ahead=30,
            decile=[1, 2, 3],
            share=[0.186, 0.17, 0.15],
        ),
        "lifetime_value_fit": pl.DataFrame(
            {
                "cut_off": ["calibration"] * 7 + ["full"],
                "figure": [
                    "holdout_days",
                    "holdout_purchases",
                    "holdout_purchases_expected",
                    "holdout_purchases_naive",
                    "holdout_purchases_mae_expected",
                    "holdout_purchases_mae_naive",
                    "passes_value",
                    "total_value_30_days",
                ],
                "value": [20.0, 50.0, 40.0, 30.0, 0.5, 0.75, 1.0, 2100.0],
                "low": [None] * 7 + [1900.0],
                "high": [None] * 7 + [2400.0],
                "note": ["What it is."] * 8,
            }
        ),
    }


def _group_frames() -> dict[str, pl.DataFrame]:
    """What is known of three groups: their orders, their stability, their moves, their actions."""
    names, ranks = [f"group_{k}" for k in (1, 2, 3)], [1, 2, 3]
    group = {"kind": ["segment"] * 3, "segment": names, "segment_rank": ranks}
    return {
        "segment_measures": pl.DataFrame(
            {
                **group,
                "measure": ["n_orders"] * 3,
                "mean": [3.0, 2.0, 1.0],
                "median": [3.0, 2.0, 1.0],
                "tenth": [2.0, 1.0, 1.0],
                "ninetieth": [4.0, 3.0, 2.0],
            }
        ),
        "segment_products": pl.DataFrame(
            {
                "segment": names,
                "kind": ["item"] * 3,
                "place": [1] * 3,
                "product": ["1", "2", "3"],
                "product_name": ["Mug", None, "Bowl"],
                "n_buyers": [5, 6, 5],
                "buyer_share": [0.7, 0.8, 0.8],
                "buyer_share_low": [0.4, 0.5, 0.4],
                "buyer_share_high": [0.9, 0.9, 0.9],
                "all_buyer_share": [0.3, 0.3, 0.3],
                "lift": [2.3, 2.7, 2.7],
            }
        ),
        "segment_rules": pl.DataFrame(
            {
                "rule": ["declining"],
                "description": ["Likely to leave."],
                "condition": ["probability >= 0.75"],
                "missing": ["no scores of the question leaves"],
                "n_customers": [0],
                "customer_share": [0.0],
            }
        ),
        "segment_stability": pl.DataFrame(
            {
                "method": ["seeds"] * 3,
                "segment": names,
                "segment_rank": ranks,
                "n_runs": [20] * 3,
                "n_customers": [7, 7, 6],
                "n_customers_low": [5, 7, 6],
                "n_customers_high": [9, 7, 6],
                "mean_jaccard": [0.8, 0.9, 1.0],
                "mean_rand": [0.9] * 3,
                "lowest_rand": [0.7] * 3,
                "is_stable": [False, True, True],
            }
        ),
        "segment_choice": pl.DataFrame(
            {
                "n_segments": [2, 3],
                "silhouette": [0.5, 0.4],
                "inertia": [20.0, 10.0],
                "is_configured": [False, True],
                "is_best": [True, False],
            }
        ),
        "segment_moves": pl.DataFrame(
            {
                "refresh": [2, 2, 2, 3, 3],
                "from_segment": ["group_1", "group_1", None, "group_2", "group_2"],
                "to_segment": ["group_1", "group_2", "group_3", "group_2", "group_3"],
                "n_customers": [6, 1, 2, 6, 2],
                "value": _money([600, 100, 20, 600, 200]),
            }
        ),
        "rfm_distribution": pl.DataFrame(
            {
                "scheme": ["rfm_cell", "rfm_cell", "rf_level"],
                "group_name": ["champions", "hibernating", "gold"],
                "n_customers": [5, 15, 20],
                "customer_share": [0.25, 0.75, 1.0],
                "monetary_share": [0.6, 0.4, 1.0],
            }
        ),
        "rfem_distribution": pl.DataFrame(
            {
                "scheme": ["rfe_score"],
                "score": [9],
                "n_customers": [20],
                "customer_share": [1.0],
            }
        ),
        "segment_actions": pl.DataFrame(
            {
                **group,
                "action": ["thank", "nudge", None],
                "priority": [2, 1, None],
                "offer": ["Thanks", "A <b>voucher</b>", None],
                "channel": ["telephone", None, None],
                "reason": ["value share 50.0 %", "orders 2", "No action of the catalogue fits."],
                "n_customers": [7, 7, 6],
            }
        ),
        "campaign_economics": _plans(),
        "customer_offers": pl.DataFrame(
            {
                "customer_id": [1, 2, 3, 4],
                "segment": ["group_1", "group_1", "group_2", None],
                "action": ["thank", "thank", "nudge", None],
                "offer": ["Thanks", "Thanks", "A <b>voucher</b>", None],
                "may_be_made": [True, False, True, False],
                "why_not": [None, "Has not agreed.", None, "In no group."],
            }
        ),
        "campaign_uplift": pl.DataFrame(
            {
                "campaign": ["spring"],
                "measure": ["buyers"],
                "exported_ts": [1],
                "exported_at": [dt.datetime(2024, 2, 1, 9)],
                "n_exposed": [90],
                "n_held_out": [10],
                "exposed": [0.4],
                "held_out": [0.3],
                "difference": [0.1],
                "difference_low": [-0.05],
                "difference_high": [0.25],
                "is_mature": [True],
            }
        ),
    }


def _plans() -> pl.DataFrame:
    """Twenty customers, eight of whom buy; a contact costs 10, a buyer brings 30."""
    counts = {"everybody": (20, 8.0), "nobody": (0, 0.0)}
    rows = [(plan, None, *both, False) for plan, both in counts.items()]
    rows += [("best_n", None, 5, 4.0, False), ("best_n", None, 10, 7.0, True)]
    rows += [("best_n", None, 20, 8.0, False), ("segment", "group_1", 7, 5.0, False)]
    return pl.DataFrame(
        [
            {
                "basis": "observed",
                "plan": plan,
                "target": target,
                "n_contacts": n,
                "n_buyers": buyers,
                "hit_rate": buyers / n if n else None,
                "profit": buyers * 30 - n * 10,
                "profit_low": buyers * 20 - n * 10,
                "profit_high": buyers * 40 - n * 10,
                "roi": (buyers * 30 - n * 10) / (n * 10) if n else None,
                "is_best": is_best,
                "n_past_totals": None,
                "is_season_known": None,
            }
            for plan, target, n, buyers, is_best in rows
        ],
        schema_overrides={"target": pl.String},
    )


def _behavior_frames() -> dict[str, pl.DataFrame]:
    """Eight days, the last one open, and six weeks of cohorts, the last one not over."""
    days = [dt.date(2024, 2, 1) + dt.timedelta(days=n) for n in range(8)]
    weeks = [dt.date(2024, 1, 29) + dt.timedelta(weeks=n) for n in range(6)]
    visitors = [10 + n for n in range(8)]
    hours = [(day, hour, kind) for day in days for hour in (9, 21) for kind in ("view", "purchase")]
    entries = [(day, step) for day in days for step in (1, 2, 3)]
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
        "bounce_rate": pl.DataFrame(
            {
                "month": [days[0].replace(day=1), None],
                "bounce_rate": [0.25, 0.25],
                "bounce_rate_low": [0.15, 0.15],
                "bounce_rate_high": [0.38, 0.38],
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
        "funnel_people": pl.DataFrame(
            {
                "funnel": ["checkout"] * 6,
                "is_all": [True] * 3 + [False] * 3,
                "breakdown": [None] * 3 + ["phone"] * 3,
                "step": [1, 2, 3] * 2,
                "n_entries": [600] * 6,
                "n_reached": [600, 480, 240] * 2,
                "entry_conversion": [1.0, 0.8, 0.4] * 2,
                "entry_conversion_low": [0.9, 0.7, 0.3] * 2,
                "entry_conversion_high": [1.0, 0.9, 0.5] * 2,
                "n_entered_customers": [40] * 6,
                "n_reached_customers": [40, 30, 18] * 2,
                "customer_conversion": [1.0, 0.75, 0.45] * 2,
                "entry_conversion_difference": [None] * 4 + [0.06, -0.02],
                "entry_conversion_difference_low": [None] * 4 + [0.01, -0.05],
                "entry_conversion_difference_high": [None] * 4 + [0.11, 0.01],
            },
        ),
        "funnel": rows(
            "funnel",
            funnel="checkout",
            entry_date=[day for day, _ in entries],
            breakdown="phone",
            step=[step for _, step in entries],
            n_entered=100,
            # Open entry days would halve the rate.
            n_reached=[
                100 if step == 1 else (80 if step == 2 else 40) // (1 if at < 6 else 8)
                for at in range(8)
                for step in (1, 2, 3)
            ],
            is_mature=[day < days[6] for day, _ in entries],
        ),
        "retention": _retention(weeks),
        "retention_curve": sql_table(
            "behavior/retention_curve", {"retention": _retention(weeks)}, {}
        ),
        **_first_touch_frames(),
        "step_matrix": pl.DataFrame(
            {
                "step": [1, 1, 2, 2],
                "event_type": ["view", "purchase", "purchase", "(end)"],
                "n_sessions": [90, 10, 30, 70],
                "session_share": [0.9, 0.1, 0.3, 0.7],
            }
        ),
        "transitions": pl.DataFrame(
            {
                "from_event": ["(start)", "view"],
                "to_event": ["view", "(end)"],
                "n_transitions": [90, 60],
                "share_of_from": [0.9, 0.6],
                "share_of_to": [1.0, 0.6],
            }
        ),
        "paths": pl.DataFrame(
            {
                "path": ["view>purchase", "purchase"],
                "n_steps": [2, 1],
                "n_item_purchases": [30, 10],
                "item_purchase_share": [0.75, 0.25],
                "rank": [1, 2],
            }
        ),
        "cohort_value": pl.DataFrame(
            {
                "cohort_month": [None, None, *[dt.date(2024, 1, 1)] * 3],
                "month_of_life": [0, 1, 0, 1, 2],
                "n_customers": [20, 12, 12, 12, 12],
                "n_orders_so_far": [20, 18, 12, 18, 19],
                "net_revenue_so_far": _money([1000, 900, 600, 900, 910]),
                "orders_per_customer": [1.0, 1.5, 1.0, 1.5, 1.6],
                "net_revenue_per_customer": [50.0, 75.0, 50.0, 75.0, 75.8],
                "earned_per_customer": [-1.0, 2.0, -1.0, 2.0, 2.1],
                "is_paid_back": [False, True, False, True, True],
                "is_mature": [True, True, True, True, False],
            }
        ),
        "demand_forecast": pl.DataFrame(
            {
                "demand_kind": ["item", "hour", "hour", "category"],
                "thing": ["7", "1 09", "4 12", "mugs"],
                "thing_name": ["Mug <blue>", "Monday 09:00", "Thursday 12:00", "mugs"],
                "first_week": [dt.date(2024, 3, 11)] * 4,
                "horizon_weeks": [4, 1, 1, 4],
                "weekly_units": [10.5, 2.0, 8.0, 30.0],
                "value": [42.0, 2.1, 8.4, None],
                "low": [30.0, 0.0, 4.0, None],
                "high": [55.0, 5.0, 13.0, None],
                "reorder_point": [61.0, 7.0, 15.0, None],
                "service_level": [0.95] * 4,
                "service": [0.94, 0.95, 0.95, None],
                "is_shown": [True, True, True, False],
            }
        ),
        "season_lead": pl.DataFrame(
            {
                "season_start": [dt.date(2023, 11, 1)] * 2,
                "demand_kind": ["category", "shop"],
                "thing": ["mugs", ""],
                "thing_name": ["mugs", "all products"],
                "calm_units": [20.0, 100.0],
                "peak_units": [60.0, 110.0],
                "lead_days": [90, None],
                "lead_days_low": [80.0, None],
                "lead_days_high": [97.0, None],
                "stated_lead_days": [90, 90],
                "n_seasons": [1, 1],
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


def _retention(weeks: list[dt.date]) -> pl.DataFrame:
    """Each week a tenth of the first fewer come back."""
    cells = [(c, k) for c in range(len(weeks)) for k in range(len(weeks))]
    back = [None if c + k > 5 else 10 - k for c, k in cells]
    return rows(
        "retention",
        activity="event",
        period="week",
        cohort_mode="first_ever",
        measure="n_day",
        cohort_start=[weeks[c] for c, _ in cells],
        from_interval=[k for _, k in cells],
        to_interval=[k for _, k in cells],
        n_cohort_customers=10,
        n_retained_customers=back,
        retained_share=[None if n is None else n / 10 for n in back],
        is_mature=[c + k < 5 for c, k in cells],
    )


def _first_touch_frames() -> dict[str, pl.DataFrame]:
    """Three channels by which customers first came; of the last nothing is known."""
    by = {"attribute": "channel", "attribute_value": ["mail", "<b>search</b>", None]}
    return {
        "retention_by": rows(
            "retention_by", **by, period="week", from_interval=1, n_cohort_customers=[60, 50, 40],
            share_difference=[0.2, -0.1, None], share_difference_low=[0.1, -0.2, None],
            share_difference_high=[0.3, 0.05, None], is_surely_more=[True, False, None],
        ),
        "lifecycle_by": rows("lifecycle_by", **by, period="week", interval_start=DAY),
        "sales_by_newness": rows("sales_by_newness", period="month"),
        "revenue_by": rows(
            "revenue_by", **by, sales_month=DAY, revenue_per_buyer=[20.0, 10.0, 15.0],
            revenue_per_buyer_low=[18.0, 9.0, None], revenue_per_buyer_high=[22.0, 11.0, None],
        ),
    }  # fmt: skip


def _feature_frames() -> dict[str, pl.DataFrame]:
    features = ["visits", "plan", "constant"]
    pairs = [(a, b) for a in ("label", "visits", "plan") for b in ("label", "visits", "plan")]
    return {
        "feature_profile": pl.DataFrame(
            {
                "question": ["will_it"] * 3,
                "feature": features,
                "kind": ["number", "text", "number"],
                "n_rows": [200] * 3,
                "missing_share": [0.25, 0.0, 0.0],
                "median": [20.0, None, 1.0],
                "quantile_05": [2.0, None, 1.0],
                "quantile_95": [38.0, None, 1.0],
                "auc": [0.81, None, None],
                "phik_label": [0.62, 0.1, None],
                "vif": [1.0, None, None],
                "cluster": [1, 2, None],
                "dropped_because": [None, None, "The same for every customer: 1."],
            }
        ),
        "feature_bins": pl.DataFrame(
            {
                "question": ["will_it"] * 5,
                "feature": ["visits", "visits", "visits", "plan", "plan"],
                "bin": [1, 2, 3, 1, 2],
                "text": ["1 to 20", "20 to 2,000", "missing", "gold", "basic"],
                "low": [1.0, 20.0, None, None, None],
                "high": [19.0, 2000.0, None, None, None],
                "n_customers": [100, 50, 50, 190, 10],
                "customer_share": [0.5, 0.25, 0.25, 0.95, 0.05],
                "positive_share": [0.2, 0.9, 0.4, 0.4, 0.5],
            }
        ),
        "feature_correlation": pl.DataFrame(
            {
                "question": ["will_it"] * 6,
                "feature": [a for a, b in pairs if a != b],
                "other": [b for a, b in pairs if a != b],
                "phik": [0.62, 0.1, 0.62, 0.2, 0.1, 0.2],
            }
        ),
        "leakage_check": pl.DataFrame(
            {
                "cut_off_ts": [1, 2],
                "n_customers": [3, 3],
                "n_missing_customers": [0, 0],
                "n_changed_values": [0, 0],
                "leaking_features": ["", ""],
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
    shared = ("landed_files", "rejection_reasons", "reproduction")
    return {
        **{name: shop_frames[name] for name in shared},
        "headlines": _people_headlines(),
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
        "label_rates": pl.DataFrame(
            {
                "attribute": ["plan"] * 2,
                "bin": [1, 2],
                "text": ["基本", "<b>many</b>"],
                "n_customers": [100, 60],
                "customer_share": [0.625, 0.375],
                "label_share": [0.1, 0.5],
                "label_share_low": [0.05, 0.38],
                "label_share_high": [0.17, 0.62],
                "all_label_share": [0.25] * 2,
            }
        ),
        "segment_profile": shop_frames["segment_profile"].with_columns(
            value_measure=pl.lit("paid")
        ),
        "segment_attributes": pl.DataFrame(
            {
                "kind": ["segment"],
                "segment": ["group_1"],
                "segment_rank": [1],
                "attribute": ["plan"],
                "value": ["стандарт"],
                "n_customers": [5],
                "share": [0.7],
                "share_low": [0.4],
                "share_high": [0.9],
                "all_share": [0.3],
                "lift": [2.3],
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
            "net_revenue": _money([10.0 * (n - k) for k in range(n)]),
            "net_revenue_share": [(n - k) * 2 / (n * (n + 1)) for k in range(n)],
        }
    )
    frames |= commerce_frames(names)
    segments = {f"group_{k}": names[k - 1] for k in (1, 2, 3)}
    for table in (
        "customer_segments", "segment_profile", "segment_measures", "segment_products",
        "segment_stability", "segment_actions",
    ):  # fmt: skip
        frames[table] = frames[table].with_columns(pl.col("segment").replace(segments))
    frames["segment_moves"] = frames["segment_moves"].with_columns(
        pl.col("from_segment", "to_segment").replace(segments)
    )
    frames["campaign_economics"] = frames["campaign_economics"].with_columns(
        pl.col("target").replace(segments)
    )
    for table in ("landed_files", "rejection_reasons"):
        frames[table] = frames[table].with_columns(file=pl.lit(names[0]), reason=pl.lit(names[5]))
    frames["rejection_reasons"] = frames["rejection_reasons"].with_columns(
        raw_text=pl.lit(names[3])
    )
    kinds = {"view": names[0], "purchase": names[2]}
    frames["hourly_traffic"] = frames["hourly_traffic"].with_columns(
        pl.col("event_type").replace(kinds)
    )
    frames["funnel"] = frames["funnel"].with_columns(
        funnel=pl.lit(names[5]), breakdown=pl.Series(names * 3)
    )
    frames["funnel_people"] = frames["funnel_people"].with_columns(funnel=pl.lit(names[5]))
    frames["reproduction"] = frames["reproduction"].with_columns(
        figure=pl.Series(names[:3]), why=pl.Series(names[3:6])
    )
    return frames


def _headline_history() -> pl.DataFrame:
    """Two reports: revenue moved with what landed, orders with its definition, customers not."""
    figures = [("net_revenue", "money", 980, 1015), ("orders", "count", 18, 20),
               ("customers", "count", 20, 20), ("repeat_share", "share", 0.5, 0.5)]  # fmt: skip
    return pl.DataFrame(
        [
            {
                "known_at": dt.datetime(2024, 3, 7 + 2 * at, 3),
                "as_of": dt.date(2024, 3, 6 + 2 * at),
                "figure": name,
                "label": name.removeprefix("net_").replace("_", " ").capitalize(),
                "value": Decimal(str(values[at])),
                "low": None,
                "high": None,
                "unit": unit,
                "table_name": "sales_daily",
                "data_version": "later" if at else "first",
                "definition_version": "new" if at and name == "orders" else "old",
                "definition": json.dumps({"sql/commerce/orders.sql": f"{name} {at}"}),
            }
            for name, unit, *values in figures
            for at in (0, 1)
        ]
    )


# Name, label, unit, table, values of three weeks, half of the last change's interval, and in all.
_FIGURES = (
    ("net_revenue", "Revenue", "money", "sales_daily", (100, 120, 1200), 90, 1015),
    ("orders", "Orders", "count", "sales_daily", (5, 6, 7), 4, 20),
    ("customers", "Customers who bought", "count", "rfm", (4, 4, 2), 1, 20),
    ("conversion_checkout", "Conversion, <b>checkout", "share", "funnel_people",
     (0.5, 0.4, 0.25), 0.05, 0.3),
    ("order_value", "Revenue per order", "money", "sales_daily", (20, 20, 171.43), 200, 50.75),
    ("order_frequency", "Orders per customer", "ratio", "rfm", (1.25, 1.5, 3.5), 1.9, 1.0),
    ("repeat_share", "Ordered more than once", "share", "rfm", (), 0, 0.75),
)  # fmt: skip


def _headlines() -> pl.DataFrame:
    """Three weeks of a shop: revenue and two more surely changed, the others perhaps."""
    rows = []
    for place, (name, label, unit, table, values, half, in_all) in enumerate(_FIGURES, 1):
        same = {"name": name, "label": label, "unit": unit, "place": place, "table_name": table}
        ends = {"low": 0.531, "high": 0.888} if name == "repeat_share" else {}
        rows.append({**same, **ends, "value": in_all, "last_date": dt.date(2024, 3, 10)})
        for week, value in enumerate(values):
            first = dt.date(2024, 2, 19) + dt.timedelta(days=7 * week)
            change = value - values[week - 1] if week else None
            rows.append(
                {
                    **same,
                    "period": first,
                    "last_date": first + dt.timedelta(days=6),
                    "value": value,
                    "low": 0.9 * value,
                    "high": 1.1 * value,
                    "change": change,
                    "change_low": None if change is None else change - half,
                    "change_high": None if change is None else change + half,
                    "change_share": None if change is None else change / values[week - 1],
                    "is_complete": name != "conversion_checkout" or week < 2,
                    "note": "2 days are not over"
                    if name == "conversion_checkout" and week == 2
                    else None,
                }
            )
    return _headline_frame(rows)


def _people_headlines() -> pl.DataFrame:
    """Eight people, two of the seven whose label is known have it, and one group beside others."""
    label = {"unit": "share", "table_name": "customers"}
    return _headline_frame(
        [
            {"name": "customers", "label": "Customers", "unit": "count", "place": 1, "value": 8,
             "table_name": "customers"},
            {"name": "label_share", "label": "With the label", "place": 2, "value": 0.286,
             "low": 0.08, "high": 0.64, **label},
            {"name": "label_share_group_1", "label": "With the label, group 1", "place": 3,
             "value": 0.5, "low": 0.2, "high": 0.8, "change": 0.3, "change_low": 0.1,
             "change_high": 0.5, "change_share": 1.5, **label},
        ]
    )  # fmt: skip


def _headline_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    decimals = ("value", "low", "high", "change", "change_low", "change_high")
    types = {
        **dict.fromkeys(("name", "label", "unit", "table_name", "note"), pl.String),
        "place": pl.Int64,
        **dict.fromkeys(("period", "last_date"), pl.Date),
        "is_complete": pl.Boolean,
        "change_share": pl.Float64,
        **dict.fromkeys(decimals, pl.Float64),
    }
    frame = pl.DataFrame(rows, schema=types)
    exact = pl.col(*decimals).round(6).cast(pl.Decimal(24, 6))
    return frame.with_columns(exact, pl.col("is_complete").fill_null(value=True))


def _money(amounts: list[float]) -> pl.Series:
    return pl.Series([Decimal(str(amount)) for amount in amounts], dtype=MONEY)
