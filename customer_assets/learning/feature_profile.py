"""What each feature is like: how it is spread, what it says of the label and of other features.

Also which features no model should see, and why; that is decided without a look at the label. Does
not belong here: what a model makes of a feature (`importance`) and how it changes (`drift`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.design import (
    CUSTOMER,
    CUT_OFF,
    asked_about,
    labelled,
    with_cut_off,
)
from customer_assets.sources.questions import Question
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

if TYPE_CHECKING:
    import numpy as np

# Correlations are measured on so many customers, always the same ones.
MOST_ROWS = 5_000
NEARLY_ALL_MISSING = 0.95
NEARLY_CONSTANT = 0.995
IDENTIFIER_LIKE = 0.5
SAME = 0.98
# Features that hang together closer than this are of one cluster.
CLOSE = 0.8
_MOST_INFLATION = 1e6
_CODES, _CATEGORIES, _BINS = 8, 20, 12
NUMBER, BOOLEAN, TEXT = "number", "boolean", "text"
# The bin of customers without a value.
MISSING = "missing"


@dataclass(frozen=True)
class Profiled:
    """The rows of a question that features are described on, and its features.

    `label` is null throughout where no answer is known yet.
    """

    question: Question
    rows: pl.DataFrame
    kinds: Mapping[str, str]

    @property
    def label(self) -> pl.Series:
        return self.rows[self.question.label].cast(pl.Float64)

    def values(self, name: str) -> pl.Series:
        """Return a feature as Float64 or, if it is text, as String."""
        return self.rows[name] if self.kinds[name] == TEXT else self.rows[name].cast(pl.Float64)

    def is_varied(self, name: str) -> bool:
        return self.rows[name].n_unique() > 1


def profiled(features: pl.DataFrame, question: Question) -> Profiled:
    """Return the customers that a question is about, at the last cut-off with an answer.

    Before there is any answer, at the last cut-off.
    """
    features = with_cut_off(features)
    rows = labelled(features, question)
    if rows.is_empty():
        rows = asked_about(features, question)
    rows = rows.filter(pl.col(CUT_OFF) == pl.col(CUT_OFF).max())
    left_out = {CUSTOMER, CUT_OFF, question.label}
    kinds = {n: _kind(t) for n, t in rows.schema.items() if n not in left_out}
    return Profiled(question, rows, {n: kind for n, kind in kinds.items() if kind})


def _kind(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return BOOLEAN
    return NUMBER if dtype.is_numeric() else TEXT if dtype == pl.String else ""


def sampled(rows: pl.DataFrame, most: int = MOST_ROWS) -> pl.DataFrame:
    """Return at most so many rows, those whose customers have the lowest MD5 of their id.

    The same customers are drawn in every run and on every machine, in the order of the rows.
    """
    if len(rows) <= most:
        return rows
    digests = [hashlib.md5(str(i).encode(), usedforsecurity=False).digest() for i in rows[CUSTOMER]]
    drawn = sorted(range(len(rows)), key=digests.__getitem__)[:most]
    return rows[sorted(drawn)]


def feature_correlation(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return for each question how each two features, the label among them, hang together."""
    found = []
    questions: Mapping[str, Question] = parameters["questions"]
    for name, question in questions.items():
        described = profiled(frames["customer_features"], question)
        drawn = Profiled(question, sampled(described.rows), described.kinds)
        names = [n for n in drawn.kinds if drawn.is_varied(n)]
        codes = {n: codes_of(drawn.values(n)) for n in names}
        if drawn.label.n_unique() > 1:
            codes[question.label] = drawn.label.to_numpy().astype(int)
        ranked = spearman({n: drawn.values(n) for n in names if drawn.kinds[n] != TEXT})
        pairs = [(a, b) for a in codes for b in codes if a < b]
        for a, b in pairs:
            both = {"phik": phik(codes[a], codes[b]), "spearman": ranked.get((a, b))}
            found.append({"question": name, "feature": a, "other": b} | both)
            found.append({"question": name, "feature": b, "other": a} | both)
    return pl.DataFrame(found, schema=_CORRELATION_SCHEMA)


def codes_of(values: pl.Series) -> "np.ndarray":
    """Return small whole numbers for the values of a feature; missing is a value of its own.

    Numbers go into groups of about equal size, text keeps its most frequent values.
    """
    import numpy as np

    if values.dtype == pl.String:
        frequent = (
            values.drop_nulls()
            .value_counts(sort=True, name="n")
            .sort(["n", values.name], descending=[True, False])
        )
        known = {value: code for code, value in enumerate(frequent[values.name][:_CATEGORIES])}
        codes = [-1 if v is None else known.get(v, _CATEGORIES) for v in values]
    else:
        known_values = values.drop_nulls()
        distinct = known_values.unique().sort().to_numpy()
        if len(distinct) <= _CODES:
            edges = distinct[:-1]
        else:
            cuts = np.linspace(0, 1, _CODES + 1)[1:-1]
            edges = np.unique(np.quantile(known_values.to_numpy(), cuts))
        placed = np.searchsorted(edges, values.fill_null(0).to_numpy())
        codes = np.where(values.is_null().to_numpy(), -1, placed).tolist()
    return np.unique(codes, return_inverse=True)[1]


def phik(first: "np.ndarray", second: "np.ndarray") -> float:
    """Return the phi_K of two coded features, 0 (independent) to 1.

    Source: Baak, Koopman, Snoek, Klous, A new correlation coefficient between categorical, ordinal
    and interval variables with Pearson characteristics, 2020; with its correction for noise.
    """
    import numpy as np
    from phik.phik import phik_from_hist2d

    n_codes = int(second.max()) + 1
    flat = np.bincount(first * n_codes + second, minlength=(int(first.max()) + 1) * n_codes)
    return round(float(phik_from_hist2d(flat.reshape(-1, n_codes).astype(float))), 6)


def spearman(values: Mapping[str, pl.Series]) -> dict[tuple[str, str], float]:
    """Return the rank correlation of each two features over the customers who have both."""
    if not values:
        return {}
    matrix = (
        pl.DataFrame(dict(values)).to_pandas().corr(method="spearman", min_periods=30).to_numpy()
    )
    return {
        (a, b): round(float(matrix[i, j]), 6)
        for i, a in enumerate(values)
        for j, b in enumerate(values)
        if matrix[i, j] == matrix[i, j]
    }


def feature_profile(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per question and feature: its spread, its bond to the label, its fate."""
    found = []
    questions: Mapping[str, Question] = parameters["questions"]
    for name, question in questions.items():
        described = profiled(frames["customer_features"], question)
        bonds = frames["feature_correlation"].filter(question=name)
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
    return pl.DataFrame(found, schema=_PROFILE_SCHEMA)


def dropped_features(profile: pl.DataFrame) -> dict[str, str]:
    """Return the features of one question that no model should see, with the reason of each."""
    left_out = profile.filter(pl.col("dropped_because").is_not_null())
    return dict(left_out.select("feature", "dropped_because").iter_rows())


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
    if row["kind"] == TEXT and row["n_distinct"] > max(IDENTIFIER_LIKE * known, _CATEGORIES):
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


def feature_bins(frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Return how the values of each kept feature are spread, and the share of yes in each bin."""
    found: list[dict[str, Any]] = []
    questions: Mapping[str, Question] = parameters["questions"]
    for name, question in questions.items():
        described = profiled(frames["customer_features"], question)
        left_out = dropped_features(frames["feature_profile"].filter(question=name))
        for feature in described.kinds:
            if feature not in left_out:
                bins = spread(described.values(feature), described.label)
                found += [{"question": name, "feature": feature} | row for row in bins]
    return pl.DataFrame(found, schema=_BINS_SCHEMA)


def spread(values: pl.Series, label: pl.Series) -> list[dict[str, Any]]:
    """Return the bins of a feature from low to high, the missing values last.

    Up to twelve bins of equal width between the 1st and 99th percentile, of equal width in
    log(1 + x) where the tail is long; few different values have a bin each, rare texts share one.
    """
    import numpy as np

    frame = pl.DataFrame({"value": values, "label": label})
    known = frame.drop_nulls("value")
    if values.dtype == pl.String:
        counted = (
            known["value"].value_counts(name="n").sort(["n", "value"], descending=[True, False])
        )
        frequent = counted["value"][: _BINS - 1]
        place = known["value"].replace_strict(
            {v: i for i, v in enumerate(frequent)}, default=len(frequent), return_dtype=pl.Int64
        )
        texts = {i: str(v) for i, v in enumerate(frequent)} | {len(frequent): "all others"}
        edges = None
    else:
        distinct = known["value"].unique().sort().to_list()
        edges = distinct if len(distinct) <= _BINS else _edges(known["value"])
        inner = edges[1:-1] if len(distinct) > _BINS else edges[1:]
        codes = np.searchsorted(np.asarray(inner), known["value"].to_numpy(), side="right")
        place = pl.Series("place", codes, dtype=pl.Int64)
        texts = {}
    binned = (
        known.with_columns(place.alias("place"))
        .group_by("place")
        .agg(
            pl.len().alias("n"),
            pl.col("label").mean().alias("yes"),
            pl.col("value").min().alias("low"),
            pl.col("value").max().alias("high"),
        )
    )
    rows = [
        _bin(at, len(values), row["n"], row["yes"])
        | (
            {"text": texts[row["place"]]}
            if edges is None
            else {"low": row["low"], "high": row["high"], "text": _range(row["low"], row["high"])}
        )
        for at, row in enumerate(binned.sort("place").iter_rows(named=True), 1)
    ]
    missing = frame.filter(pl.col("value").is_null())
    if len(missing):
        yes = missing["label"].mean()
        rows.append(_bin(len(rows) + 1, len(values), len(missing), yes) | {"text": MISSING})
    return rows


def _edges(values: pl.Series) -> list[float]:
    import numpy as np

    low, high = (float(values.quantile(q, "linear") or 0) for q in (0.01, 0.99))
    middle = float(values.quantile(0.5, "linear") or 0)
    # A long tail would leave all but a few customers in the first bin.
    if low >= 0 and high > 5 * max(middle, 1e-9):
        return list(np.expm1(np.linspace(np.log1p(low), np.log1p(high), _BINS + 1)))
    return list(np.linspace(low, high, _BINS + 1))


def _bin(number: int, n_rows: int, n: int, yes: Any) -> dict[str, Any]:
    return {
        "bin": number,
        "n_customers": n,
        "customer_share": n / n_rows,
        "positive_share": yes,
        "low": None,
        "high": None,
    }


def _range(low: float, high: float) -> str:
    return f"{low:,.4g}" if low == high else f"{low:,.4g} to {high:,.4g}"


_QUESTION = Column(type="varchar", description="Name of the question.")
_FEATURE = Column(type="varchar", description="Column of customer_features.")

FEATURE_CORRELATION = PythonModel(
    table=Table(
        name="feature_correlation",
        layer="features",
        description=(
            "One row per question and ordered pair of features, the label among them: how closely "
            "they hang together, at the last cut-off with a label, on at most 5,000 customers. "
            "Features of one value have none."
        ),
        columns={
            "question": _QUESTION,
            "feature": _FEATURE,
            "other": Column(type="varchar", description="The other one, or the label."),
            "phik": Column(
                type="double",
                description=(
                    "phi_K, 0 to 1, also between numbers and text; numbers in eight groups of "
                    "equal size, missing values as one of their own."
                ),
            ),
            "spearman": Column(
                type="double",
                description="Rank correlation of two numbers, -1 to 1; null for others.",
            ),
        },
        key=["question", "feature", "other"],
        checks=[
            {
                "expect_column_values_to_be_between": {
                    "column": "phik",
                    "min_value": 0,
                    "max_value": 1,
                }
            },
            {
                "expect_column_values_to_be_between": {
                    "column": "spearman",
                    "min_value": -1.000001,
                    "max_value": 1.000001,
                }
            },
        ],
    ),
    inputs=("customer_features",),
    compute=feature_correlation,
    parameters=("questions",),
)

FEATURE_PROFILE = PythonModel(
    table=Table(
        name="feature_profile",
        layer="features",
        description=(
            "One row per question and feature, at the last cut-off with a label: how its values "
            "are spread, what it says of the label by itself, and whether models see it."
        ),
        columns={
            "question": _QUESTION,
            "feature": _FEATURE,
            "kind": Column(type="varchar", description="number, boolean or text."),
            "n_rows": Column(type="bigint", description="Customers that the question is about."),
            "missing_share": Column(type="double", description="Share of them without a value."),
            "n_distinct": Column(type="bigint", description="Different values."),
            "most_frequent": Column(type="varchar", description="The most frequent value."),
            "most_frequent_share": Column(type="double", description="Its share of all customers."),
            "mean": Column(type="double", description="Mean; of a boolean the share of true."),
            "std": Column(type="double", description="Standard deviation."),
            "min": Column(type="double", description="Smallest value."),
            "quantile_05": Column(type="double", description="5 % of the values are not above."),
            "quantile_25": Column(type="double", description="First quartile."),
            "median": Column(type="double", description="Median."),
            "quantile_75": Column(type="double", description="Third quartile."),
            "quantile_95": Column(type="double", description="95 % of the values are not above."),
            "max": Column(type="double", description="Largest value."),
            "auc": Column(
                type="double",
                description=(
                    "ROC-AUC of the feature alone among customers who have it, in the better "
                    "direction; near 1 it probably knows the answer."
                ),
            ),
            "direction": Column(
                type="varchar",
                description="Whether a higher value raises or lowers the chance of a yes.",
            ),
            "phik_label": Column(type="double", description="phi_K with the label."),
            "vif": Column(
                type="double",
                description=(
                    "Variance inflation from the other kept numbers: above 10 most of it follows "
                    "from them, near a million it is a sum of them."
                ),
            ),
            "cluster": Column(
                type="bigint",
                description="Kept features with a mean phi_K of .8 or more share a number.",
            ),
            "dropped_because": Column(
                type="varchar", description="Why models do not see it; null: they do."
            ),
        },
        key=["question", "feature"],
        checks=[
            {
                "expect_column_values_to_be_between": {
                    "column": "missing_share",
                    "min_value": 0,
                    "max_value": 1,
                }
            },
            {
                "expect_column_values_to_be_between": {
                    "column": "auc",
                    "max_value": 0.95,
                    "severity": "warn",
                }
            },
            {
                "unexpected_rows_expectation": {
                    "name": "kept_features_have_values",
                    "description": "What models see varies from customer to customer.",
                    "unexpected_rows_query": (
                        "select * from {batch} where dropped_because is null "
                        "and (n_distinct = 0 or most_frequent_share = 1)"
                    ),
                }
            },
        ],
    ),
    inputs=("customer_features", "feature_correlation"),
    compute=feature_profile,
    parameters=("questions",),
)

FEATURE_BINS = PythonModel(
    table=Table(
        name="feature_bins",
        layer="features",
        description=(
            "One row per question, kept feature and bin of its values, at the last cut-off with a "
            "label: how many customers are in it and how many of them answer yes."
        ),
        columns={
            "question": _QUESTION,
            "feature": _FEATURE,
            "bin": Column(type="bigint", description="Number of the bin, low values first."),
            "text": Column(
                type="varchar", description="The bin in words; missing: without a value."
            ),
            "low": Column(type="double", description="Smallest value in it; null for texts."),
            "high": Column(type="double", description="Largest value in it; null for texts."),
            "n_customers": Column(type="bigint", description="Customers in it."),
            "customer_share": Column(type="double", description="Their share of all customers."),
            "positive_share": Column(
                type="double", description="Share of them with a yes; null without a label."
            ),
        },
        key=["question", "feature", "bin"],
        checks=[
            {"expect_column_values_to_be_between": {"column": "n_customers", "min_value": 1}},
            {
                "unexpected_rows_expectation": {
                    "name": "shares_sum_to_one",
                    "description": "The bins of a feature hold every customer once.",
                    "unexpected_rows_query": (
                        "select question, feature, sum(customer_share) as total from {batch} "
                        "group by question, feature having abs(sum(customer_share) - 1) > 1e-9"
                    ),
                }
            },
        ],
    ),
    inputs=("customer_features", "feature_profile"),
    compute=feature_bins,
    parameters=("questions",),
)

_TYPES = {"varchar": pl.String, "bigint": pl.Int64, "double": pl.Float64}
_CORRELATION_SCHEMA, _PROFILE_SCHEMA, _BINS_SCHEMA = (
    {name: _TYPES[column.type] for name, column in model.table.columns.items()}
    for model in (FEATURE_CORRELATION, FEATURE_PROFILE, FEATURE_BINS)
)
