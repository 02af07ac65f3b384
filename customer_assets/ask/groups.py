"""Groups of customers by a rule: what sets them apart, and the customers themselves.

The rule, the measures and their intervals are those of the tables `rule_segments` and
`segment_measures`.
"""

from collections.abc import Mapping

import polars as pl

from customer_assets.ask.answering import AskError, Question
from customer_assets.ingest import RuleError
from customer_assets.intervals import wilson
from customer_assets.segments.known_customers import BASE_TABLES, known_customers
from customer_assets.segments.rules import rule_members
from customer_assets.sources import SegmentRule
from customer_assets.suggestions import alternatives
from customer_assets.tables.segments import segment_measures

_ID = "customer_id"
_TABLES = (*BASE_TABLES, "customer_features", "model_scores")


def known_tables(question: Question) -> Mapping[str, pl.LazyFrame]:
    """Return the published tables that say what is known of each customer."""
    there = [name for name in _TABLES if name in question.snapshot.tables]
    if not set(there) & set(BASE_TABLES):
        raise AskError(f"{question.snapshot.name} has no table of what is known of its customers")
    return {name: question.warehouse.frame(name).lazy() for name in there}


def members(question: Question, group: str) -> pl.DataFrame:
    """Return the ids of a group: a segment or rule of the source by its name, else a condition.

    Raises AskError where it is neither.
    """
    named: list[str] = []
    for table, column in (("customer_segments", "segment"), ("rule_segments", "rule")):
        if table in question.snapshot.tables:
            groups = question.warehouse.frame(table)
            rows = groups.filter(pl.col(column) == group)
            if not rows.is_empty():
                return rows.select(_ID).sort(_ID)
            named += groups[column].unique().sort().to_list()
    known = known_customers(**known_tables(question)).collect()
    try:
        return rule_members(SegmentRule(name="asked", condition=group), known)
    except RuleError as error:
        if group.isidentifier() and group not in known.columns:
            more = alternatives(group, named)
            raise AskError(f"no segment or rule is named {group!r}{more}") from None
        raise AskError(f"{group!r}: {error.why}") from None


def segment(question: Question, group: str) -> pl.DataFrame:
    """Return rows as of `segment_measures`: the mean of each measure beside that of the others."""
    found = members(question, group)
    known = known_tables(question)
    n_all = known_customers(**known).select(pl.len()).collect().item()
    if found.is_empty():
        raise AskError(f"for none of {n_all:,} customers {group!r} holds")
    low, high = wilson(float(found.height), float(n_all))
    rows = _measured(question, {"asked": found}, known).drop("kind", "segment", "segment_rank")
    return rows.select(
        pl.lit(found.height).alias("n_customers"),
        pl.lit(found.height / n_all).alias("customer_share"),
        pl.lit(low).alias("customer_share_low"),
        pl.lit(high).alias("customer_share_high"),
        pl.all(),
    )


def people(question: Question, group: str) -> pl.DataFrame:
    """Return the customers of a group with all that is known of them, by id."""
    found = members(question, group)
    known = known_customers(**known_tables(question)).collect()
    return known.join(found, on=_ID, how="semi", maintain_order="left")


def compared(question: Question, a: str, b: str) -> pl.DataFrame:
    """Return a row per measure: the means of two groups of different customers, and the difference.

    Raises AskError where somebody is in both: then the two are not independent.
    """
    ours, theirs = members(question, a), members(question, b)
    for group, found in ((a, ours), (b, theirs)):
        if found.is_empty():
            raise AskError(f"{group!r} holds for no customer")
    both = ours.join(theirs, on=_ID, how="semi").height
    if both:
        raise AskError(f"{both:,} customers are in both groups: compare groups that share nobody")
    known = {
        name: table.join(pl.concat([ours, theirs]).lazy(), on=_ID, how="semi")
        for name, table in known_tables(question).items()
    }
    # Of these customers alone, the others of a group are the other group.
    rows = _measured(question, {"a": ours, "b": theirs}, known)
    ends = ["n_known", "mean", "mean_low", "mean_high"]
    of_a = rows.filter(pl.col("segment") == "a").select(
        "measure",
        pl.col(ends).name.prefix("a_"),
        "difference",
        "difference_low",
        "difference_high",
    )
    of_b = rows.filter(pl.col("segment") == "b").select("measure", pl.col(ends).name.prefix("b_"))
    joined = of_a.join(of_b, on="measure", how="full", coalesce=True).sort("measure")
    order = ["measure", *(f"{g}_{end}" for g in "ab" for end in ends)]
    return joined.select(*order, "difference", "difference_low", "difference_high")


def _measured(
    question: Question, groups: Mapping[str, pl.DataFrame], known: Mapping[str, pl.LazyFrame]
) -> pl.DataFrame:
    id_type = next(iter(groups.values())).schema[_ID]
    nobody = pl.DataFrame(
        schema={_ID: id_type, "segment": pl.String, "segment_rank": pl.Int64}
    ).lazy()
    named = [found.select(pl.lit(name).alias("rule"), _ID) for name, found in groups.items()]
    rows = segment_measures.compute(nobody, **known, rule_segments=pl.concat(named).lazy())
    if not isinstance(rows, pl.DataFrame):
        raise AskError("no measure of these customers is a number")
    return rows
