import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest

from customer_assets.reports import REPORT_TABLES, write_index, write_report
from customer_assets.reports.page import SECTIONS
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.table import Table

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
    names = ("sales_daily", "sales_monthly", "rfm", "accounting", "landed_files")
    return {name: frames[name] for name in names}


@pytest.fixture
def own_page(source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path) -> Path:
    """A page of a few tables, below tmp_path."""
    return write_report("small_shop", source, tables, few, tmp_path)


def test_the_fixtures_have_every_table_of_a_report(frames: Frames, customer_frames: Frames) -> None:
    assert {*frames, *customer_frames} == set(REPORT_TABLES)


def test_the_first_line_says_whether_the_data_is_whole(page: Path) -> None:
    _, _, after = page.read_text().partition("</h1>")
    said = "4 March 2024: 40 rows, where &lt;b&gt;400&lt;/b&gt; are usual, held back."
    assert after.lstrip().startswith(
        f'<p class="data-status" role="status">Data is not whole. {said}</p>'
    )


def test_headline_figures_stand_on_the_page(page: Path) -> None:
    text = page.read_text()
    assert "<h1>Small Shop</h1>" in text
    assert "£1,015" in text
    assert "£880.00 from known customers; £1,045.00 gross, £30.00 came back" in text
    assert "Ordered more than once" in text
    assert "75.0%" in text
    assert "95% interval 53.1% to 88.8%" in text
    assert "2 of 64 days" in text
    assert "11 Mar 2024" in text


def test_sentences_say_who_leads(page: Path) -> None:
    text = page.read_text()
    assert "The best month is February 2024 with £1,500 of revenue" in text
    assert "March 2024 is not covered to the last day" in text
    assert "Thursday is the best weekday with £2,460, 88.5% of all" in text
    assert "Monday has the most purchase lines, 43" in text
    assert "United Kingdom brings 90.0%" in text
    assert "Group 1 are 7 customers, 35.0% of all, and bring 50.0% of the revenue" in text


def test_the_future_is_told_with_its_trial(page: Path) -> None:
    text = page.read_text()
    assert "£230 of gross sales are expected in the 3 days after 2 March 2024" in text
    assert "on 3 March 2024 £110, in 8 of 10 cases between £90 and £130" in text
    assert (
        "LightGBM beats the baseline. 60.0% of 10 later sales lay in its 80% intervals, which"
        in text
    )
    assert "expected to bring £2,100 in the next 30 days, and the best tenth of them 18.6%" in text
    assert "the model expects 40 purchases in the 20 days after; 50 came" in text


def test_rows_are_accounted_for(page: Path) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", page.read_text()).split())
    assert "102 rows landed" in text
    assert "= 98 events + 2 duplicates removed + 2 rejected + 0 pending" in text


def test_unaccounted_rows_are_said_aloud(
    source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path
) -> None:
    few["accounting"] = few["accounting"].with_columns(n_landed=pl.col("n_landed") + 1)
    text = write_report("shop", source, tables, few, tmp_path).read_text()
    assert "unaccounted for" in text
    assert "≠" in text


def test_published_figures_are_told_in_words(page: Path) -> None:
    text = page.read_text()
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
    assert f"csv/{table}.csv" not in page.read_text()


def test_empty_tables_make_no_sections(
    source: EventLogSource, tables: Tables, frames: Frames, tmp_path: Path
) -> None:
    empty = {name: frame.clear() for name, frame in frames.items()}
    text = write_report("shop", source, tables, empty, tmp_path).read_text()
    assert re.findall(r'<section id="([\w-]+)"', text) == ["definitions"]


def test_a_short_log_is_shown_by_day(
    source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path
) -> None:
    few["sales_monthly"] = few["sales_monthly"].head(1)
    text = write_report("shop", source, tables, few, tmp_path).read_text()
    assert "Revenue by day with sales" in text


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
    text = page.read_text()
    assert text.count("<script>") == 1
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not set("\u202e\u202c\u200f\x00\x1b") & set(text)
    assert "long" * 151 not in text
    assert page.stat().st_size < 1_000_000


def test_nothing_needs_another_host(page: Path) -> None:
    text = page.read_text()
    assert "default-src &#39;none&#39;" in text
    assert not re.findall(r"(?:https?:)?//[\w.]+\.\w+", re.sub(r"<script>.*?</script>", "", text))
    assert not re.search(r"\sstyle=|\son\w+=", text)


def test_identifiers_are_unique(page: Path) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page.read_text())
    assert len(ids) == len(set(ids))


def test_long_tables_are_cut_on_the_page_only(
    source: EventLogSource, tables: Tables, few: Frames, tmp_path: Path
) -> None:
    one = few["landed_files"]
    few["landed_files"] = pl.concat([one] * 250)
    page = write_report("shop", source, tables, few, tmp_path)
    assert "The first 100 of 250 rows" in page.read_text()
    assert pl.read_csv(page.parent / "csv" / "landed_files.csv").height == 250


def test_the_index_lists_every_report(
    source: EventLogSource, tables: Tables, few: Frames, own_page: Path, tmp_path: Path
) -> None:
    write_report("other_shop", source, tables, few, tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert text.index("other_shop/index.html") < text.index("small_shop/index.html")
    assert "£1,015" in text
    assert "1 January 2024 to 4 March 2024" in text


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
    text = write_report("shop", source, tables, few, tmp_path).read_text()
    assert "5 May 2025" not in text
