"""Kills runs of a small shop, and says what is left: a table of faults by what they did.

Over an ingest, a backfill of all days, a refresh and a training; half of the kills before a
rename, one after the other, half at moments spread over the run.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from customer_assets import settings
from customer_assets.sample import write_sample
from customer_assets_tests.drill.kills import (
    Fault,
    Try,
    attempt,
    copy_of,
    run_in_process,
    shown,
)
from customer_assets_tests.nights.shop import DAYS, Shop, lines

N_DAYS = 4


def late_and_withdrawn(shop: Shop) -> None:
    """Land a late file, replace one, touch one and take one away."""
    shop.land("late.csv", lines(DAYS[1], [17, 20, 21]))
    shop.land(f"{DAYS[2]}.csv", lines(DAYS[2], [17, 18]))
    (shop.landing / f"{DAYS[0]}.csv").unlink()
    os.utime(shop.landing / f"{DAYS[3]}.csv")


def nothing(shop: Shop) -> None:
    """Land nothing."""


OF_SHOP = [
    Fault("ingest", "ingest", late_and_withdrawn),
    Fault("refresh", "refresh", late_and_withdrawn),
    Fault("backfill", "backfill", late_and_withdrawn, only_outdated=False),
]
TRAINING = Fault("training", "train", nothing, only_outdated=False, heal="train")


def new_shop() -> Shop:
    """Return the small shop, refreshed, in the home that is set."""
    shop = Shop("shop")
    for day in DAYS[:N_DAYS]:
        shop.land(f"{day}.csv", lines(day))
    return _run(shop)


def new_club() -> Shop:
    """Return a customer table with its trained questions, in the home that is set."""
    stated = settings.PROJECT_ROOT / "customer_assets/defs/one_click/defs.yaml"
    club = Shop("one_click", stated.read_text(), settings.SQL_ROOT)
    write_sample("one_click", club.landing, rows=300, tell=lambda text: None)
    return _run(club)


def _run(shop: Shop) -> Shop:
    status, _ = run_in_process(shop, "backfill", only_outdated=False)
    assert status == 0, (settings.home() / "drill.log").read_text()[-2000:]
    return shop


def drill(fault: Fault, shop: Shop, sound: Path, folder: Path, n_tries: int) -> list[Try]:
    """Try a fault at moments spread over the run that is killed."""
    with copy_of(sound, folder):
        before = shown(shop)
        fault.change(shop)
        started = time.monotonic()
        status, n_renames = run_in_process(shop, fault.purpose, fault.only_outdated)
        seconds = time.monotonic() - started
        assert status == 0, f"{fault.name} fails without a kill"
        if fault.purpose == "ingest":
            assert run_in_process(shop, fault.heal, only_outdated=True)[0] == 0
        after = shown(shop)
    tries = []
    for n in range(n_tries):
        share = (n // 2 + 1) / (n_tries // 2 + 2)
        with copy_of(sound, folder):
            if n % 2:
                when = {"after_seconds": round(share * seconds, 2)}
            else:
                when = {"at_rename": max(1, round(share * n_renames))}
            tries.append(attempt(fault, shop, before, after, usual_seconds=seconds, **when))
    return tries


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; return 1 where a try lost rows, showed halves or got stuck."""
    parser = argparse.ArgumentParser(prog="customer_assets_tests.drill", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many runs are killed, in all")
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    for name in ("customer_assets", "dagster"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    n_tries = -(-asked.kills // 4)
    n_bad = 0
    print(f"{'fault':12} {'tries':>6} {'lost':>6} {'wrong':>6} {'stuck':>6} {'seconds':>8}")
    with tempfile.TemporaryDirectory(prefix="drill-") as scratch:
        for new, faults in ((new_shop, OF_SHOP), (new_club, [TRAINING])):
            sound = Path(scratch) / new.__name__
            os.environ["CUSTOMER_ASSETS_HOME"] = str(sound / "home")
            os.environ["CUSTOMER_ASSETS_LANDING"] = str(sound / "landing")
            (sound / "home").mkdir(parents=True)
            shop = new()
            for fault in faults:
                started = time.monotonic()
                tries = drill(fault, shop, sound, Path(scratch) / "try", n_tries)
                n_lost, n_wrong = sum(t.is_lost for t in tries), sum(t.is_wrong for t in tries)
                n_stuck = sum(t.is_stuck for t in tries)
                n_bad += n_lost + n_wrong + n_stuck
                print(
                    f"{fault.name:12} {len(tries):6} {n_lost:6} {n_wrong:6} {n_stuck:6} "
                    f"{time.monotonic() - started:8.0f}",
                    flush=True,
                )
                for each in tries:
                    if each.text:
                        print(f"  {each.text}", file=sys.stderr)
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
