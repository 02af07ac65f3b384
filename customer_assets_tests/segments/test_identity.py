"""Segments keep their names from one refresh to the next, and no customer is lost on the way."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets.segments.identity import members_at
from customer_assets_tests.segments.people import SEGMENTS, rfm
from customer_assets_tests.tables import computed, python_models

TOLD = {"segments": SEGMENTS}
TYPES = {
    "bigint": pl.Int64, "timestamp": pl.Datetime("us"), "varchar": pl.String, "source": pl.Int64,
    "decimal(18,4)": pl.Decimal(18, 4),
}  # fmt: skip


class History:
    """Both ledgers over refreshes of the same source."""

    def __init__(self):
        self.members, self.moves = map(nothing, ("segment_members", "segment_moves"))

    def refresh(
        self, customers: pl.DataFrame, segments: pl.DataFrame | None = None, told: dict = TOLD
    ):
        frames = {"rfm": customers}
        frames["customer_segments"] = (
            computed("customer_segments", frames, told) if segments is None else segments
        )
        added = computed("segment_members", frames | {"segment_members": self.members}, told)
        self.members = pl.concat([self.members, added], how="vertical")
        ledgers = {"segment_members": self.members, "segment_moves": self.moves}
        moved = computed("segment_moves", frames | ledgers, told)
        if not moved.is_empty():
            self.moves = pl.concat([self.moves, moved], how="vertical")
        return moved


def test_the_first_refresh_moves_nobody_and_the_same_again_adds_nothing():
    history = History()
    assert history.refresh(rfm()).is_empty()
    assert history.members.height == 90
    assert history.refresh(rfm()).is_empty()
    assert history.members.height == 90


def test_who_spends_more_moves_up():
    history = History()
    history.refresh(rfm())
    richer = rfm().with_columns(
        pl.when(customer_id=60).then(pl.lit(rfm()[name][0])).otherwise(pl.col(name)).alias(name)
        for name in ("recency_days", "n_orders", "monetary")
    )
    moved = history.refresh(richer).filter(pl.col("from_segment") != pl.col("to_segment"))
    row = moved.row(0, named=True)
    assert (row["from_segment"], row["to_segment"], row["n_customers"]) == ("middle", "best", 1)
    assert row["value"] == richer["monetary"][0]


def test_a_change_of_names_moves_nobody():
    """The means crossed, so the ranks changed their names: the groups are the same ones."""
    history = History()
    history.refresh(rfm())
    swapped = computed("customer_segments", {"rfm": rfm()}, TOLD).with_columns(
        pl.col("segment").replace({"best": "middle", "middle": "best"})
    )
    assert history.refresh(rfm(), swapped).is_empty()


def test_a_new_definition_starts_with_its_own_names():
    """The same groups under other names: that is a change, and is written down as one."""
    history = History()
    history.refresh(rfm())
    vip = SEGMENTS.model_copy(update={"names": ["vip", "middle", "rest"]})
    moved = history.refresh(rfm(), told={"segments": vip})
    assert moved.filter(from_segment="best", to_segment="vip")["n_customers"].to_list() == [30]
    assert moved["n_customers"].sum() == 90


@given(
    seeds=st.lists(st.integers(0, 50), min_size=2, max_size=4),
    gone=st.lists(st.integers(1, 90), max_size=20),
)
@settings(max_examples=25)
def test_customers_are_conserved(seeds, gone):
    history = History()
    before = None
    for at, seed in enumerate(seeds):
        # The spread makes some change group; some leave, some come back.
        customers = rfm(seed=seed).with_columns(
            pl.col("recency_days") + (pl.col("customer_id") * (seed % 7)) % 40
        )
        if at % 2:
            customers = customers.filter(~pl.col("customer_id").is_in(gone))
        moved = history.refresh(customers)
        after = members_at(history.members)
        assert set(after["customer_id"]) == set(customers["customer_id"])
        if before is not None and moved.height:
            assert sums(moved, "from_segment") == sizes(before)
            assert sums(moved, "to_segment") == sizes(after)
        before = after


def nothing(table: str) -> pl.DataFrame:
    columns = python_models()[table].table.columns
    return pl.DataFrame(schema={name: TYPES[column.type] for name, column in columns.items()})


def sums(moved: pl.DataFrame, side: str) -> dict[str, int]:
    known = moved.drop_nulls(side)
    return dict(known.group_by(side).agg(pl.sum("n_customers")).iter_rows())


def sizes(members: pl.DataFrame) -> dict[str, int]:
    return dict(members.group_by("segment").len().iter_rows())
