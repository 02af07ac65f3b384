import numpy as np
import polars as pl
import pytest

FILES = ["user_info", "login_day", "visit_info", "result"]


@pytest.fixture(scope="module")
def tables(samples):
    return {
        name: pl.read_csv(samples["course_platform"] / f"{name}.csv", infer_schema_length=None)
        for name in FILES
    }


@pytest.fixture(scope="module")
def users(tables):
    """One row per user, label included."""
    buyers = tables["result"].select(
        pl.col("user_id ").cast(pl.String).str.strip_chars().cast(pl.Int64).alias("user_id"),
        pl.lit(1).alias("result"),
    )
    return (
        tables["user_info"]
        .join(tables["login_day"], on="user_id")
        .join(tables["visit_info"], on="user_id")
        .join(buyers.unique(), on="user_id", how="left")
        .with_columns(pl.col("result").fill_null(0))
    )


@pytest.mark.parametrize("name", FILES)
def test_byte_order_mark_and_crlf(samples, name):
    raw = (samples["course_platform"] / f"{name}.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfuser_id")
    assert raw.count(b"\n") == raw.count(b"\r\n")


def test_result_has_a_space_before_the_comma(samples):
    header, row, *_ = (samples["course_platform"] / "result.csv").read_text("utf-8-sig").split("\n")
    assert header == "user_id ,result"
    assert row.endswith(" ,1")


def test_columns_are_those_of_the_dictionary(tables):
    assert [table.width for table in tables.values()] == [8, 16, 26, 2]
    assert tables["user_info"].columns[1:4] == [
        "first_order_time",
        "first_order_price",
        "age_month",
    ]
    assert "mainPage" in tables["visit_info"].columns


def test_every_user_stands_in_each_table(users):
    assert users.height == 6_000
    assert users["user_id"].n_unique() == 6_000


def test_ids_have_sixteen_digits_and_floats_would_mix_them_up(users):
    ids = users["user_id"]
    assert ids.cast(pl.String).str.len_chars().unique().to_list() == [16]
    assert ids.cast(pl.Float64).n_unique() < ids.n_unique()


def test_only_buyers_have_a_result_some_of_them_twice(tables, users):
    assert users["result"].sum() == 206
    assert tables["result"].height == 209
    assert tables["result"]["result"].unique().to_list() == [1]


@pytest.mark.parametrize(
    "quirk",
    [
        pl.col("city_num") == "error",
        pl.col("city_num").is_null(),
        pl.col("age_month") < 5,
        pl.col("age_month") > 120,
        pl.col("login_day") == -1,
        pl.col("camp_num") < 0,
        pl.col("finish_num") > pl.col("learn_num"),
        (pl.col("coupon") > 0) & (pl.col("coupon_visit") == 0),
        (pl.col("login_time") == 0) & (pl.col("login_day") != -1),
        pl.col("click_buy") > 0,
    ],
    ids=str,
)
def test_quirk_is_there_but_not_the_rule(users, quirk):
    assert 2 <= users.filter(quirk).height < 1_500


def test_two_odd_platforms_and_provinces(users):
    assert sorted(users["platform_num"].unique()) == [9.2969, 13.557]
    assert {"GD", "ZJ", "HuB", "HNa", "SXb"} <= set(users["city_num"])


def test_buyers_can_be_learned_but_not_known(users, auc):
    names = ["finish_num", "login_day", "coupon", "course_order_num", "distance_day", "add_friend"]
    features = np.log1p(users.select(names).to_numpy().clip(0))
    assert 0.6 < auc(features, users["result"].to_numpy()) < 0.95
