"""Many nights, each with a new day: nothing grows but data. A part of `make verify`."""

import datetime as dt
import os
import time

import dagster as dg
import pytest

from customer_assets import settings
from customer_assets.components.tidying import KEPT_DAYS, tidy
from customer_assets.warehouse.catalog import snapshot_relations
from customer_assets.warehouse.changes import seen_files
from customer_assets.warehouse.manifest import KEPT_VERSIONS, manifest_files, read_manifest
from customer_assets_tests.nights.shop import LOG, Shop, lines

N_NIGHTS = int(os.environ.get("CUSTOMER_ASSETS_NIGHTS", "0"))
FIRST = dt.date(2025, 3, 1)


def history_bytes():
    return sum(p.stat().st_size for p in settings.dagster_home().rglob("*") if p.is_file())


def age_files(shop):
    """Let the files of a night be older than the grace period of readers."""
    moment = time.time() - 2 * 3600
    for path in shop.folder.rglob("*.parquet"):
        os.utime(path, (moment, moment))


@pytest.mark.skipif(not N_NIGHTS, reason="make verify runs many nights")
def test_nothing_grows_but_data():
    days = [FIRST + dt.timedelta(days=n) for n in range(N_NIGHTS)]
    shop = Shop("shop", LOG.replace("2025-03-09", str(days[-1])))
    ended, sizes = [], []
    for n, day in enumerate(days):
        shop.land(f"{day}.csv", lines(day))
        assert shop.run("refresh", days=days[max(0, n - 2) : n + 1]).success
        ended.append(dt.datetime.now(dt.UTC))
        age_files(shop)
        if n % 7 == 6:
            with dg.DagsterInstance.get() as instance:
                tidy(instance, ended[max(0, n - KEPT_DAYS)], ended[-1])
        sizes.append(history_bytes())
        print(f"night {n + 1}: {sizes[-1] / 1e6:.2f} MB of history", flush=True)
    weeks = sizes[6::7]
    assert (weeks[-1] - weeks[1]) / (7 * (len(weeks) - 2)) < 1_000_000
    assert shop.run("report").success
    named = {path for relation in snapshot_relations(shop.folder) for path in relation.files}
    for table in shop.pipeline().tables:
        documents = list(manifest_files(shop.folder / table))
        assert len(documents) <= KEPT_VERSIONS + 2
        for document in documents:
            pieces = read_manifest(document).pieces.values()
            named |= {shop.folder / table / piece.path for piece in pieces}
    assert set(shop.folder.rglob("*.parquet")) - named <= set(seen_files(shop.folder))
