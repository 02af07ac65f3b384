import polars as pl
import pytest

from customer_assets.sources import CustomerTableSource
from customer_assets.tables.features.customer_table.label_rates import compute

PEOPLE = pl.DataFrame(
    {
        "label": [True, False, False, True, None, True],
        "city": ["GD", "GD", "GD", None, "GD", "ZJ"],
        "is_new": [True, True, False, False, True, True],
        "age": [3, 3, 3, 5, 5, 5],
    }
)


def test_rates_are_of_customers_whose_label_is_known():
    rows = pl.DataFrame(compute(PEOPLE.lazy(), label_rates=["city", "is_new", "age"]))
    told = rows.select("attribute", "text", "n_customers", "customer_share", "label_share").rows()
    assert told == [
        ("city", "GD", 3, 0.6, pytest.approx(1 / 3)),
        ("city", "ZJ", 1, 0.2, 1.0),
        ("city", "missing", 1, 0.2, 1.0),
        ("is_new", "yes", 3, 0.6, pytest.approx(2 / 3)),
        ("is_new", "no", 2, 0.4, 0.5),
        ("age", "3", 3, 0.6, pytest.approx(1 / 3)),
        ("age", "5", 2, 0.4, 1.0),
    ]
    # Wilson's interval of 1 in 3.
    first = rows.row(0, named=True)
    assert first["label_share_low"] == pytest.approx(0.0615, abs=1e-4)
    assert first["label_share_high"] == pytest.approx(0.7923, abs=1e-4)
    assert set(rows["all_label_share"]) == {0.6}


def test_no_attribute_no_rows():
    assert compute(PEOPLE.lazy(), label_rates=[]) == []


@pytest.mark.parametrize("name", ["nowhere", "since"])
def test_a_rate_is_by_an_attribute_with_values(name):
    stated = {
        "customer_id": {"from": "id"},
        "tables": {"people": {"files": "people.csv", "columns": ["since"]}},
        "attributes": {"since": {"type": "date", "description": "Since when."}},
        "label_rates": [name],
    }
    with pytest.raises(ValueError, match=f"label_rates: {name}: it must be an attribute"):
        CustomerTableSource.model_validate(stated)
