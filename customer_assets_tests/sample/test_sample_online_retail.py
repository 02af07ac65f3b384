import duckdb
import pytest

from customer_assets.sample import write_sample

HEADER = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@pytest.fixture(scope="module")
def lines(samples):
    """A function: the one row that a select list over the sample gives."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table lines as
            select invoiceno, stockcode, description, quantity::int as quantity,
                strptime(invoicedate, '%m/%d/%y %H:%M') as t, unitprice::double as price,
                customerid, country
            from read_csv(?, encoding = 'latin-1', all_varchar = true, quote = '"', escape = '"')
            """,
            [str(samples["online_retail"] / "online_retail.csv")],
        )
        yield lambda columns: connection.execute(f"select {columns} from lines").fetchone()


def test_header_and_latin_1_pound_signs(samples):
    raw = (samples["online_retail"] / "online_retail.csv").read_bytes()
    assert raw.startswith(HEADER)
    assert b"Voucher \xa3" in raw
    assert b'"FLOWER GARLAND ""LEIS"" RED RETROSPOT"' in raw


def test_exactly_the_rows_asked_for(lines, tmp_path):
    assert lines("count(*)") == (20_000,)
    (path,) = write_sample("online_retail", tmp_path, rows=12_345, tell=lambda _: None)
    assert path.read_bytes().count(b"\n") == 12_346


def test_customer_ids_are_floats_or_missing(lines):
    has, missing, odd = lines(
        "count(customerid), count(*) - count(customerid),"
        "count(*) filter (not regexp_full_match(customerid, '[0-9]{5}[.]0'))"
    )
    assert 0.2 < missing / (has + missing) < 0.3
    assert odd == 0


def test_dates_span_the_year_with_no_trade_on_saturdays(lines):
    first, last, saturdays, days = lines(
        "min(t)::date::varchar, max(t)::varchar, count(*) filter (isodow(t) = 6),"
        "count(distinct t::date)"
    )
    assert (first, saturdays) == ("2010-12-01", 0)
    assert "2011-12-09 08" < last <= "2011-12-09 12:50:00"
    assert 295 <= days <= 305


@pytest.mark.parametrize(
    ("quirk", "at_least"),
    [
        ("count(distinct invoiceno) filter (invoiceno like 'C%' and quantity < 0)", 100),
        ("count(*) filter (invoiceno like 'A%' and stockcode = 'B')", 3),
        ("count(*) filter (quantity < 0 and invoiceno not like 'C%')", 20),
        ("count(distinct stockcode) - count(distinct upper(stockcode))", 20),
        ("count(*) filter (description is null and price = 0)", 20),
        ("count(*) filter (description in ('?', 'check', 'damages'))", 5),
        ("count(*) filter (price = 0 and customerid is not null)", 2),
        ("count(*) filter (price = 38970)", 1),
        ("count(distinct country)", 12),
        ("count(*) - count(distinct lines)", 100),
    ],
)
def test_quirk_is_there(lines, quirk, at_least):
    assert lines(quirk)[0] >= at_least


def test_non_products_are_there(lines):
    found = set(
        lines("list(distinct stockcode) filter (not regexp_matches(stockcode, '^[0-9]'))")[0]
    )
    vouchers = {f"gift_0001_{pounds}" for pounds in (10, 20, 30, 40, 50)}
    assert found >= vouchers | {"POST", "DOT", "M", "m", "C2", "D", "S", "B", "PADS", "CRUK"}
    assert found >= {"BANK CHARGES", "AMAZONFEE", "DCGSSGIRL"}


def test_a_slip_is_taken_back_after_twelve_minutes(lines):
    slip = "filter (abs(quantity) = 80995)"
    apart, pair = lines(
        f"(max(t) {slip} - min(t) {slip})::varchar, list(quantity order by t) {slip}"
    )
    assert (apart, pair) == ("00:12:00", [80995, -80995])


def test_some_invoices_and_customers_change_in_the_middle(lines):
    stamps, countries = lines(
        "(select count(*) from (select 1 from lines group by invoiceno"
        " having count(distinct t) > 1)),"
        "(select count(*) from (select 1 from lines group by customerid"
        " having count(distinct country) > 1 and any_value(customerid) is not null))"
    )
    assert 1 <= stamps <= 10
    assert 1 <= countries <= 10


def test_who_buys_in_the_last_month_can_be_learned_but_not_known(lines, auc):
    (rows,) = lines(
        """
        (with orders as (
            select customerid, invoiceno, max(t) as t, sum(quantity * price) as spent
            from lines
            where customerid is not null and quantity > 0 and price > 0 group by all
        )
        select list([recency, n_orders, log_spent, buys]) from (
            select date_diff('day', max(t) filter (t < '2011-11-09'), '2011-11-09') as recency,
                count(*) filter (t < '2011-11-09') as n_orders,
                ln(1 + sum(spent) filter (t < '2011-11-09')) as log_spent,
                max((t >= '2011-11-09')::int) as buys
            from orders group by customerid having n_orders > 0 order by customerid
        ))
        """
    )
    features, label = [row[:3] for row in rows], [int(row[3]) for row in rows]
    assert 0.6 < auc(features, label) < 0.95
