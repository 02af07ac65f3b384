"""Tables on products and recommendations, with whatever names the products are given."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import polars as pl

MONEY = pl.Decimal(18, 4)


def commerce_frames(names: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return a table per section on commerce, for three or more product names."""
    n = len(names)
    ids = [f"P{k:02d}" for k in range(n)]
    revenue = [Decimal(100 * (n - k)) for k in range(n)]
    shares = [float(amount / sum(revenue)) for amount in revenue]
    advice = [("grow", "keep", "fix", "drop", None)[k % 5] for k in range(n)]
    ranks = list(range(1, n + 1))
    counts = {
        "n_views": [50 * (n - k) for k in range(n)],
        "n_purchases": [7 * (1 + k) for k in range(n)],
        "views_rank": ranks,
        "purchases_rank": ranks[::-1],
        "places_lost": [n - 2 * k - 1 for k in range(n)],
        "purchases_per_view": [0.1] * n,
    }
    recommenders = ["last_category", "popular", "related"]
    return {
        "product_performance": pl.DataFrame(
            {
                "item_id": ids,
                "item_name": names,
                "category": names[::-1],
                "abc_class": ["A"] * (n - 2) + ["B", "C"],
                "revenue_rank": ranks,
                "revenue": revenue,
                "net_revenue": [*revenue[:-1], Decimal(-5)],
                "returned_value": [Decimal(0)] * (n - 1) + [revenue[-1] + 5],
                "return_share": [0.0] * (n - 1) + [1.05],
                "net_revenue_share": shares,
                "n_orders": ranks,
            },
            schema_overrides=dict.fromkeys(("revenue", "net_revenue", "returned_value"), MONEY),
        ),
        "revenue_concentration": pl.DataFrame(
            {
                "unit": ["customer"] * 101 + ["product"] * 101,
                "top_percent": [*range(101)] * 2,
                "n_top": [*range(101)] * 2,
                "net_revenue": [Decimal(percent) for percent in range(101)] * 2,
                "net_revenue_share": [(percent / 100) ** 0.3 for percent in range(101)] * 2,
                "gini": [0.5] * 202,
            },
            schema_overrides={"net_revenue": MONEY},
        ),
        "category_performance": pl.DataFrame(
            {
                "category": names,
                "advice": advice,
                "net_revenue": revenue,
                "net_revenue_share": shares,
                "trend": [None, *([-0.187, 0.121] * n)[: n - 1]],
                "trend_low": [None, *([-0.3, 0.01] * n)[: n - 1]],
                "trend_high": [None, *([-0.05, 0.3] * n)[: n - 1]],
                "trend_days": [187] * n,
                "return_share": [0.1] * n,
                "n_products": ranks,
            },
            schema_overrides={"net_revenue": MONEY, "advice": pl.String},
        ),
        "published_category_advice": pl.DataFrame(
            {
                "category": names[:2],
                "published_advice": ["grow", "fix or drop"],
                "our_advice": ["grow", "keep"],
                "agrees": [True, False],
                "why": names[1:3],
            }
        ),
        "product_ranks": pl.DataFrame({"item_id": ids, "item_name": names, **counts}),
        "category_ranks": pl.DataFrame({"category": names, **counts}),
        "basket_pairs": pl.DataFrame(
            {
                "item_a": [ids[0]],
                "item_b": [ids[1]],
                "name_a": [names[0]],
                "name_b": [None],
                "n_baskets": [40],
                "support": [0.04],
                "confidence_a_b": [0.8],
                "confidence_b_a": [0.4],
                "lift": [8.0],
                "leverage": [0.035],
                "pair_rank": [1],
                "n_all_baskets": [1000],
                "n_large_baskets": [3],
                "n_products": [n],
            },
            schema_overrides={"name_b": pl.String},
        ),
        "survival": pl.DataFrame(
            {
                "kind": ["all"] * 2,
                "group_name": ["all"] * 2,
                "days": [10, 97],
                "survival": [0.8, 0.5],
                "median_days": [97, 97],
            }
        ),
        "repeat_purchase": pl.DataFrame(
            {
                "cohort_month": [None, None, None, dt.date(2024, 1, 1), dt.date(2024, 3, 1)],
                "within_days": [7, 30, None, 30, 30],
                "n_customers": [20, 20, 20, 12, 8],
                "n_observed": [18, 12, 20, 12, 0],
                "n_repeat_customers": [6, 6, 9, 6, None],
                "repeat_share": [1 / 3, 0.5, 0.45, 0.5, None],
                "repeat_share_low": [0.16, 0.25, 0.26, 0.25, None],
                "repeat_share_high": [0.56, 0.75, 0.66, 0.75, None],
                "median_days_to_second": [3.0, 11.0, 14.0, 11.0, None],
            }
        ),
        "recommendation_quality": pl.DataFrame(
            {
                "kind": ["item"] * 3,
                "recommender": recommenders,
                "n_customers": [200] * 3,
                "n_with_list": [190] * 3,
                "hit_rate": [0.2, 0.25, 0.4],
                "hit_rate_low": [0.15, 0.2, 0.34],
                "hit_rate_high": [0.26, 0.31, 0.47],
                "ndcg": [0.05, 0.06, 0.1],
                "ndcg_low": [0.04, 0.05, 0.09],
                "ndcg_high": [0.06, 0.07, 0.11],
                "hit_rate_lead": [0.2, 0.15, None],
                "hit_rate_lead_low": [0.1, 0.05, None],
                "ndcg_lead": [0.05, 0.04, None],
                "ndcg_lead_low": [0.02, 0.01, None],
                "is_shown": [True] * 3,
            }
        ),
        "aarrr": pl.DataFrame(
            {
                "stage_number": [1, 2, 4, 5],
                "stage": ["acquisition", "activation", "referral", "revenue"],
                "metric": ["customers", "acted_on_first_day", "referral", "revenue_a_customer"],
                "value": [20.0, 0.5, None, 12.5],
                "unit": ["customers", "share", "events a customer", "money a customer"],
                "low": [None, 0.3, None, None],
                "high": [None, 0.7, None, None],
                "definition": ["Who came.", "Who acted.", "The log has none.", "Money."],
            }
        ),
    }
