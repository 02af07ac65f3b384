"""A look-alike of Taobao's UserBehavior: headerless CSV, contiguous per user, of any size.

One file `UserBehavior.csv`: user_id, item_id, category_id, behavior_type (pv, cart, fav, buy),
epoch seconds. Users are drawn in chunks, each from a random stream of its own, so that memory
is bounded and chunks can be drawn side by side.

Behaviour: on most days a user comes back, in a few sessions, mostly in the evening; a session
is a walk over items of a few favourite categories; an item looked at is put into the cart or
among the favourites, and bought at once, after a while, or never, by the user's own
propensities and the item's appeal. Nearly everybody is there on the last two days, since the
users of this log were chosen by their activity.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from customer_assets.sample import draws
from customer_assets.sample.draws import Bools, Ints
from customer_assets.sample.files import written_whole

DEFAULT_ROWS = 200_000
MINIMUM_ROWS = 1_000
FILE_NAME = "UserBehavior.csv"
BEHAVIORS = ["pv", "cart", "fav", "buy"]
PV, CART, FAV, BUY = range(4)

N_DAYS = 9
SHANGHAI = dt.timezone(dt.timedelta(hours=8))
FIRST_SECOND = int(dt.datetime(2017, 11, 25, tzinfo=SHANGHAI).timestamp())
N_SECONDS = N_DAYS * 86_400
# Share of the day's sessions by local hour.
HOUR_WEIGHTS = [
    35, 18, 10, 8, 8, 11, 20, 34, 44, 54, 62, 60, 61, 67, 66, 66, 64, 58, 61, 77, 96, 112, 108, 72
]  # fmt: skip

ROWS_PER_USER = 100
USERS_PER_CHUNK = 5_000
# Chunks in memory at once: one being written, the others being drawn.
CHUNKS_AHEAD = 2

REAL_ROWS = 100_150_807
OUT_OF_WINDOW_ROWS = 55_576
NEGATIVE_STAMPS = 38
DUPLICATE_ROWS = 49
MAX_ITEMS, MAX_CATEGORIES = 4_162_024, 9_439
EARLIEST, LATEST = -2_134_949_234, 2_122_867_355


@dataclass(frozen=True)
class World:
    """What all users share: the items by category, and the spread of identifiers.

    The items of category `c` are numbered from `first_item[c]` on, `n_items[c]` of them.
    """

    rows: int
    seed: int
    first_item: Ints
    n_items: Ints
    user_modulus: int

    @property
    def users_per_chunk(self) -> int:
        return min(USERS_PER_CHUNK, 20 + self.rows // (ROWS_PER_USER // 2))


@dataclass
class Visits:
    """One look at one item, which may be several page views. Times are seconds."""

    user: Ints
    item: Ints
    category: Ints
    start: Ints


def write(
    folder: Path,
    rows: int,
    seed: int,
    tell: Callable[[str], object],
    *,
    cuts_last_row: bool = False,
) -> list[Path]:
    """Write exactly `rows` rows below `folder`, in bounded memory; return the file.

    `cuts_last_row` leaves of the last row's time stamp its first two digits, as in copies
    that were cut off by size: it then reads as a moment of 1970.
    Raises ValueError below 1,000 rows, which have no room for every quirk.
    """
    if rows < MINIMUM_ROWS:
        raise ValueError(f"taobao needs at least {MINIMUM_ROWS} rows, not {rows}")
    path = folder / FILE_NAME
    with written_whole(path) as part, part.open("wb") as file:
        left = rows
        for chunk in _chunks(_world(rows, seed)):
            chunk.head(left).write_csv(file, include_header=False)
            left -= min(left, len(chunk))
            if not left:
                break
        if cuts_last_row:
            _cut(file)
    tell(f"taobao: {rows:,} events in {path}")
    return [path]


def _world(rows: int, seed: int) -> World:
    n_items = min(MAX_ITEMS, max(500, rows // 24))
    n_categories = min(MAX_CATEGORIES, max(50, n_items // 40))
    sizes = draws.share_out(n_items, np.arange(1.0, n_categories + 1) ** -0.6)
    modulus = 1 << max(20, (rows // (ROWS_PER_USER // 2)).bit_length())
    return World(rows, seed, np.cumsum(sizes) - sizes, sizes, modulus)


def _chunks(world: World) -> Iterator[pl.DataFrame]:
    """Yield chunks of users without end, in order, drawing a few ahead."""
    with ThreadPoolExecutor(CHUNKS_AHEAD) as threads:
        ahead: list[Future[pl.DataFrame]] = []
        try:
            for number in count():
                ahead.append(threads.submit(_chunk, world, number))
                if len(ahead) > CHUNKS_AHEAD:
                    yield ahead.pop(0).result()
        finally:
            for future in ahead:
                future.cancel()


def _chunk(world: World, number: int) -> pl.DataFrame:
    rng = draws.generator("taobao", world.seed, number)
    n_users = world.users_per_chunk
    visits, events_per_visit = _visits(rng, world, n_users)
    visit, behavior, second = _events(rng, visits, events_per_visit, n_users)
    user = visits.user[visit]
    item, category = visits.item[visit], _category_seen(visits, world)[visit]
    timestamp = FIRST_SECOND + second
    columns = [user, item, category, behavior, timestamp]
    _spoil(rng, world, columns, is_first_chunk=number == 0)
    return pl.DataFrame(
        {
            "user_id": _spread(user + number * n_users, world.user_modulus, 586_703),
            "item_id": _spread(item, 5 << 20, 2_654_437),
            "category_id": _spread(category, 5 << 20, 1_048_583),
            "behavior_type": pl.Series(behavior.astype(np.uint8)).cat.to(pl.Enum(BEHAVIORS)),
            "timestamp": timestamp,
        }
    )


def _spread(number: Ints, modulus: int, factor: int) -> Ints:
    """Return distinct identifiers in no order; `factor` has no divisor of `modulus`."""
    return 1 + (number * factor + 12_345) % modulus


def _visits(rng: np.random.Generator, world: World, n_users: int) -> tuple[Visits, Ints]:
    """Return the visits of a chunk's users, and the page views of each."""
    activity = rng.lognormal(0.0, 0.45, n_users)
    comes_back = rng.beta(1.93, 0.82, (n_users, 1))
    # Users were chosen by activity on the last two days.
    chance = np.where(np.arange(N_DAYS) < N_DAYS - 2, comes_back, 1 - 0.13 * (1 - comes_back))
    user, day = np.nonzero(rng.random((n_users, N_DAYS)) < chance)

    n_sessions = 1 + rng.poisson(1.25 * activity[user])
    user, day = np.repeat(user, n_sessions), np.repeat(day, n_sessions)
    hours = np.interp(rng.random(len(user)), draws.cumulative(HOUR_WEIGHTS), np.arange(25.0))
    session_start = (day * 86_400 + hours * 3600.0).astype(np.int64)
    favourites = (len(world.n_items) * rng.random((n_users, 5)) ** 1.8).astype(np.int64)
    liked = favourites[user, (5 * rng.random(len(user)) ** 1.5).astype(np.int64)]
    any_category = (len(world.n_items) * rng.random(len(user)) ** 1.8).astype(np.int64)
    category = np.where(rng.random(len(user)) < 0.75, liked, any_category)

    n_visits = 1 + (rng.standard_exponential(len(user)) * 2.9 * activity[user]).astype(np.int64)
    session = np.repeat(np.arange(len(user)), n_visits)
    gaps = (rng.standard_exponential(len(session)) * 75.0).astype(np.int64)
    elapsed = np.cumsum(gaps)
    first_of_session = np.cumsum(n_visits) - n_visits
    start = session_start[session] + elapsed - elapsed[first_of_session][session]
    category = category[session]
    within = (world.n_items[category] * rng.random(len(session)) ** 2.5).astype(np.int64)
    views = 1 + (rng.standard_exponential(len(session)) * 0.73).astype(np.int64)
    return Visits(user[session], world.first_item[category] + within, category, start), views


def _events(
    rng: np.random.Generator, visits: Visits, views: Ints, n_users: int
) -> tuple[Ints, Ints, Ints]:
    """Return visit, behavior and second of each event, by user and time.

    A user buys what lies in the cart sooner or later, often on another day.
    """
    keenness = rng.gamma(1.3, 1 / 1.3, n_users)
    decision = rng.gamma(1.1, 1 / 1.1, n_users)
    collects = rng.gamma(0.5, 1 / 0.5, n_users)
    appeal = 0.4 + (visits.item * 2_654_435_761 % 4096) / 3413.0
    u = rng.random((3, len(visits.user)))
    cart = np.flatnonzero(u[0] < 0.088 * keenness[visits.user] * appeal)
    fav = np.flatnonzero(u[1] < 0.045 * collects[visits.user] * appeal)
    chance = np.full(len(visits.user), 0.016)
    chance[cart] = 0.16
    chance[fav] = 0.08
    buy = np.flatnonzero(u[2] < chance * decision[visits.user] * appeal)

    pv = np.repeat(np.arange(len(views)), views)
    second_view = draws.positions_within(views) * rng.integers(2, 30, len(pv))
    at_once = rng.integers(5, 300, len(buy))
    later = (rng.standard_exponential(len(buy)) * 16 * 3600).astype(np.int64)
    wait = np.where(rng.random(len(buy)) < 0.6, at_once, later)
    parts = [
        (CART, cart, rng.integers(0, 40, len(cart))),
        (PV, pv, second_view),
        (BUY, buy, wait),
        (FAV, fav, rng.integers(0, 25, len(fav))),
    ]
    visit = np.concatenate([of for _, of, _ in parts])
    behavior = np.concatenate([np.full(len(of), kind) for kind, of, _ in parts])
    second = visits.start[visit] + np.concatenate([delay for _, _, delay in parts])
    order = _by_user_and_time(visits.user[visit], second)
    order = order[second[order] < N_SECONDS]
    visit, behavior, second = visit[order], behavior[order], second[order]
    is_new = ~_is_repeat(visits.user[visit], visits.item[visit], behavior, second)
    return visit[is_new], behavior[is_new], second[is_new]


def _is_repeat(user: Ints, item: Ints, behavior: Ints, second: Ints) -> Bools:
    """Mark events that stand up to three rows below their equal; more do not share a second."""
    is_repeat = np.zeros(len(user), dtype=np.bool_)
    for lag in (1, 2, 3):
        is_repeat[lag:] |= (
            (second[lag:] == second[:-lag])
            & (item[lag:] == item[:-lag])
            & (behavior[lag:] == behavior[:-lag])
            & (user[lag:] == user[:-lag])
        )
    return is_repeat


def _by_user_and_time(user: Ints, second: Ints) -> Ints:
    """Return the order of the events; ties stay as they are.

    Sorting one number that holds user, second and position is several times faster than a
    stable argsort, and as stable.
    """
    position_bits = max(1, len(user).bit_length())
    second_bits = int(second.max(initial=1)).bit_length()
    packed = (user << second_bits | second) << position_bits | np.arange(len(user))
    packed.sort()
    return packed & ((1 << position_bits) - 1)


def _category_seen(visits: Visits, world: World) -> Ints:
    """Return the category of each visit; some best-sellers stand in two."""
    is_best = visits.item == world.first_item[visits.category]
    stands_in_two = is_best & (visits.category % 7 == 3) & (visits.user % 2 == 1)
    return np.where(stands_in_two, (visits.category + 1) % len(world.n_items), visits.category)


def _spoil(
    rng: np.random.Generator, world: World, columns: list[Ints], *, is_first_chunk: bool
) -> None:
    """Put page views outside of the nine days, and repeat rows, at the rates of the real log.

    The first chunk has some of each, within the rows that will be written.
    """
    user, _, _, behavior, timestamp = columns
    n = min(len(user), world.rows)
    at_least = 2 if is_first_chunk else 0

    def some(real: int) -> int:
        return max(at_least, int(rng.poisson(n * real / REAL_ROWS)))

    views = np.flatnonzero(behavior[:n] == PV)
    wrong = rng.choice(views, some(OUT_OF_WINDOW_ROWS), replace=False)
    near = FIRST_SECOND - rng.integers(1, 10 * 86_400, len(wrong))
    after = FIRST_SECOND + N_SECONDS + rng.integers(0, 2 * 86_400, len(wrong))
    far = rng.integers(0, LATEST, len(wrong))
    timestamp[wrong] = np.choose(
        draws.pick(draws.cumulative([0.6, 0.25, 0.15]), rng.random(len(wrong))), [near, after, far]
    )
    negative = rng.choice(views, some(NEGATIVE_STAMPS), replace=False)
    timestamp[negative] = rng.integers(EARLIEST, 0, len(negative))
    same_user = np.flatnonzero(user[1:n] == user[: n - 1])
    repeated = rng.choice(same_user, some(DUPLICATE_ROWS), replace=False)
    for column in columns:
        column[repeated + 1] = column[repeated]


def _cut(file: IO[bytes]) -> None:
    """Cut off all but two digits of the last time stamp, and the line end."""
    n_cut = len(str(FIRST_SECOND)) - 2 + 1
    file.flush()
    file.truncate(file.tell() - n_cut)
