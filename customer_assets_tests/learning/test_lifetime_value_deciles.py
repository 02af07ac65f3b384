import polars as pl
import pytest

from customer_assets_tests.tables import computed


def customers(values: list[float | None]) -> pl.DataFrame:
    names = [f"{what}_{days}_days" for what in ("purchases", "value") for days in (30, 90, 365)]
    frame = pl.DataFrame({"customer_id": range(len(values)), "value_30_days": values})
    return frame.with_columns(pl.lit(None, pl.Float64).alias(n) for n in names if n not in frame)


def test_deciles_begin_with_those_who_are_expected_to_bring_most():
    rows = computed(
        "lifetime_value_deciles",
        {"customer_lifetime_value": customers([float(n) for n in range(20)])},
    )
    assert rows["decile"].to_list() == list(range(1, 11))
    assert rows.select("measure", "days_ahead", "n_customers").unique().rows() == [("value", 30, 2)]
    assert rows["mean"][0] == pytest.approx(18.5)
    assert rows["share"][0] == pytest.approx(37 / 190)
    assert rows["share"].sum() == pytest.approx(1)


def test_of_few_customers_some_deciles_are_empty_and_of_none_there_are_no_rows():
    few = {"customer_lifetime_value": customers([3.0, 1.0, None])}
    rows = computed("lifetime_value_deciles", few)
    assert rows.select("decile", "share").rows() == [(5, 0.75), (10, 0.25)]
    none = {"customer_lifetime_value": customers([None])}
    assert computed("lifetime_value_deciles", none).is_empty()
