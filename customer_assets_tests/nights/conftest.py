"""The small shop, refreshed once: each test has a copy of its home."""

import shutil

import pytest

from customer_assets import settings
from customer_assets_tests.nights.shop import DAYS, Shop, lines


@pytest.fixture(scope="session")
def refreshed_shop(tmp_path_factory):
    """A home in which every table of the shop is published and in view."""
    folder = tmp_path_factory.mktemp("nights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTOMER_ASSETS_HOME", str(folder / "home"))
        patch.setenv("CUSTOMER_ASSETS_LANDING", str(folder / "landing"))
        patch.delenv("DAGSTER_HOME", raising=False)
        shop = Shop("shop")
        for day in DAYS:
            shop.land(f"{day}.csv", lines(day))
        assert shop.run("backfill", only_outdated=False).success
    return folder


@pytest.fixture
def shop(refreshed_shop, monkeypatch):
    shutil.copytree(refreshed_shop / "home", settings.home())
    (settings.landing() / "shop").mkdir(parents=True)
    for file in (refreshed_shop / "landing" / "shop").iterdir():
        # A copy would be another file: the system would say that it changed.
        (settings.landing() / "shop" / file.name).symlink_to(file)
    monkeypatch.setenv("DAGSTER_HOME", "set by the run")
    monkeypatch.setenv("CUSTOMER_ASSETS_FOLLOW_LINKS", "1")
    return Shop("shop")
