"""Questions on the spot give the figures of the tables, and reach nothing else."""

import ast
import datetime as dt
import json
import re
import runpy
import shlex

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from customer_assets import settings
from customer_assets.ask import AskError
from customer_assets.ask.period import Period, duration, stretch
from customer_assets.cli import main
from customer_assets.intervals import difference, wilson
from customer_assets.sources import Funnel

PAGE = (settings.PROJECT_ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
STEPS = ["view", "add_to_cart", "checkout", "purchase"]


def test_a_funnel_is_the_table_of_the_same_funnel(shop, published):
    asked = shop.funnel(STEPS, window="1d", by="device")
    table = published.frame("funnel_people").drop("funnel")
    key = ["is_all", "breakdown", "step"]
    assert_frame_equal(asked.select(table.columns).sort(key), table.sort(key))
    assert asked["step_name"].to_list()[:4] == STEPS


def test_a_funnel_by_day_is_the_table_and_says_what_is_not_over(shop, published):
    asked = shop.funnel(STEPS, "1 day", by="device", daily=True, since="10 days")
    table = published.frame("funnel").drop("funnel")
    key = ["entry_date", "breakdown", "step"]
    last_days = table.filter(pl.col("entry_date") > table["entry_date"].max() - dt.timedelta(10))
    assert_frame_equal(asked.drop("step_name").sort(key), last_days.sort(key))
    n_open = shop.funnel(STEPS, "1 day", since="10 days")["n_open_entries"][0]
    first = last_days.filter((pl.col("step") == 1) & ~pl.col("is_mature"))
    assert n_open == first["n_entered"].sum() > 0


def test_a_funnel_may_hold_an_item(shop, capsys):
    steps = ["view", "add_to_cart"]
    free, held = (shop.funnel(steps, "1d", hold=hold) for hold in (None, "item_id"))
    # The same day and customer, counted by hand: views of an item followed by its own addition.
    counted = shop.sql(
        """
        select count(distinct views.customer_id) as n
        from events as views join events as added using (customer_id, item_id)
        where views.event_type = 'view' and added.event_type = 'add_to_cart'
            and added.event_ts > views.event_ts
            and added.event_ts - views.event_ts <= 86400000000
            and views.event_date <= (select max(event_date) from events) - 1
        """
    )["n"][0]
    reached = [rows.filter(step=2, is_all=True)["n_reached_customers"][0] for rows in (free, held)]
    assert reached[0] >= reached[1] == counted > 0
    of = {"steps": steps, "window": "1d", "hold": "item_id"}
    lost, added = shop.people(**of, lost=True), shop.people(**of, reached=2)
    assert lost.height + added.height == shop.people(**of).height
    assert added.height >= counted
    assert main(["funnel", "web_shop", *steps, "--window", "1d", "--hold", "item_id"]) == 0
    assert "hold: item_id" in capsys.readouterr().out
    with pytest.raises(AskError, match="no column 'itemid'"):
        shop.funnel(steps, hold="itemid")


def test_a_period_is_compared_with_the_one_before(shop):
    both = shop.funnel(["view", "purchase"], "1d", since="9d", compare="previous")
    end = shop.funnel(["view"], daily=True)["entry_date"].max() - dt.timedelta(9)
    alone = shop.funnel(["view", "purchase"], "1d", since="9d", until=end)
    assert both["previous_customer_conversion"].equals(
        alone["customer_conversion"].rename("previous_customer_conversion")
    )
    gap = both["customer_conversion"] - both["previous_customer_conversion"]
    assert (both["difference"] - gap).abs().max() < 1e-12
    assert both["difference_low"][1] < gap[1] < both["difference_high"][1]


def test_the_difference_is_that_of_newcombe():
    # Newcombe 1998, table II, 56/70 - 48/80 by method 10: 0.0524 to 0.3339.
    a, b = wilson(56.0, 70.0), wilson(48.0, 80.0)
    gap, low, high = difference(56 / 70, *a, 48 / 80, *b)
    assert (round(gap, 4), round(low, 4), round(high, 4)) == (0.2, 0.0524, 0.3339)


@pytest.mark.parametrize("cohort", ["first_ever", "recurring"])
def test_retention_of_any_event_is_the_table(shop, published, cohort):
    every_kind = shop.sql("select distinct event_type from events")["event_type"].to_list()
    asked = shop.retention(every_kind, cohort=cohort, period="day")
    table = published.frame("retention").filter(
        activity="event", period="day", cohort_mode=cohort, measure="n_day"
    )
    key = ["cohort_start", "from_interval"]
    assert_frame_equal(asked, table.sort(key).select(asked.columns))
    assert_frame_equal(shop.retention(cohort=cohort, period="day"), asked)


def test_retention_by_a_column_parts_the_customers(shop):
    parts = shop.retention(by="channel", period="week").filter(from_interval=0)
    whole = shop.retention(period="week").filter(from_interval=0)
    sizes = parts.group_by("cohort_start").agg(pl.sum("n_cohort_customers")).sort("cohort_start")
    assert sizes["n_cohort_customers"].to_list() == whole["n_cohort_customers"].to_list()


def test_paths_are_the_table(shop, published):
    assert_frame_equal(shop.paths(), published.frame("paths").sort("rank"))


def test_journeys_end_at_the_moment(shop, published):
    found = shop.journeys("purchase", nth=2, of="event_type", steps=2)
    days = shop.sql(
        "select customer_id, count(distinct event_date) as n from events "
        "where event_type = 'purchase' and customer_id is not null group by customer_id"
    )
    assert found["n_customers"].sum() == days.filter(pl.col("n") >= 2).height
    assert found["customer_share"].sum() == pytest.approx(1)
    last = {path.split(" > ")[-1] for path in found["path"].drop_nulls()}
    assert "checkout" in last
    assert max(found["n_steps"]) == 2
    some = shop.journeys(among="n_orders = 1")["n_customers"].sum()
    assert some == shop.people("n_orders = 1").height


def test_a_segment_is_the_table_of_its_measures(shop, published):
    table = published.frame("segment_measures").filter(kind="segment")
    name = table["segment"][0]
    asked = shop.segment(name)
    of_segment = table.filter(segment=name).sort("measure")
    columns = of_segment.columns[3:]
    assert_frame_equal(asked.sort("measure").select(columns), of_segment.select(columns))


def test_a_condition_chooses_people_and_groups_are_compared(shop):
    few, many = shop.people("n_orders = 1"), shop.people("n_orders > 1")
    assert set(few["n_orders"]) == {1}
    rows = {row["measure"]: row for row in shop.compare("n_orders = 1", "n_orders > 1").to_dicts()}
    orders = rows["n_orders"]
    assert (orders["a_n_known"], orders["b_n_known"]) == (few.height, many.height)
    assert orders["difference"] == pytest.approx(1 - many["n_orders"].mean())
    assert orders["difference_high"] < 0
    with pytest.raises(AskError, match="are in both groups"):
        shop.compare("n_orders = 1", "n_orders >= 1")


def test_two_periods_are_compared_by_customer(shop):
    last = shop.funnel(["view"], daily=True)["entry_date"].max()
    a = Period(last - dt.timedelta(19), last - dt.timedelta(10))
    b = Period(last - dt.timedelta(9), last)
    rows = {row["measure"]: row for row in shop.compare(str(a), str(b)).to_dicts()}
    counted = shop.sql(
        f"select count(*) n, count(distinct customer_id) c, sum(net_value)::double v from orders "
        f"where customer_id is not null and order_date between '{a.first}' and '{a.last}'"
    ).row(0)
    assert (rows["n_orders"]["a_total"], rows["is_buyer"]["a_total"]) == counted[:2]
    assert rows["net_value"]["a_total"] == pytest.approx(counted[2])


def test_the_people_behind_a_step_are_those_that_are_counted(shop):
    counted = shop.funnel(["view", "purchase"], "1d", until="2100-01-01")
    reached = shop.people(steps=["view", "purchase"], window="1d", reached=2)
    lost = shop.people(steps=["view", "purchase"], window="1d", reached=1, lost=True)
    daily = shop.funnel(["view", "purchase"], "1d", daily=True).filter(step=2)
    assert reached["n_entries"].sum() >= daily["n_reached"].sum() >= counted["n_reached"][1]
    assert not set(reached["customer_id"]) & set(lost["customer_id"])


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("copy (select 1) to '{home}/warehouse/web_shop/x.csv'", "one SELECT is wanted"),
        ("select 1; select 2", "one SELECT is wanted"),
        ("attach '{home}/x.duckdb' as x", "one SELECT is wanted"),
        ("set threads = 1", "one SELECT is wanted"),
        ("install httpfs", "one SELECT is wanted"),
        ("select * from read_text('/etc/hostname')", "Permission Error"),
        ("select * from read_text('{home}/../landing/web_shop/*')", "Permission Error"),
        ("select * from 'https://example.org/x.csv'", "Error"),
        ("select nothing from orders", "not found in FROM"),
        ("select from", "Parser Error"),
    ],
)
def test_sql_reads_the_tables_and_nothing_else(shop, published, statement, why):
    home = published.warehouse.folder.parent.parent
    with pytest.raises(AskError, match=why):
        shop.sql(statement.format(home=home))
    assert not (home / "warehouse" / "web_shop" / "x.csv").exists()


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda s: s.funnel(["view", "purchas"]), "did you mean purchase"),
        (lambda s: s.funnel(["view"], by="chanel"), "did you mean channel"),
        (lambda s: s.funnel(["view"], by='x"; drop table events; --'), "have no column"),
        (lambda s: s.funnel([]), "at least 1"),
        (lambda s: s.funnel(["view"], window="soon"), "no duration"),
        (lambda s: s.funnel([{"event": "view", "pth": "/"}]), "no column 'pth'"),
        (lambda s: s.funnel(["view"], since="36h"), "whole days"),
        (lambda s: s.funnel(["view"], until="2001-01-01"), "no day is asked for"),
        (lambda s: s.funnel(["view"], since="2026-13-01"), "is no day"),
        (lambda s: s.funnel(["view"], compare="next"), "'previous'"),
        (lambda s: s.retention(period="year"), "none of day, week, month"),
        (lambda s: s.people(), "give a group"),
        (lambda s: s.segment("n_ordrs = 1"), "did you mean n_orders"),
        (lambda s: s.segment("n_orders = (select 1)"), "subquery"),
        (lambda s: s.segment("n_orders < 0"), "for none of"),
        (lambda s: s.compare("2026-11-01", "n_orders = 1"), "not one of each"),
        (lambda s: s.sql("select * from ordrs"), "no table 'ordrs'.*did you mean orders"),
    ],
)
def test_what_cannot_be_asked_says_why(shop, ask, why):
    with pytest.raises(ValueError, match=why):
        ask(shop)


def test_days_as_people_say_them():
    first, last = dt.date(2026, 9, 1), dt.date(2026, 9, 30)
    assert str(stretch("7d", None, first, last)) == "2026-09-24...2026-09-30"
    assert str(stretch("2 weeks", "2026-09-20", first, last)) == "2026-09-07...2026-09-20"
    assert str(stretch(None, "2027-01-01", first, last)) == "2026-09-01...2026-09-30"
    assert str(Period(last, last).before) == "2026-09-29...2026-09-29"
    assert (duration("1h"), duration("30m"), duration("2 days")) == (
        "1 hour",
        "30 minutes",
        "2 days",
    )


def test_twelve_questions_take_a_line_each_in_a_notebook_too(shop):
    lines = re.findall(r"^# (.+)\n(shop\..+)$", PAGE, re.MULTILINE)
    assert len(lines) == 12
    file = settings.PROJECT_ROOT / "docs" / "questions_notebook.py"
    body = ast.parse(file.read_text()).body
    cells = [node for node in body if isinstance(node, ast.FunctionDef)]
    asked = [ast.unparse(cell.body[0]) for cell in cells[1:]]
    assert asked == [ast.unparse(ast.parse(line)) for _, line in lines]
    # The cells are the page's lines, and the shop that they open is the fixture's.
    answers, _ = runpy.run_path(str(file))["app"].run()
    for (question, _), answer in zip(lines, answers[1:], strict=True):
        assert isinstance(answer, pl.DataFrame), question
        assert answer.height, question


@pytest.mark.parametrize("line", re.findall(r"^customer-assets (.+)$", PAGE, re.MULTILINE))
def test_the_same_questions_are_commands(shop, line, capfdbinary):
    assert main(shlex.split(line)) == 0
    assert len(capfdbinary.readouterr().out.splitlines()) > 3


def test_an_answer_is_a_table_with_the_yaml_that_keeps_it_or_data(shop, capfd, tmp_path):
    asked = ["funnel", "web_shop", "view", "add_to_cart,checkout", "purchase", "--by", "channel"]
    assert main([*asked, "--window", "2d"]) == 0
    shown = capfd.readouterr().out
    kept = yaml.safe_load(shown[shown.index("attributes:") :])["attributes"]["funnels"]["asked"]
    stated = Funnel.model_validate(kept)
    rows = shop.funnel(stated.steps, stated.window, by=stated.breakdown)
    counts = rows.select("n_entries", "n_entered_customers", "n_reached_customers").row(2)
    # A step's name may be folded on a narrow screen; the figures stand in its first line.
    assert re.search(r"\s+".join(f"{count:,}" for count in counts), shown)
    assert main([*asked, "--window", "2d", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == rows.to_dicts()
    assert main([*asked, "--window", "2d", "--html", str(tmp_path / "page.html")]) == 0
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert main(["retention", "web_shop", "--html", str(tmp_path / "r.html")]) == 0
    assert "Triangle of cohorts" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "status", "why"),
    [
        ("funnel web_shop view purchas", 1, "did you mean purchase"),
        ("funnel webshop view purchase", 1, "did you mean web_shop"),
        ("funnel one_click view purchase", 1, "nothing of one_click is published"),
        ("funnel web_shop view --since 2026-09-01 --last 3d", 1, "one of --since and --last"),
        ("funnel web_shop '{event: [}'", 2, "cannot be read"),
        ("funnel web_shop '{event: {a: 1}}'", 1, "."),
        ("funnel web_shop view --html /no/such/folder/page.html", 1, "page.html: No such file"),
        ("funel web_shop view", 2, "Did you mean 'funnel'"),
        ("funnel web_shop view --windw 3d", 2, "--window"),
        ("sql web_shop 'drop table orders'", 1, "one SELECT is wanted"),
        ("sql web_shop 'select 1' --csv --json", 1, "one of --csv and --json"),
        ("segment web_shop 'n_ordrs = 1'", 1, "'n_ordrs = 1': there is no column 'n_ordrs'; did"),
        ("segment web_shop 'n_orders >'", 1, "'n_orders >': it is no SQL expression"),
        ("segment web_shop champion", 1, "no segment or rule is named 'champion'"),
        ("explain web_shop --table ordrs --column value", 1, "did you mean orders"),
        ("explain web_shop --table orders --column valu", 1, "did you mean value"),
        ("export /no/such/folder/x.duckdb", 1, "/no/such/folder is no folder"),
        ("inspect /no/such/log.csv", 2, "file '/no/such/log.csv' does not exist"),
        ("dev --port 70000", 2, "'--port'"),
        ("demo --sources webshop", 1, "did you mean web_shop"),
        ("plan web_shop --days 2020-01-01", 1, "the days of the log that are over"),
        ("plan one_click --days 2020-01-01", 1, "has no days"),
        ("refresh one_click", 1, "landing folder .* does not exist"),
        ("train one_click", 1, "nothing of one_click is published: customer-assets refresh"),
        ("report one_click", 1, "nothing of one_click is published: customer-assets refresh"),
        ("refresh web_shop --days 2026-13-01", 2, "--days': '2026-13-01' is no day"),
        ("refresh web_shop --days 2020-01-01", 1, "the days of the log that are over"),
        ("train webshop", 1, "did you mean web_shop"),
    ],
)
def test_what_a_user_can_cause_is_a_line_and_no_traceback(shop, line, status, why, capfd):
    assert main(shlex.split(line)) == status
    said = capfd.readouterr()
    assert re.search(why, " ".join(said.err.replace("│", " ").split()))
    assert "Traceback" not in said.err + said.out


def test_each_command_has_a_sentence_and_an_example(capfd):
    assert main(["--version"]) == 0
    assert re.match(r"customer_assets \d", capfd.readouterr().out)
    assert main(["--help"]) == 0
    names = re.findall(r"^│ ([a-z][a-z-]+) ", capfd.readouterr().out, re.MULTILINE)
    assert len(names) > 20
    for name in names:
        assert main([name, "--help"]) == 0
        text = capfd.readouterr().out
        assert f"Example: customer-assets {name}" in text, name
        assert re.search(r"Usage:.*\n\s*\n\s*[A-Z]", text), name
