"""What a campaign caused: those who were written to beside those who were held out.

Both arms are counted whole, whether their customers were reached or not: what the list caused, on
average for each customer on it.
"""

from typing import Any

import numpy as np
import polars as pl

from customer_assets.intervals import wilson

# Below so many customers in an arm nothing is said of it.
FEWEST_IN_ARM = 30
# So seldom may a draw look as if it had been tampered with. R. Kohavi and others, Trustworthy
# Online Controlled Experiments (2020), ch. 21.
RATIO_ALARM = 0.001
# How often the arms are drawn again to see what chance alone does.
N_DRAWS = 1_000
MEASURES = ("buyers", "orders", "net_revenue")


def arm_outcomes(exposures: pl.DataFrame, orders: pl.DataFrame, horizon_us: int) -> pl.DataFrame:
    """Return one row per campaign and customer of its list, with what followed in the horizon.

    `exposures` as `exposures.draw` writes them, with their campaign; `orders` have `customer_id`,
    `ordered_ts` and `net_value`. Adds `buyers` (0 or 1), `orders` and `net_revenue`.
    """
    ordered = orders.select(
        "customer_id", "ordered_ts", pl.col("net_value").cast(pl.Float64).fill_null(0)
    ).cast({"customer_id": exposures.schema["customer_id"]})
    after = pl.col("ordered_ts") - pl.col("exported_ts")
    followed = (
        exposures.join(ordered, on="customer_id")
        .filter(after > 0, after <= horizon_us)
        .group_by("campaign", "customer_id")
        .agg(pl.len().cast(pl.Float64).alias("orders"), pl.col("net_value").sum())
        .rename({"net_value": "net_revenue"})
    )
    return (
        exposures.join(followed, on=["campaign", "customer_id"], how="left")
        .with_columns(pl.col("orders", "net_revenue").fill_null(0))
        .with_columns((pl.col("orders") > 0).cast(pl.Float64).alias("buyers"))
        # Sums of doubles hold still only where their order does.
        .sort("campaign", "customer_id")
    )


def uplift(arms: pl.DataFrame) -> list[dict[str, Any]]:
    """Return one row per measure of one campaign's arms, as `arm_outcomes` makes them.

    Each has `measure`, `n_exposed`, `n_held_out`, the means `exposed` and `held_out`, their
    `difference` with `difference_low` and `difference_high` (95 %; null where an arm has fewer
    than FEWEST_IN_ARM), `planned_share`, `ratio_p_value` and `is_ratio_as_planned`.
    """
    from scipy.stats import binomtest

    held_out = arms["is_held_out"].to_numpy()
    planned = float(arms["planned_share"][0])
    n_held_out, n_exposed = int(held_out.sum()), int((~held_out).sum())
    p_value = binomtest(n_held_out, len(held_out), planned).pvalue
    rows = []
    for measure in MEASURES:
        values = arms[measure].to_numpy()
        exposed, control = values[~held_out], values[held_out]
        row: dict[str, Any] = {
            "measure": measure,
            "n_exposed": n_exposed,
            "n_held_out": n_held_out,
            "exposed": float(exposed.mean()) if n_exposed else None,
            "held_out": float(control.mean()) if n_held_out else None,
            "planned_share": planned,
            "ratio_p_value": float(p_value),
            "is_ratio_as_planned": bool(p_value >= RATIO_ALARM),
        }
        if n_exposed and n_held_out:
            row["difference"] = row["exposed"] - row["held_out"]
        if min(n_exposed, n_held_out) >= FEWEST_IN_ARM:
            ends = _of_shares if measure == "buyers" else _of_means
            row["difference_low"], row["difference_high"] = ends(exposed, control)
        rows.append(row)
    return rows


def _of_shares(exposed: np.ndarray, control: np.ndarray) -> tuple[float, float]:
    """Return the ends of the interval of a difference of two independent shares.

    R. G. Newcombe, Interval Estimation for the Difference between Independent Proportions (1998),
    method 10.
    """
    p, q = float(exposed.mean()), float(control.mean())
    p_low, p_high = wilson(float(exposed.sum()), float(len(exposed)))
    q_low, q_high = wilson(float(control.sum()), float(len(control)))
    low = p - q - float(np.hypot(p - p_low, q_high - q))
    return low, p - q + float(np.hypot(p_high - p, q - q_low))


def _of_means(exposed: np.ndarray, control: np.ndarray) -> tuple[float, float]:
    """Return the ends of the interval of a difference of two means.

    What the studentised difference may be by the draw alone is found by drawing again: money is
    too skewed for the normal distribution in the smaller arm. E. Chung and J. P. Romano, Exact and
    Asymptotically Robust Permutation Tests (2013).
    """
    random = np.random.default_rng(0)
    pooled = np.concatenate([exposed - exposed.mean(), control - control.mean()])
    total, squares = pooled.sum(), (pooled**2).sum()
    n, m = len(exposed), len(control)

    def studentised(of_control: np.ndarray) -> float:
        mean, square = of_control.mean(), (of_control**2).sum()
        other = (total - m * mean) / n
        variance = (square - m * mean**2) / (m - 1) / m
        variance += max(squares - square - n * other**2, 0) / (n - 1) / n
        return float((other - mean) / np.sqrt(variance)) if variance > 0 else 0.0

    drawn = [
        studentised(pooled[random.choice(n + m, m, replace=False, shuffle=False)])
        for _ in range(N_DRAWS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    error = np.sqrt(exposed.var(ddof=1) / n + control.var(ddof=1) / m)
    difference = exposed.mean() - control.mean()
    return float(difference - high * error), float(difference - low * error)
