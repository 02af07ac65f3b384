"""What one landed file or one rule may cost: beyond it, it is refused by name, the rest goes on."""

import datetime as dt
import gzip

import pytest
from ingest_shop import Shop, shop_source

HEADER = "who,at,what,n,price\n"
GOOD = HEADER + "".join(f"ann,2024-01-05 10:00:{n:02},view,1,2\n" for n in range(20))


def refusal(shop: Shop, file: str) -> str:
    """Run the ingest; return why a file is refused, while the good one beside it is loaded."""
    shop.land("good.csv", GOOD)
    shop.run()
    rows = {name: (status, reason) for name, status, reason in shop.rows(
        "landed_files", "file, status, reason")}  # fmt: skip
    assert rows["good.csv"][0] == "loaded"
    status, reason = rows[file]
    assert status == "refused"
    return reason


def test_a_gzip_bomb(shop: Shop):
    shop.land("bomb.csv.gz", gzip.compress(HEADER.encode() + b"0" * 100_000_000))
    assert "when unpacked, over 100 times as many" in refusal(shop, "bomb.csv.gz")


def test_twenty_thousand_columns(shop: Shop):
    names = ",".join(f"c{n}" for n in range(20_000))
    shop.land("wide.csv", f"{HEADER.strip()},{names}\n" + "a" + "," * 20_004 + "\n")
    assert refusal(shop, "wide.csv").startswith("it has 20,005 columns, more than 2,000")


def test_a_parquet_file_that_needs_too_much_memory(shop: Shop):
    path = shop.landing / "large.parquet"
    shop.connection.execute(
        "copy (select 'ann' as who, timestamp '2024-01-05 10:00:00' as at, "
        "repeat(md5(i::varchar), 200) as what, 1 as n, 2 as price from range(20_000) as t(i)) "
        f"to '{path}' (format parquet, row_group_size 20_000)"
    )
    shop.land("large.parquet", path.read_bytes())
    shop.connection.execute("set memory_limit = '60MB'; set temp_directory = ''; set threads = 1")
    reason = refusal(shop, "large.parquet")
    assert "it needs more memory than" in reason
    # With more memory it is looked at again.
    shop.connection.execute("set memory_limit = '2GB'")
    shop.run()
    assert dict(shop.rows("landed_files", "file, status"))["large.parquet"] == "loaded"


def test_a_file_that_takes_too_long(shop: Shop, monkeypatch):
    monkeypatch.setattr("customer_assets.settings.most_file_seconds", lambda: 0.0001)
    shop.land("slow.csv", GOOD * 20_000)
    shop.run()
    ((status, reason),) = shop.rows("landed_files", "status, reason")
    assert status == "refused"
    assert reason.startswith("it takes more than 0.0001 seconds")


@pytest.mark.parametrize("action", ["reject", "flag"])
def test_a_rule_that_fails_in_a_cast_is_left_out_where_it_fails(shop: Shop, action):
    rules = [
        {"name": "odd", "condition": "cast(customer_id as bigint) > 7", "action": action},
        {"name": "many", "condition": "quantity > 100"},
    ]
    shop.source = shop_source(rules=rules)
    shop.land("a.csv", HEADER + "ann,2024-01-05 10:00:00,view,1,2\n9,2024-01-05 10:00:00,view,1,2\n"
              "bob,2024-01-05 10:00:00,view,101,2\n")  # fmt: skip
    shop.run()
    ((loaded, rejected, reason),) = shop.rows("landed_files", "rows_loaded, rows_rejected, reason")
    assert (loaded, rejected) == ((1, 2) if action == "reject" else (2, 1))
    assert reason.startswith("rule odd cannot be computed on 1 rows and is left out there")
    assert "ann" in reason
    assert shop.rows("raw_events", "event_date")[0] == dt.date(2024, 1, 5)
