import ast
import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest

from customer_assets import reports
from customer_assets.reports import REPORT_TABLES, write_index, write_report
from customer_assets.reports.content import ReportInput
from customer_assets.reports.page import SECTIONS, SURENESS_PAGE
from customer_assets.reports.sections.segments import segments
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.table import Table
from customer_assets_tests.reports.conftest import text_of

Frames = dict[str, pl.DataFrame]
Tables = dict[str, Table]


@pytest.fixture(scope="module")
def page(
    source: EventLogSource,
    tables: Tables,
    shop_frames: Frames,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A whole page, to read only."""
    folder = tmp_path_factory.mktemp("page")
    return write_report("small_shop", source, tables, shop_frames, folder)


@pytest.fixture
def few(frames: Frames) -> Frames:
    names = ("headlines", "sales_daily", "sales_monthly", "rfm", "accounting", "landed_files")
    return {name: frames[name] for name in names}


@pytest.fixture
def own_page(source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path) -> Path:
    """A page of a few tables, below tmp_path."""
    return write_report("small_shop", source, tables, few, tmp_path)


def test_the_first_line_says_whether_the_data_is_whole(page: Path) -> None:
    _, _, after = page.read_text().partition("</h1>")
    said = "4 March 2024: 40 rows, where &lt;b&gt;400&lt;/b&gt; are usual, held back."
    assert after.lstrip().startswith(
        f'<p class="data-status" role="status">Data is not whole. {said}</p>'
    )


def test_a_sample_says_so_and_stands_beside_no_published_figure(
    source: EventLogSource, tables: Tables, frames: Frames, page: Path, tmp_path: Path
) -> None:
    names = ("headlines", "landed_files", "reproduction", "campaign_economics", "findings")
    few = {name: frames[name] for name in names}
    made_up = write_report("small_shop", source, tables, few, tmp_path, samples={"0a1b"})
    said = "Sample data, made up: no real business."
    assert f'</h1>\n<p class="sample">{said}</p>' in made_up.read_text()
    assert said in (tmp_path / "index.html").read_text()
    told = ("case study", "The study prints", "As the study", "reproduction.csv")
    assert not [words for words in told if words in text_of(made_up)]
    assert not (tmp_path / "small_shop" / "csv" / "reproduction.csv").exists()
    assert all(words in text_of(page) for words in told[:2])
    assert said not in page.read_text()


def test_a_long_table_is_cut_in_its_file_too(
    source: EventLogSource,
    tables: Tables,
    few: Frames,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = pl.concat([few["rfm"]] * 10).lazy()
    monkeypatch.setattr("customer_assets.reports.page.MAX_CSV_ROWS", 150)
    page = write_report("shop", source, tables, {"rfm": rows}, tmp_path)
    assert pl.read_csv(page.parent / "csv" / "rfm.csv").height == 150
    assert "at most 150 rows" in page.read_text()


def test_headline_figures_stand_on_the_page(page: Path) -> None:
    text = text_of(page)
    assert "<h1>Small Shop</h1>" in text
    assert "£1,015" in text
    assert "£1,045 sold less £30.00 that came back" in text
    assert "£880.00 of it from known customers, £135.00 from sales that name no customer" in text
    assert "Ordered more than once" in text
    assert "75.0%" in text
    assert "95% interval 53.1% to 88.8%" in text
    assert "2 of 64 days" in text
    assert "11 Mar 2024" in text


def test_sentences_say_who_leads(page: Path) -> None:
    text = text_of(page)
    assert "The best month is February 2024 with £1,500 of revenue" in text
    assert "March 2024 is not covered to the last day" in text
    assert "Thursday is the best weekday with £2,460, 88.5% of all" in text
    assert "Monday has the most purchase lines, 43" in text
    assert "United Kingdom brings 90.0%" in text
    assert "Group 1 are 7 customers, 35.0% of all, and bring 50.0% of the revenue" in text


def test_the_head_has_five_figures_with_trend_change_and_interval(page: Path) -> None:
    text = page.read_text()
    tiles = re.findall(r"<dt>(.*?)</dt>(.*?)</div>", text.split('class="tiles"')[1], re.DOTALL)[:5]
    assert [label for label, _ in tiles] == [
        "Revenue", "Orders", "Customers who bought", "Conversion, &lt;b&gt;checkout",
        "Revenue per order",
    ]  # fmt: skip
    assert all("<svg" in tile for _, tile in tiles)
    revenue, orders, _, conversion, _ = (tile for _, tile in tiles)
    assert "£1,200" in revenue
    assert "<b>+900%</b></dd>" in revenue
    assert ">+£990 to +£1,170</dd>" in revenue
    assert "<b>+17%</b>, within chance" in orders
    assert "<b>\u221215.0 points</b></dd>" in conversion
    assert "2 days are not over" in conversion
    assert "7 days to 10 Mar 2024, against the 7 before" in text
    assert "a season cannot be told from a trend" in text


def test_sentences_tell_the_changes_that_are_sure_the_largest_first(page: Path) -> None:
    said = re.findall(r"<li>(.*?)</li>", page.read_text().split('class="sentences"')[1])[:3]
    assert said == [
        "Revenue rose by 900%, from £120.00 to £1,200.",
        "Orders per customer rose by 133%, from 1.50 to 3.50 (95% interval +0.10 to +3.90).",
        "Customers who bought fell by 50%, from 4 to 2.",
    ]


def test_where_nothing_surely_changed_one_sentence_says_so(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    unsure = frames["headlines"].with_columns(change_low=pl.col("change") - 10_000)
    unsure = unsure.with_columns(change_high=pl.col("change") + 10_000)
    page = write_report("shop", source, tables, {"headlines": unsure}, tmp_path)
    assert "No figure changed against the 7 before by more than chance." in page.read_text()


def test_who_names_no_customer_may_have_brought_back_more(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    few = {name: frames[name] for name in ("headlines", "sales_daily")}
    few["sales_daily"] = few["sales_daily"].with_columns(customer_net_revenue=pl.lit(200))
    text = write_report("shop", source, tables, few, tmp_path).read_text()
    others = "\u2212£985.00 from sales that name no customer, of which more came back"
    assert f"£2,000 of it from known customers, {others}" in text


def test_what_surely_earns_is_done_before_what_may_cost_more(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    plans = frames["campaign_economics"].with_columns(basis=pl.lit("expected"))
    unsure = plans.filter(target="group_1").with_columns(
        target=pl.lit("group_2"), profit_low=pl.lit(-5.0)
    )
    shown = {
        "segment_actions": frames["segment_actions"],
        "campaign_economics": pl.concat([plans, unsure]),
    }
    text = write_report("small_shop", source, tables, shown, tmp_path).read_text()
    cards = re.findall(r"<li>\s*<h3>(.*?)</h3>(.*?)</li>", text, re.DOTALL)
    assert [title for title, _ in cards] == ["The most likely", "Group 1", "Group 2"]
    assert "10 of 20 customers" in cards[0][1]
    assert "7 customers" in cards[1][1]
    assert "by telephone" in cards[1][1]
    assert "Expected to earn £80, costs deducted (95% interval £30 to £130)." in cards[1][1]
    assert "--source small_shop --segment group_1 group_1-list" in cards[1][1]
    assert "it may cost more than it brings" in cards[2][1]


def test_a_card_rests_on_what_a_campaign_caused_where_that_was_measured(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    plans = frames["campaign_economics"].with_columns(basis=pl.lit("expected"))
    measured = plans.filter(target="group_1").with_columns(
        basis=pl.lit("measured"), profit=pl.lit(20.0), measured_by=pl.lit("spring <b>")
    )
    shown = {
        **{name: frames[name] for name in ("segment_actions", "customer_offers")},
        "campaign_uplift": frames["campaign_uplift"],
        "campaign_economics": pl.concat([plans, measured], how="diagonal_relaxed"),
    }
    text = write_report("small_shop", source, tables, shown, tmp_path).read_text()
    said = (
        "Would earn £20, costs deducted (95% interval £30 to £130), by what campaign "
        "spring &lt;b&gt; caused."
    )
    assert said in text
    assert "Offers by group" in text
    assert "<bdi>\u22120.050 to 0.250</bdi>" in text


def test_whom_to_contact_is_the_finding(page: Path) -> None:
    text = page.read_text()
    assert ">Contact everybody: a shorter list earns no more</h2>" in text
    assert "Best: 10, £110" in text
    assert "The study: 5, £100" in text


def test_the_future_is_told_with_its_trial(page: Path) -> None:
    text = text_of(page)
    assert "£230 of gross sales are expected in the 3 days after 2 March 2024" in text
    assert "On 3 March 2024 £110, in 8 of 10 cases between £90 and £130" in text
    assert "Per day: LightGBM beats the baseline</h2>" in text
    assert "60.0% of 10 later sales lay in its 80% intervals, which" in text
    assert (
        "expected to bring £2,100 in the next 30 days (£1,900 to £2,400 in 95 of 100 cases), and "
        "the best tenth of them 18.6%"
    ) in text
    assert "the model expects 40 purchases in the 20 days after; 50 came" in text


def test_rows_are_accounted_for(page: Path) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", text_of(page)).split())
    assert "102 rows landed" in text
    assert "= 98 events + 2 duplicates removed + 2 rejected + 0 pending" in text


def test_unaccounted_rows_are_said_aloud(
    source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path
) -> None:
    few["accounting"] = few["accounting"].with_columns(n_landed=pl.col("n_landed") + 1)
    text = text_of(write_report("shop", source, tables, few, tmp_path))
    assert "unaccounted for" in text
    assert "≠" in text


def test_published_figures_are_told_in_words(page: Path) -> None:
    text = text_of(page)
    assert "1 of 3 figures of the case study come out the same" in text
    for outcome in ("agrees", "differs", "not computed"):
        assert f"<bdi>{outcome}</bdi>" in text


# With what stands in the same sections: the rest would only be drawn again.
@pytest.mark.parametrize("table", REPORT_TABLES)
def test_a_report_does_without_any_table(
    source: EventLogSource,
    customer_source: CustomerTableSource,
    tables: Tables,
    frames: Frames,
    customer_frames: Frames,
    tmp_path: Path,
    table: str,
) -> None:
    both = ((source, frames), (customer_source, customer_frames))
    stated, rows = next(each for each in both if table in each[1])
    named = [{*plan.needs, *plan.uses} for plan in SECTIONS if plan.id != "headlines"]
    near = set().union(*(names for names in named if table in names)) - {table}
    kept = {name: frame for name, frame in rows.items() if name in near}
    page = write_report("shop", stated, tables, kept, tmp_path)
    assert not (page.parent / "csv" / f"{table}.csv").exists()
    assert f"csv/{table}.csv" not in text_of(page)


def test_reports_call_no_statistics() -> None:
    """What an estimate needs stands in tables; who is imported is a contract in pyproject.toml."""
    told = {"corr", "cov", "kurtosis", "median", "quantile", "skew", "std", "var"}
    for file in Path(reports.__file__).parent.rglob("*.py"):
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not calls & told, file


def test_empty_tables_make_no_sections(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    empty = {name: frame.clear() for name, frame in frames.items()}
    text = text_of(write_report("shop", source, tables, empty, tmp_path))
    assert re.findall(r'<section id="([\w-]+)"', text) == ["definitions"]


def test_a_short_log_is_shown_by_day(
    source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path
) -> None:
    few["sales_monthly"] = few["sales_monthly"].head(1)
    text = text_of(write_report("shop", source, tables, few, tmp_path))
    assert "Revenue by day with sales" in text


def test_what_one_acts_on_comes_first_and_how_sure_it_is_on_a_page_of_its_own(page: Path) -> None:
    both = [page.read_text(), page.with_name(SURENESS_PAGE).read_text()]
    acted_on, sureness = (re.findall(r'<section id="([\w-]+)"', text) for text in both)
    assert acted_on[:3] == ["headlines", "actions", "campaign"]
    assert {"questions", "data-quality", "definitions"} <= set(sureness)
    assert not set(acted_on) & set(sureness)
    assert both[0].count('href="how_sure.html#') == both[1].count('href="index.html#') / 2 == 1


def test_tables_are_folded_under_their_pictures(page: Path) -> None:
    text = page.read_text()
    assert re.search(
        r'<details class="table folded">\s*<summary><h3 id="table-sales_monthly"', text
    )
    assert re.search(r'<div class="table">\s*<div class="table-head">\s*<h3 id="table-rfm"', text)


def test_the_same_frames_give_the_same_bytes(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    files = []
    for folder in ("a", "b"):
        write_report("shop", source, tables, frames, tmp_path / folder)
        root = tmp_path / folder
        files.append({p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    assert files[0] == files[1]
    assert not [path for path in files[0] if path.name.startswith(".")]


def test_a_table_that_is_gone_takes_its_csv_with_it(
    source: EventLogSource, tables: Tables, few: Frames, own_page: Path, tmp_path: Path
) -> None:
    assert (own_page.parent / "csv" / "rfm.csv").exists()
    del few["rfm"]
    write_report("small_shop", source, tables, few, tmp_path)
    assert not (own_page.parent / "csv" / "rfm.csv").exists()


def test_a_failed_report_leaves_the_previous_one(
    source: EventLogSource, tables: Tables, few: Frames, own_page: Path, tmp_path: Path
) -> None:
    before = own_page.read_bytes()
    few["sales_monthly"] = few["sales_monthly"].drop("net_revenue")
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        write_report("small_shop", source, tables, few, tmp_path)
    assert own_page.read_bytes() == before


def test_hostile_names_are_text(
    source: EventLogSource, tables: Tables, hostile_frames: Frames, tmp_path: Path
) -> None:
    page = write_report("shop", source, tables, hostile_frames, tmp_path)
    text = text_of(page)
    assert text.count("<script>") == 2
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not set("\u202e\u202c\u200f\x00\x1b") & set(text)
    assert "long" * 151 not in text
    assert page.stat().st_size < 1_000_000


def test_nothing_needs_another_host(page: Path) -> None:
    text = text_of(page)
    assert "default-src &#39;none&#39;" in text
    assert not re.findall(r"(?:https?:)?//[\w.]+\.\w+", re.sub(r"<script>.*?</script>", "", text))
    assert not re.search(r"\sstyle=|\son\w+=", text)


def test_identifiers_are_unique(page: Path) -> None:
    for file in (page, page.with_name(SURENESS_PAGE)):
        ids = re.findall(r'\sid="([^"]+)"', file.read_text())
        assert len(ids) == len(set(ids))


def test_long_tables_are_cut_on_the_page_only(
    source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path
) -> None:
    one = few["landed_files"]
    few["landed_files"] = pl.concat([one] * 250)
    page = write_report("shop", source, tables, few, tmp_path)
    assert "The first 100 of 250 rows" in text_of(page)
    assert pl.read_csv(page.parent / "csv" / "landed_files.csv").height == 250


def test_the_index_lists_every_report(
    source: EventLogSource, tables: Tables, few: Frames, own_page: Path, tmp_path: Path
) -> None:
    few["headlines"] = few["headlines"].with_columns(pl.col("last_date") + pl.duration(days=1))
    write_report("another_shop", source, tables, few, tmp_path)
    text = (tmp_path / "index.html").read_text()
    # What was active last comes first.
    assert text.index("another_shop/index.html") < text.index("small_shop/index.html")
    assert "Data to 10 March 2024" in text
    assert "Data to 11 March 2024" in text
    assert "<b>+900%</b>" in text
    assert text.count('class="trend"') == 10


def test_the_index_survives_a_lost_summary(own_page: Path, tmp_path: Path) -> None:
    (own_page.parent / "report.json").write_text(json.dumps({"headlines": 3}))
    index = write_index(["small_shop", "never_written"], tmp_path)
    assert "Small Shop" in index.read_text()
    assert "never_written" not in index.read_text()


def test_freshness_counts_loaded_files_only(
    source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path
) -> None:
    refused = few["landed_files"].with_columns(
        status=pl.lit("refused"), modified_at=pl.lit(dt.datetime(2025, 5, 5))
    )
    few["landed_files"] = pl.concat([few["landed_files"], refused])
    text = text_of(write_report("shop", source, tables, few, tmp_path))
    assert "5 May 2025" not in text


@pytest.mark.parametrize(("n", "words"), [(1, "1 customer is"), (29, "29 customers are"), (30, "")])
def test_too_few_customers_for_segments_are_said_in_one_sentence(source, frames, n, words):
    known = pl.DataFrame({"customer_id": range(n)})
    few = {"rfm": known, "segment_profile": frames["segment_profile"].clear()}
    told = [block.text for block in segments(ReportInput("shop", source, {}, few))]
    assert len(told) == bool(words)
    assert all(text.startswith(f"{words} too few for segments") for text in told)
    assert segments(ReportInput("shop", source, {}, {"rfm": known})) == []
