"""The shipped customer table sources over their samples, and over the copies that circulate."""

from pathlib import Path
from typing import Any

import pytest
from customer_table_run import LANDED, CustomerRun, shipped_source

from customer_assets import customer_tables, settings
from customer_assets.quality import checks_of
from customer_assets.sample import write_sample
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.places import read_models
from customer_assets.warehouse.source_warehouse import SourceWarehouse

ROWS = {"one_click": 200, "course_platform": 500}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("samples")
    for name, rows in ROWS.items():
        write_sample(name, folder / name, rows=rows, tell=lambda text: None)
    return {
        name: {path.name: path.read_bytes() for path in sorted((folder / name).glob("*.csv"))}
        for name in ROWS
    }


@pytest.fixture
def landed(tmp_path: Path, samples: dict[str, dict[str, bytes]]):
    def land(name: str, **changed: bytes) -> CustomerRun:
        run = CustomerRun(tmp_path / f"{name}{len(list(tmp_path.iterdir()))}", name)
        run.source = shipped_source(name)
        for file, content in samples[name].items():
            run.land(file, changed.get(file.removesuffix(".csv"), content), LANDED)
        return run

    return land


def all_rows(run: CustomerRun, table: str = "customers") -> list[tuple[Any, ...]]:
    return run.build().rows(table)


@pytest.mark.parametrize("name", ROWS)
def test_a_sample_passes_all_checks_of_all_tables(landed, name: str):
    run = landed(name)
    raw, models = customer_tables.tables(run.source), run.models()
    tables = raw | {n: model.table for n, model in models.items()}
    warehouse = SourceWarehouse(run.folder / "warehouse", DuckDBEngine(run.connection), tables)
    prepared = run.prepare()
    failed = []
    for table in raw:
        failed += warehouse.publish(table, prepared.staged.get(table, {})).checks
    waiting = dict(models)
    while waiting:
        ready = next(n for n, m in waiting.items() if not set(m.inputs) & waiting.keys())
        for published in warehouse.materialize(waiting.pop(ready), {}):
            failed += published.checks
    assert [result for result in failed if not result.passed] == []
    assert len(failed) == sum(len(checks_of(table)) for table in tables.values())
    assert (
        warehouse.frame("customers").height
        == warehouse.frame("customer_accounting").filter(table_name="customers")["n_kept"].item()
    )


def test_one_click_rules_touch_the_inactive_and_the_outlier(landed):
    run = landed("one_click").build()
    assert run.rows("rejected_customers", "rule", "customer_id") == [
        ("inactive", 215348),
        ("inactive", 215357),
        ("inactive", 215359),
        ("revenue_outlier", 215380),
    ]
    assert run.rows("customers", "count(*)", "count(label)", "count(allows_messages)") == [
        (196, 196, 196)
    ]


@pytest.mark.parametrize(("rule", "more"), [("inactive", 3), ("revenue_outlier", 1)])
def test_one_click_rules_can_be_switched_off(landed, rule: str, more: int):
    run = landed("one_click")
    next(each for each in run.source.rules if each.name == rule).enabled = False
    assert len(all_rows(run)) == 196 + more


def test_one_click_reads_every_landed_value(landed):
    run = landed("one_click").build()
    assert run.rows("unexpected_values", "column_name", "value", "outcome") == [
        ("period", "предыдцщий_месяц", "repaired"),
        ("service_type", "стандартт", "repaired"),
    ]
    attributes = run.source.attributes
    nulls = run.rows("customers", *(f"count(*) - count({name})" for name in attributes))
    assert nulls == [(0,) * len(attributes)]


def variant(content: bytes, *changes: tuple[str, str]) -> bytes:
    text = content.decode()
    for old, new in changes:
        text = text.replace(old, new)
    return text.encode()


def test_one_click_money_may_have_commas_and_points(landed, samples):
    semicolons = samples["one_click"]["money.csv"]
    commas = variant(semicolons, (",", "."), (";", ","), ("\r\n", "\n"))
    assert all_rows(landed("one_click")) == all_rows(landed("one_click", money=commas))


@pytest.mark.parametrize(
    "changes",
    [
        [("\n", "\r\n")],
        [("id,", "\ufeffID,")],
        [("_", " ")],
        [("Покупательская ", "Покупательская_"), ("Тип сервиса", " тип сервиса ")],
        [(",", ";")],
        [(",0.0,", ",0,")],
        [("стандартт", "стандарт")],
    ],
    ids=["crlf", "bom", "spaces", "underscores", "semicolons", "zero", "no_typo"],
)  # fmt: skip
def test_one_click_copies_of_market_file_give_the_same_customers(landed, samples, changes):
    market_file = variant(samples["one_click"]["market_file.csv"], *changes)
    assert all_rows(landed("one_click", market_file=market_file)) == all_rows(landed("one_click"))


def test_one_click_reports_a_label_and_a_month_that_it_does_not_know(landed, samples):
    files = samples["one_click"]
    run = landed(
        "one_click",
        market_file=variant(files["market_file.csv"], ("215350,Снизилась", "215350,Выросла"),
                            ("215350,Прежний уровень", "215350,Выросла")),
        market_time=variant(files["market_time.csv"], ("215351,текущий_месяц", "215351,май")),
    ).build()  # fmt: skip
    kept = run.rows("unexpected_values where outcome = 'kept'", "column_name", "value", "n_rows")
    assert kept == [("activity", "Выросла", 1), ("period", "май", 1)]
    assert ("no_activity_label", 215350) in run.rows("rejected_customers", "rule", "customer_id")
    assert run.rows("customers where minutes_current_month is null", "customer_id") == [(215351,)]


def test_course_platform_ids_are_exact_and_buyers_counted_once(landed, samples):
    run = landed("course_platform").build()
    lines = samples["course_platform"]["user_info.csv"].decode("utf-8-sig").splitlines()[1:]
    assert {row[0] for row in run.rows("customers", "customer_id")} == {
        int(line.split(",")[0]) for line in lines
    }
    results = samples["course_platform"]["result.csv"].decode("utf-8-sig").splitlines()[1:]
    buyers = {int(line.split(",")[0]) for line in results}
    labelled = {row[0] for row in run.rows("customers where label", "customer_id")}
    assert labelled == buyers
    assert run.rows("customer_accounting where table_name = 'result'", "n_duplicates") == [(3,)]


def test_course_platform_rules_are_counted_and_clear_what_is_wrong(landed):
    run = landed("course_platform").build()
    touched = dict(run.rows("cleaning", "rule", "n_customers"))
    assert {rule for rule, n in touched.items() if n == 0} <= {"bad_login_day"}
    assert run.rows("customers", "count(*) filter (login_day is null and is_never_logged_in)",
                    "min(login_day)") == [(touched["never_logged_in"], 1)]  # fmt: skip
    assert run.rows("customers", "min(age_month) >= 5", "max(age_month) <= 120",
                    "count(*) filter (city_num = 'error')") == [(True, True, 0)]  # fmt: skip


@pytest.mark.parametrize("rule", ["never_logged_in", "bad_age", "unknown_city", "negative_count"])
def test_course_platform_rules_can_be_switched_off(landed, rule: str):
    run = landed("course_platform")
    switched = next(each for each in run.source.rules if each.name == rule)
    switched.enabled = False
    run.build()
    landed_values = run.rows("customers_joined", "customer_id", *switched.columns)
    assert run.rows("customers", "customer_id", *switched.columns) == landed_values


@pytest.mark.parametrize(
    "changes",
    [
        [("\ufeff", ""), ("\r\n", "\n")],
        [("mainPage", "mainpage"), ("main_home2", " Main_Home2")],
        [(",", "\t")],
        [("user_id", "userid")],
    ],
    ids=["plain", "header", "tabs", "spelling"],
)
def test_course_platform_copies_give_the_same_customers(landed, samples, changes):
    visits = variant(samples["course_platform"]["visit_info.csv"], *changes)
    changed = landed("course_platform", visit_info=visits)
    assert all_rows(changed) == all_rows(landed("course_platform"))


@pytest.mark.parametrize(
    ("name", "table"), [("course_platform", "reproduction"), ("one_click", "real_file_figures")]
)
def test_every_figure_is_computed(landed, name: str, table: str):
    run = landed(name).build()
    assert run.rows(f"{table} where ours is null or agrees is null") == []


def test_what_the_one_click_studies_print_is_compared_and_nothing_else(connection):
    models = read_models(settings.table_roots(), "one_click", "customer_table")
    connection.execute(
        "create table model_metrics as from (values "
        "('logistic_regression', 'roc_auc', 'cross_validation', .886), "
        "('support_vectors', 'f1', 'cross_validation', .79), "
        "('support_vectors', 'roc_auc', 'cross_validation', .95), "
        "('logistic_regression', 'roc_auc', 'backtest', .5)) m (model, metric, split, value) "
        "cross join (select 'activity_declines' as question)"
    )
    sql = models["reproduction"].sql
    rows = connection.sql(f"select figure, published, ours, agrees from ({sql}) order by figure")
    assert [(figure, float(a), float(b), same) for figure, a, b, same in rows.fetchall()] == [
        ("auc_logistic_regression", 0.89, 0.886, True),
        ("f1_support_vectors", 0.8, 0.79, False),
    ]


def test_the_buyers_alone_are_no_landing(landed):
    run = landed("course_platform")
    (run.landing / "user_info.csv").unlink()
    with pytest.raises(customer_tables.LandingError, match="the input user_info is missing"):
        run.read()


@pytest.mark.parametrize(
    ("name", "encoding"), [("one_click", "cp1251"), ("course_platform", "gb18030")]
)
def test_a_copy_in_the_national_encoding_gives_the_same_customers(
    landed, samples, name: str, encoding: str
):
    recoded = {
        file.removesuffix(".csv"): content.decode("utf-8-sig").encode(encoding)
        for file, content in samples[name].items()
    }
    assert all_rows(landed(name, **recoded)) == all_rows(landed(name))
