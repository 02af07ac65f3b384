import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from customer_assets.learning.gate import calibration
from customer_assets.learning.metrics import Predicted
from customer_assets.sources.questions import Question

INACTIVE = [215348, 215357, 215359]


@pytest.fixture(scope="module")
def folder(samples):
    return samples["one_click"]


@pytest.fixture(scope="module")
def market(folder):
    return pl.read_csv(folder / "market_file.csv")


@pytest.fixture(scope="module")
def revenue(folder):
    return pl.read_csv(folder / "market_money.csv").pivot("Период", index="id", values="Выручка")


@pytest.fixture(scope="module")
def minutes(folder):
    return pl.read_csv(folder / "market_time.csv").pivot("Период", index="id", values="минут")


def test_one_row_per_customer(market):
    assert market.shape == (1_300, 13)
    assert market["id"].to_list() == list(range(215_348, 216_648))


def test_sets_of_values(market):
    assert set(market["Покупательская активность"]) == {"Снизилась", "Прежний уровень"}
    assert set(market["Разрешить сообщать"]) == {"да", "нет"}
    assert market["Популярная_категория"].n_unique() == 6
    assert "Ошибка_сервиса " in market.columns


def test_share_that_declined(market):
    declined = (market["Покупательская активность"] == "Снизилась").mean()
    assert declined == pytest.approx(0.383, abs=0.001)


def test_standard_is_misspelt_ten_times(market):
    assert market.filter(pl.col("Тип сервиса") == "стандартт").height == 10


def test_months_of_the_long_tables(revenue, minutes):
    assert revenue.columns == ["id", "препредыдущий_месяц", "текущий_месяц", "предыдущий_месяц"]
    assert minutes.columns == ["id", "текущий_месяц", "предыдцщий_месяц"]
    assert revenue.height == minutes.height == 1_300
    assert revenue.null_count().sum_horizontal().item() == 0


def test_three_were_not_active_and_one_spent_far_too_much(revenue):
    none = revenue.filter(pl.col("препредыдущий_месяц") == 0, pl.col("предыдущий_месяц") == 0)
    assert none["id"].to_list() == INACTIVE
    largest = revenue.sort("текущий_месяц", descending=True).head(2)
    assert largest.row(0)[0::2] == (215380, 106862.2)
    assert largest["текущий_месяц"][1] <= 7799.4


def test_money_has_semicolons_decimal_commas_and_crlf(folder):
    header, *rows, end = (folder / "money.csv").read_bytes().decode().split("\r\n")
    assert (header, end, len(rows)) == ("id;Прибыль", "", 1_300)
    values = [row.split(";")[1] for row in rows]
    assert any("," in value for value in values)
    assert any(value.isdigit() for value in values)
    assert not any("." in value for value in values)


def test_line_ends_are_mixed_in_one_file(folder):
    raw = (folder / "market_time.csv").read_bytes()
    assert 0 < raw.count(b"\r\n") < raw.count(b"\n")
    assert b"\r" not in (folder / "market_file.csv").read_bytes()


def test_no_promotion_is_written_in_two_ways(folder):
    text = (folder / "market_file.csv").read_text()
    values = {line.split(",")[7] for line in text.splitlines()[1:]}
    assert {"0", "0.0"} <= values


def test_decline_can_be_learned_but_not_known(market, revenue, minutes, auc):
    table = market.join(revenue, on="id").join(minutes, on="id")
    features = table.select(pl.selectors.numeric()).drop("id").to_numpy()
    label = (table["Покупательская активность"] == "Снизилась").to_numpy()
    assert 0.6 < auc(features, label) < 0.95


def test_a_straight_line_of_log_odds_is_not_believed(market, revenue, minutes):
    """The best ranking has wrong probabilities: the gate has something to refuse."""
    table = market.join(revenue, on="id").join(minutes, on="id")
    features = table.select(pl.selectors.numeric()).drop("id").to_numpy()
    label = (table["Покупательская активность"] == "Снизилась").cast(pl.Int8).to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    said = cross_val_predict(model, features, label, method="predict_proba")[:324, 1]
    question = Question(title="?", label="label", models=["logistic_regression"])
    verdicts = calibration(question, Predicted(label[:324], said, said >= 0.5))
    assert not all(verdict.passed for verdict in verdicts)
