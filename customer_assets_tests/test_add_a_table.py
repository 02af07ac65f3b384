"""A table is one file: adding it needs no other, and removing it leaves no trace."""

from customer_assets import settings
from customer_assets.pipeline import pipeline_of
from customer_assets_tests.conftest import read_source

BASKETS = """\
/* ---
description: One row per number of items in an order.
key: [n_items]
requires: [purchase]
columns:
  n_items: {type: bigint, description: Different items in the order.}
  n_orders: {type: bigint, description: Orders with so many.}
--- */
select
    n_items,
    count(*) as n_orders,
from orders
group by n_items
"""


def test_a_table_comes_and_goes_with_its_file(tmp_path):
    roots = (*settings.table_roots(), tmp_path)
    source = read_source("online_retail")
    before = pipeline_of("online_retail", source, roots)

    new = tmp_path / "commerce" / "basket_sizes.sql"
    new.parent.mkdir()
    new.write_text(BASKETS)
    with_it = pipeline_of("online_retail", source, roots)
    assert set(with_it.models) - set(before.models) == {"basket_sizes"}
    assert with_it.models["basket_sizes"].inputs == ("orders",)
    assert with_it.tables["basket_sizes"].layer == "commerce"

    new.unlink()
    after = pipeline_of("online_retail", source, roots)
    assert list(after.models) == list(before.models)
