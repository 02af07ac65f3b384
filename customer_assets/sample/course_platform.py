"""A look-alike of the course platform's four files: who will order the full course?

`user_info.csv`, `login_day.csv`, `visit_info.csv` hold one row per user, `result.csv` the
buyers only. Byte-order marks, CRLF, 16-digit ids, and in `result.csv` a space before the comma.

Behaviour: diligence drives logins, lessons and page views (all heavy-tailed); the label is
drawn from the figures as they are written, lessons finished, coupons, orders of other courses,
recency, with noise, so that no model can be perfect.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from customer_assets.sample import draws
from customer_assets.sample.draws import Bools, Floats, Ints
from customer_assets.sample.files import written_whole

DEFAULT_ROWS = 6_000
MINIMUM_ROWS = 500
REAL_ROWS = 135_000
BUYER_SHARE = 4_626 / REAL_ROWS
REPEATED_RESULTS = 13

FIRST_ID = 2_000_000_000_000_000
# Beyond 2**53 two neighbouring ids are one and the same double.
LARGE_FIRST_ID = 9_100_000_000_000_001
LARGE_ID_SHARE = 0.02

FIRST_ORDER_DAY = dt.date(2018, 7, 1)
N_ORDER_DAYS = 240
PLATFORMS = [9.2969, 13.557]
PRICES = [0.0, 1.0, 6.9, 8.9, 9.9, 19.9, 49.0, 99.0]
PRICE_WEIGHTS = [6, 8, 20, 30, 30, 4, 1.5, 0.5]
CITY_WEIGHTS = {
    "GD": 130, "ZJ": 75, "JS": 82, "SD": 78, "HeN": 66, "HuB": 50, "HNa": 47, "SC": 56,
    "HeB": 58, "BJ": 46, "SH": 38, "FJ": 44, "AH": 45, "LN": 36, "SXa": 34, "SXb": 26,
    "JX": 30, "CQ": 26, "GX": 27, "YN": 23, "HLJ": 22, "JL": 18, "TJ": 18, "GZ": 17, "NMG": 15,
    "XJ": 13, "GS": 11, "HaN": 9, "NX": 5, "QH": 3, "XZ": 1, "error": 12, "": 80,
}  # fmt: skip
# Mean views per active user, by page; the pages of the old home are hardly seen.
PAGES = {
    "main_home": 9.0, "main_home2": 3.0, "mainPage": 5.0, "schoolreportpage": 0.8,
    "main_mime": 1.6, "lightcoursetab": 0.7, "main_learnpark": 1.2,
    "partnergamebarrierspage": 0.9, "evaulationcenter": 0.2, "coupon_visit": 0.5,
    "click_buy": 0.0, "progress_bar": 2.2, "ppt": 4.0, "task": 3.2, "video_play": 3.0,
    "video_read": 2.0, "next_nize": 2.8, "answer_task": 1.6, "chapter_module": 2.1,
    "course_tab": 1.1, "slide_subscribe": 0.3, "baby_info": 0.9, "click_notunlocked": 0.4,
    "share": 0.3, "click_dialog": 0.5,
}  # fmt: skip
PAGES_OF_LESSONS = {"ppt", "task", "video_play", "video_read", "next_nize", "answer_task"}


def write(folder: Path, rows: int, seed: int, tell: Callable[[str], object]) -> list[Path]:
    """Write the four files for exactly `rows` users below `folder`; return them.

    Raises ValueError below 500 rows, which have no room for every quirk.
    """
    if rows < MINIMUM_ROWS:
        raise ValueError(f"course_platform needs at least {MINIMUM_ROWS} rows, not {rows}")
    rng = draws.generator("course_platform", seed)
    ids = _ids(rng, rows)
    diligence = rng.normal(0.0, 1.0, rows)
    users = _users(rng, rows)
    logins = _logins(rng, diligence)
    visits = _visits(rng, diligence, logins)
    buys = _buys(rng, users, logins, visits)
    _contradict(rng, users, logins, visits)
    buyers = ids[buys]
    n_repeated = max(3, round(REPEATED_RESULTS * rows / REAL_ROWS))
    buyers = np.concatenate([buyers, rng.choice(buyers, n_repeated, replace=False)])
    result = pl.DataFrame({"user_id ": buyers, "result": np.ones(len(buyers), dtype=np.int64)})
    files = {
        "user_info": pl.DataFrame({"user_id": ids, **users}),
        "login_day": pl.DataFrame({"user_id": ids, **logins}),
        "visit_info": pl.DataFrame({"user_id": rng.permutation(ids)}).join(
            pl.DataFrame({"user_id": ids, **visits}), on="user_id", maintain_order="left"
        ),
        "result": result.with_columns(pl.format("{} ", "user_id ").alias("user_id ")),
    }
    paths = []
    for name, frame in files.items():
        path = folder / f"{name}.csv"
        with written_whole(path) as part:
            frame.write_csv(part, include_bom=True, line_terminator="\r\n", quote_style="never")
        paths.append(path)
    tell(f"course_platform: {rows:,} users, {int(buys.sum()):,} of them buyers, in {folder}")
    return paths


def _ids(rng: np.random.Generator, n: int) -> Ints:
    ids = FIRST_ID + rng.choice(10 * n, n, replace=False).astype(np.int64)
    n_large = max(4, int(LARGE_ID_SHARE * n))
    ids[:n_large] = LARGE_FIRST_ID + np.arange(n_large)
    rng.shuffle(ids)
    return ids


def _users(rng: np.random.Generator, n: int) -> dict[str, pl.Series]:
    """Return user_info but for the id: orders, ages and places, bad values among them."""
    growth = rng.random(n) ** 0.7
    day = (growth * N_ORDER_DAYS).astype(np.int64)
    evening = draws.cumulative([1, 1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 8, 9, 8, 7, 7, 7, 8, 9, 12, 15,
                                14, 9, 4])  # fmt: skip
    hour = draws.pick(evening, rng.random(n))
    minute = rng.integers(0, 60, n)
    times = []
    for d, h, m in zip(day.tolist(), hour.tolist(), minute.tolist(), strict=True):
        date = FIRST_ORDER_DAY + dt.timedelta(d)
        times.append(f"{date.year}/{date.month}/{date.day} {h}:{m:02d}")
    age = np.rint(rng.normal(58.0, 17.0, n)).clip(12, 118).astype(np.int64)
    bad_ages = rng.choice([0, 1, 3, 4, 121, 240, 1416, -7], n)
    age = np.where(rng.random(n) < 0.015, bad_ages, age)
    cities = np.array(list(CITY_WEIGHTS), dtype=object)
    city = cities[draws.pick(draws.cumulative(list(CITY_WEIGHTS.values())), rng.random(n))]
    city[:2] = "error", ""
    price = np.array(PRICES)[draws.pick(draws.cumulative(PRICE_WEIGHTS), rng.random(n))]
    models = np.round(rng.lognormal(2.2, 0.25, 60), 4)
    return {
        "first_order_time": pl.Series(times),
        "first_order_price": pl.Series(price),
        "age_month": pl.Series(age),
        "city_num": pl.Series([value or None for value in city]),
        "platform_num": pl.Series(np.where(rng.random(n) < 0.62, *PLATFORMS)),
        "model_num": pl.Series(models[(60 * rng.random(n) ** 2).astype(np.int64)]),
        "app_num": pl.Series(np.where(rng.random(n) < 0.004, 0, 1)),
    }


def _counts(rng: np.random.Generator, mean: Floats) -> Ints:
    """Return counts with a heavier tail than Poisson's."""
    return rng.poisson(mean * rng.gamma(0.8, 1 / 0.8, len(mean)))


def _logins(rng: np.random.Generator, diligence: Floats) -> dict[str, Ints]:
    """Return login_day but for the id; who never logged in has -1 days and nothing else."""
    n = len(diligence)
    came = rng.random(n) < draws.logistic(2.1 + 0.8 * diligence)
    drive = np.exp(0.55 * diligence)
    login_day = 1 + _counts(rng, 3.2 * drive)
    learn = _counts(rng, 2.4 * drive * np.exp(rng.normal(0.0, 0.5, n)))
    finish = rng.binomial(learn, draws.logistic(0.7 + 0.6 * diligence))
    friend = rng.random(n) < draws.logistic(0.2 + 0.5 * diligence)
    columns = {
        "login_day": login_day,
        "login_diff_time": np.rint(rng.gamma(1.2, 14.0, n) / drive).astype(np.int64),
        "distance_day": np.rint(rng.gamma(1.1, 55.0, n) / drive).astype(np.int64),
        "login_time": 1 + np.rint(login_day * rng.gamma(1.1, 6.0, n)).astype(np.int64),
        "launch_time": login_day + _counts(rng, 5.0 * drive),
        "chinese_subscribe_num": (rng.random(n) < 0.22).astype(np.int64),
        "math_subscribe_num": (rng.random(n) < 0.17).astype(np.int64),
        "add_friend": friend.astype(np.int64),
        "add_group": (friend & (rng.random(n) < 0.7)).astype(np.int64),
        "camp_num": _counts(rng, 0.9 * drive).clip(max=12),
        "learn_num": learn,
        "finish_num": finish,
        "study_num": finish + _counts(rng, 0.5 * drive),
        "coupon": _counts(rng, 0.6 * np.exp(0.25 * diligence)),
        "course_order_num": 1 + _counts(rng, 0.35 * np.exp(0.3 * diligence)),
    }
    for name, column in columns.items():
        nothing = {"login_day": -1, "course_order_num": 1}.get(name, 0)
        columns[name] = np.where(came, column, nothing)
    return columns


def _visits(
    rng: np.random.Generator, diligence: Floats, logins: dict[str, Ints]
) -> dict[str, Ints]:
    came = logins["login_day"] > 0
    pull: Floats = np.exp(0.4 * diligence)
    study = (0.2 + logins["learn_num"].astype(np.float64)) / 3.0
    visits = {}
    for page, mean in PAGES.items():
        strength = study if page in PAGES_OF_LESSONS else pull
        visits[page] = np.where(came, _counts(rng, mean * strength), 0)
    visits["coupon_visit"] = np.where(came, visits["coupon_visit"] + logins["coupon"], 0)
    visits["click_buy"] = (came & (rng.random(len(came)) < 0.002)).astype(np.int64)
    return visits


def _buys(
    rng: np.random.Generator,
    users: dict[str, pl.Series],
    logins: dict[str, Ints],
    visits: dict[str, Ints],
) -> Bools:
    """Draw the buyers: a fixed share, likelier the better the figures."""
    age = users["age_month"].to_numpy()
    score = (
        0.75 * np.log1p(logins["finish_num"])
        + 0.55 * np.log1p(logins["login_day"].clip(0))
        + 0.9 * np.log1p(logins["coupon"])
        + 0.8 * (logins["course_order_num"] - 1).clip(max=3)
        + 0.35 * np.log1p(visits["click_notunlocked"] + visits["click_dialog"])
        + 0.3 * np.log1p(visits["baby_info"])
        + 0.4 * logins["add_friend"]
        - 0.012 * logins["distance_day"].clip(max=200)
        - 0.3 * np.abs(age - 60).clip(max=60) / 20.0
        + 0.5 * (logins["login_day"] > 0)
        + rng.logistic(0.0, 0.9, len(age))
    )
    buys = np.zeros(len(score), dtype=np.bool_)
    buys[np.argsort(-score, kind="stable")[: round(BUYER_SHARE * len(score))]] = True
    return buys


def _contradict(
    rng: np.random.Generator,
    users: dict[str, pl.Series],
    logins: dict[str, Ints],
    visits: dict[str, Ints],
) -> None:
    """Put in what cannot be: negative counts, more finished than begun, coupons never seen."""
    active = np.flatnonzero(logins["login_day"] > 0)

    def some(share: float) -> Ints:
        return rng.choice(active, max(2, int(share * len(active))), replace=False)

    for name in ("login_diff_time", "add_friend", "add_group", "camp_num", "learn_num", "coupon"):
        rows = some(0.0008)
        logins[name][rows] = -rng.integers(1, 4, len(rows))
    rows = some(0.005)
    logins["finish_num"][rows] = logins["learn_num"][rows].clip(0) + rng.integers(1, 4, len(rows))
    rows = some(0.012)
    logins["coupon"][rows] = rng.integers(1, 4, len(rows))
    visits["coupon_visit"][rows] = 0
    logins["login_time"][some(0.01)] = 0
