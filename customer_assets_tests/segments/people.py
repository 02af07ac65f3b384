"""Made-up customers for the tests of segments: frames of the shapes that the tables have."""

from decimal import Decimal

import numpy as np
import polars as pl

from customer_assets.sources import Segments

SEGMENTS = Segments(
    names=["best", "middle", "rest"],
    columns=["recency_days", "n_orders", "monetary"],
    value="monetary",
)


def money(amounts) -> pl.Series:
    return pl.Series([Decimal(str(round(float(a), 2))) for a in amounts], dtype=pl.Decimal(18, 4))


def rfm(n: int = 90, seed: int = 1) -> pl.DataFrame:
    """Three kinds of customers, far apart, a third each in the order of their ids."""
    draw = np.random.default_rng(seed)
    kind = np.arange(n) * 3 // n
    return pl.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "recency_days": np.array([30, 90, 300])[kind] + draw.integers(0, 6, n),
            "n_orders": np.array([30, 6, 1])[kind],
            "monetary": money(np.array([5000, 600, 50])[kind] * draw.uniform(0.9, 1.1, n)),
        }
    )
