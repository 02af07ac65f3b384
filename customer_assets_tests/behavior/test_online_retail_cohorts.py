"""Monthly cohorts of the real Online Retail set equal the published ones."""

import duckdb
import pytest

from customer_assets.settings import SQL_ROOT
from customer_assets.warehouse.sql_model import load_macros, read_model

PUBLISHED = {
    "2010-12-01": [885, 324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235],
    "2011-01-01": [417, 92, 111, 96, 134, 120, 103, 101, 125, 136, 152, 49],
}
CLEAN_LINES = """
    select
        cast(cast(CustomerID as double) as bigint) as customer_id,
        epoch_us(cast(InvoiceDate as timestamp)) as event_ts,
        cast(InvoiceDate as timestamp) as event_at,
        cast(InvoiceDate as date) as event_date,
        'purchase' as event_type,
        1 as event_number,
        cast(Quantity * UnitPrice as decimal(18, 4)) as value,
    from read_parquet(?)
    where CustomerID is not null and Quantity > 0 and UnitPrice > 0
"""


@pytest.fixture(scope="module")
def cohorts(real_landing):
    with duckdb.connect() as connection:
        load_macros(connection)
        path = str(real_landing / "online_retail" / "online_retail.parquet")
        connection.execute(f"create table events as {CLEAN_LINES}", [path])
        for name, value in {
            "first_day": "date '2010-12-01'",
            "last_complete_day": "date '2011-12-09'",
            "week_start": "'monday'",
            "purchase_event": "'purchase'",
            "view_event": "null::varchar",
            "min_occurrences": "1::bigint",
            "retention_intervals": "30::bigint",
        }.items():
            connection.execute(f"set variable {name} = {value}")
        for name in ("calendar", "customer_day", "first_seen", "retention"):
            model = read_model(SQL_ROOT / "behavior" / f"{name}.sql", "behavior")
            connection.execute(f"create table {name} as {model.sql}")
        yield connection


@pytest.mark.parametrize("start", PUBLISHED)
def test_monthly_cohorts(cohorts, start):
    cells = cohorts.execute(
        "select n_retained_customers, is_mature from retention where activity = 'purchase' and "
        "period = 'month' and cohort_mode = 'first_matching' and measure = 'n_day' and "
        "cohort_start = ? order by from_interval",
        [start],
    ).fetchall()
    observed = [retained for retained, _ in cells if retained is not None]
    assert observed == PUBLISHED[start]
    # December 2011 ends with the log on the ninth.
    assert [mature for _, mature in cells][: len(observed)] == [True] * (len(observed) - 1) + [
        False
    ]


def test_what_lies_beyond_the_log_is_null(cohorts):
    beyond = cohorts.execute(
        "select count(*), count(n_retained_customers) from retention where period = 'month' and "
        "measure = 'n_day' and month(cohort_start) + year(cohort_start) * 12 + from_interval "
        "> 2011 * 12 + 12"
    ).fetchone()
    assert beyond[0] > 0
    assert beyond[1] == 0
