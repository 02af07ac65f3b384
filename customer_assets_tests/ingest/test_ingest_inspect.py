"""The dry look at a file, and the source that it drafts."""

import pytest
import yaml
from ingest_shop import Shop

from customer_assets.ingest.inspect import InspectError, draft_yaml, inspect
from customer_assets.sources import EventLogSource

CSV = """user_id,time,event,product_id,amount,Sales Channel
17,2024-01-31 10:00:00,view,a-1,,web
17,2024-01-31 10:05:00,purchase,a-1,12.50,web
18,2024-02-01 11:00:00,view,b-2,,shop
"""


def test_a_draft_says_what_is_there(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(CSV)
    draft = inspect(path)
    assert [str(day) for day in draft.days] == ["2024-01-31", "2024-02-01"]
    assert draft.event_names == {"view": 2, "purchase": 1}
    amount = draft.columns[4]
    assert (amount.type, round(amount.null_share, 2)) == ("decimal", 0.67)
    assert draft.settings["columns"]["customer_id"] == {"from": "user_id", "type": "bigint"}
    assert draft.settings["attributes"] == {"sales_channel": "Sales Channel"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.csv", CSV.replace(",", ";")),
        ("a.csv", CSV.replace("shop", "caf\u00e9")),
        ("a.csv", "1,5,pv,1511544070\n1,6,buy,1511544071\n2,6,buy,1511550000\n"),
        ("a.csv", "who,when at\na,1/31/24 9:05\nb,2/1/24 10:00\n"),
        ("a.jsonl", '{"uid": "x", "ts": 1704448800000}\n{"uid": "y", "ts": 1704448800500}\n'),
    ],
)
def test_a_draft_loads_its_file_as_it_is(shop: Shop, name, content):
    path = shop.land(name, content.encode("latin-1"))
    document = yaml.safe_load(draft_yaml(inspect(path)))
    assert document["type"] == "customer_assets.EventLog"
    shop.source = EventLogSource.model_validate(document["attributes"])
    shop.run()
    landed, loaded, rejected = shop.accounting()
    assert landed == loaded >= 2
    assert rejected == 0


def test_a_file_without_times_has_no_draft(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\nx,1\n")
    with pytest.raises(InspectError, match="no column holds times"):
        inspect(path)
