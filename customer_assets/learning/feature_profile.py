"""What each feature is like: how it is spread, what it says of the label and of other features.

Also which features no model should see, and why; that is decided without a look at the label. Does
not belong here: what a model makes of a feature (`importance`) and how it changes (`drift`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.profiled import (
    CATEGORIES,
    TEXT,
    Profiled,
    profiled,
    sampled,
)
from customer_assets.sources.questions import Question

if TYPE_CHECKING:
    pass

NEARLY_ALL_MISSING = 0.95

NEARLY_CONSTANT = 0.995

IDENTIFIER_LIKE = 0.5

SAME = 0.98

# Features that hang together closer than this are of one cluster.
CLOSE = 0.8

_MOST_INFLATION = 1e6


def feature_profile(
    customer_features: pl.DataFrame,
    feature_correlation: pl.DataFrame,
    *,
    questions: Mapping[str, Question],
) -> list[dict[str, Any]]:
    """Return one row per question and feature: its spread, its bond to the label, its fate."""
    found = []
    for name, question in questions.items():
        described = profiled(customer_features, question)
        bonds = feature_correlation.filter(question=name)
        rows = {n: _described(described, n) for n in described.kinds}
        because = reasons(described, rows, bonds)
        kept = [n for n in rows if n not in because]
        inflation = variance_inflation(
            {n: described.values(n) for n in kept if described.kinds[n] != TEXT}
        )
        with_label = dict(bonds.filter(other=question.label).select("feature", "phik").iter_rows())
        cluster = clusters(kept, bonds)
        found += [
            {"question": name, "feature": n}
            | row
            | {
                "phik_label": with_label.get(n),
                "vif": inflation.get(n),
                "cluster": cluster.get(n),
                "dropped_because": because.get(n),
            }
            for n, row in rows.items()
        ]
    return found


def dropped_features(profile: pl.LazyFrame | None) -> dict[str, dict[str, str]]:
    """Return by question the features that no model should see, with the reason of each.

    Where there is no profile, models see all.
    """
    dropped: dict[str, dict[str, str]] = {}
    if profile is not None:
        left_out = profile.select("question", "feature", "dropped_because").drop_nulls()
        for question, feature, because in left_out.collect().iter_rows():
            dropped.setdefault(question, {})[feature] = because
    return dropped


def _described(described: Profiled, name: str) -> dict[str, Any]:
    values = described.values(name)
    known = values.drop_nulls()
    counted = known.value_counts(sort=False, name="n").sort(
        ["n", values.name], descending=[True, False]
    )
    most = counted.row(0) if len(counted) else (None, 0)
    row: dict[str, Any] = {
        "kind": described.kinds[name],
        "n_rows": len(values),
        "missing_share": values.null_count() / max(len(values), 1),
        "n_distinct": len(counted),
        "most_frequent": most[0] if isinstance(most[0], str | None) else f"{most[0]:g}",
        "most_frequent_share": most[1] / max(len(values), 1),
    }
    if described.kinds[name] == TEXT:
        return row
    auc = area_under_curve(values, described.label)
    return row | {
        "mean": known.mean(),
        "std": known.std(),
        "min": known.min(),
        "quantile_05": known.quantile(0.05, "linear"),
        "quantile_25": known.quantile(0.25, "linear"),
        "median": known.median(),
        "quantile_75": known.quantile(0.75, "linear"),
        "quantile_95": known.quantile(0.95, "linear"),
        "max": known.max(),
        "auc": None if auc is None else max(auc, 1 - auc),
        "direction": None if auc in (None, 0.5) else "raises" if auc > 0.5 else "lowers",
    }


def area_under_curve(values: pl.Series, label: pl.Series) -> float | None:
    """Return the chance that a customer with a yes has the higher value, ties counted half.

    Of the customers with a value; None where all of them have one answer (Mann-Whitney U).
    """
    known = pl.DataFrame({"value": values, "label": label}).drop_nulls()
    n_yes = int(known["label"].sum())
    n_no = len(known) - n_yes
    if not n_yes or not n_no:
        return None
    ranks = float(known["value"].rank("average").filter(known["label"] == 1).sum())
    return (ranks - n_yes * (n_yes + 1) / 2) / (n_yes * n_no)


def reasons(
    described: Profiled, rows: Mapping[str, Mapping[str, Any]], bonds: pl.DataFrame
) -> dict[str, str]:
    """Return why features are left out: excluded, empty, constant, an identifier, or a double.

    Of features that say the same the one with fewer missing values stays, else the first.
    """
    because = {name: reason for name, row in rows.items() if (reason := _reason(row))}
    excluded = set(described.question.exclude) & set(rows)
    because |= dict.fromkeys(excluded, "Excluded by the question.")
    drawn = Profiled(described.question, sampled(described.rows), described.kinds)
    doubles: dict[str, list[tuple[str, str]]] = {}
    for first, second, phi, rho in bonds.select("feature", "other", "phik", "spearman").iter_rows():
        if not {first, second} <= set(rows) - set(because):
            continue
        if abs(rho or 0) > SAME:
            rho = _rho_apart_from_usual(drawn.values(first), drawn.values(second))
            if abs(rho) > SAME:
                doubles.setdefault(first, []).append((second, f"spearman {rho:.3f}"))
        elif (
            # phik is also 1 where one of them says more: a number and whether there is one.
            phi > SAME
            and TEXT in (rows[first]["kind"], rows[second]["kind"])
            and rows[first]["n_distinct"] == rows[second]["n_distinct"]
        ):
            doubles.setdefault(first, []).append((second, f"phik {phi:.3f}"))
    kept: set[str] = set()
    fuller_first = sorted(rows, key=lambda name: rows[name]["missing_share"])
    for name in fuller_first:
        if name in because:
            continue
        same = [(other, text) for other, text in doubles.get(name, []) if other in kept]
        if same:
            other, text = min(same, key=lambda pair: list(rows).index(pair[0]))
            because[name] = f"Says the same as {other} ({text})."
        else:
            kept.add(name)
    return because


def _rho_apart_from_usual(first: pl.Series, second: pl.Series) -> float:
    """Return the rank correlation over customers with another value than most in one of the two.

    Counts of something rare rank alike just by being zero together.
    """
    both = pl.DataFrame({"first": first, "second": second}).drop_nulls()
    usual = [both[name].mode().min() for name in both.columns]
    apart = both.filter((pl.col("first") != usual[0]) | (pl.col("second") != usual[1]))
    found = apart.select(pl.corr("first", "second", method="spearman")).item()
    return 0.0 if found is None or found != found else float(found)


def _reason(row: Mapping[str, Any]) -> str | None:
    missing, frequent = row["missing_share"], row["most_frequent_share"]
    if missing == 1:
        return "Missing for every customer."
    if row["n_distinct"] == 1 and missing == 0:
        return f"The same for every customer: {row['most_frequent']}."
    if row["n_distinct"] == 1:
        return f"{row['most_frequent']} wherever there is a value."
    if missing > NEARLY_ALL_MISSING:
        return f"Missing for {missing:.1%} of the customers."
    if frequent > NEARLY_CONSTANT:
        return f"The same for {frequent:.1%} of the customers: {row['most_frequent']}."
    known = row["n_rows"] * (1 - missing)
    if row["kind"] == TEXT and row["n_distinct"] > max(IDENTIFIER_LIKE * known, CATEGORIES):
        return f"Like an identifier: {row['n_distinct']} texts for {known:.0f} customers."
    return None


def variance_inflation(values: Mapping[str, pl.Series]) -> dict[str, float]:
    """Return the variance inflation factor of each number: 1 / (1 - R2) from all the others.

    Missing values count as the median. An exact sum of others has a million.
    """
    import numpy as np

    filled = {n: v.fill_null(v.median()) for n, v in values.items()}
    filled = {n: v for n, v in filled.items() if v.n_unique() > 1}
    if not filled:
        return {}
    matrix = np.atleast_2d(np.corrcoef(pl.DataFrame(filled).to_numpy(), rowvar=False))
    roots, vectors = np.linalg.eigh(matrix)
    inverse = (vectors**2 / np.maximum(roots, 1 / _MOST_INFLATION)).sum(axis=1)
    return {n: round(float(v), 4) for n, v in zip(filled, inverse, strict=True)}


def clusters(names: Sequence[str], bonds: pl.DataFrame) -> dict[str, int]:
    """Return the number of the cluster of each feature, from 1, by mean phik of its members."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(names) < 2:
        return dict.fromkeys(names, 1)
    place = {name: at for at, name in enumerate(names)}
    distance = 1 - np.eye(len(names))
    for feature, other, value in bonds.select("feature", "other", "phik").iter_rows():
        if feature in place and other in place:
            distance[place[feature], place[other]] = 1 - value
    found = fcluster(linkage(squareform(distance), "average"), 1 - CLOSE, "distance")
    first_seen = {cluster: at for at, cluster in reversed(list(enumerate(found.tolist())))}
    number = {c: n for n, c in enumerate(sorted(first_seen, key=first_seen.__getitem__), 1)}
    return {name: number[c] for name, c in zip(names, found.tolist(), strict=True)}
