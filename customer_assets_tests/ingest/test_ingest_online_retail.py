"""The real Online Retail file, and the same data as spreadsheets write it."""

import csv

import pytest
from ingest_shop import Shop

from customer_assets.sources import EventLogSource

SOURCE = EventLogSource.model_validate(
    {
        "files": ["*.parquet", "*.csv"],
        "format": {"encodings": ["utf-8", "latin-1"]},
        "columns": {
            "customer_id": {"from": "CustomerID", "type": "bigint"},
            "event_at": {"from": "InvoiceDate", "format": ["iso", "%m/%d/%y %H:%M"]},
            "order_id": "InvoiceNo",
            "item_id": "StockCode",
            "item_name": "Description",
            "quantity": "Quantity",
            "unit_price": "UnitPrice",
        },
        "attributes": {"country": "Country"},
        "timezone": "Europe/London",
        "first_day": "2010-12-01",
        "last_day": "2011-12-09",
        "duplicates": "keep",
    }
)
EXCEL = (
    "select InvoiceNo, StockCode, Description, Quantity, "
    "strftime(InvoiceDate, '%-m/%-d/%y %-H:%M') as InvoiceDate, "
    "UnitPrice, CustomerID::double as CustomerID, Country from read_parquet(?)"
)


@pytest.fixture
def real(shop: Shop, real_landing, monkeypatch):
    monkeypatch.setenv("CUSTOMER_ASSETS_FOLLOW_LINKS", "1")
    shop.source = SOURCE
    (shop.landing / "online_retail.parquet").symlink_to(
        real_landing / "online_retail" / "online_retail.parquet"
    )
    shop.run()
    return shop


def test_every_row_is_loaded(real: Shop):
    assert real.accounting() == (541_909, 541_909, 0)
    assert real.rows("raw_events", "count(*) filter (customer_id is null)") == [135_080]
    assert len(real.store("raw_events").manifest().days()) == 305


def test_a_csv_as_excel_writes_it_gives_the_same_rows(real: Shop, tmp_path, connection):
    (parquet,) = real.landing.iterdir()
    found = connection.execute(EXCEL, [str(parquet)])
    excel = Shop(tmp_path / "excel", connection, SOURCE)
    with (excel.landing / "a.csv").open("w", encoding="latin-1", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column[0] for column in found.description])
        while rows := found.fetchmany(50_000):
            writer.writerows(rows)
    excel.run()
    assert excel.rows("landed_files", "encoding, time_format") == [("latin-1", "%m/%d/%y %H:%M")]
    files = [[str(path) for path in shop.store("raw_events").files()] for shop in (real, excel)]
    different = connection.execute(
        "select * exclude source_file from read_parquet(?) except all "
        "select * exclude source_file from read_parquet(?)",
        files,
    ).fetchall()
    assert different == []
    assert excel.accounting() == real.accounting()
