"""A shop that lives: its event log grows by a file a day, and some events come late.

One file of JSON lines per day, `events_2026-11-22.jsonl`, named for the day on which it landed.
Fields: event_id (unique), occurred_at (ISO 8601 with the offset of Europe/Berlin), customer_id
(null for some visitors), event (view, add_to_cart, checkout, purchase, refund), product_id,
product_name, category, order_id, quantity, unit_price (EUR), channel, device.

Every day's events are a function of the day, the seed and the size alone: so any day can be
written at any time, and the next day joins on to those before it. About one event in twenty
lands one to five days late, one in five hundred is delivered twice (same event_id), and a
purchase in fifteen is refunded up to three weeks later.

Behaviour: customers arrive every day and leave for good (exponential); each comes back by a
rate and converts by a propensity of its own; weekends and evenings are busy; a session walks
from views to cart, checkout and purchase, and loses customers on each step.
"""

import datetime as dt
import os
import re
import time
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from customer_assets.sample import draws
from customer_assets.sample.draws import Bools, Floats, Ints
from customer_assets.sample.files import written_whole

DEFAULT_ROWS = 30_000
MINIMUM_ROWS = 3_000
N_DAYS = 60
ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
FILE_NAME = "events_{day}.jsonl"

# Named, since a day without events shows no types.
TEXT_COLUMNS = [
    "event_id", "customer_id", "product_id", "product_name", "category", "order_id", "channel",
    "device",
]  # fmt: skip
EVENTS = ["view", "add_to_cart", "checkout", "purchase", "refund"]
VIEW, CART, CHECKOUT, PURCHASE, REFUND = range(5)
NO_PRODUCT = -1
CHANNELS = {"search": 34, "direct": 24, "ads": 18, "newsletter": 14, "social": 10}
DEVICES = {"phone": 58, "desktop": 34, "tablet": 8}
CATEGORIES = ["coffee", "tea", "kitchen", "garden", "books", "lamps", "textiles", "toys"]
ADJECTIVES = ["plain", "small", "large", "blue", "green", "round", "oak", "linen", "steel",
              "classic", "light", "warm", "double", "folding", "daily"]  # fmt: skip
NOUNS = ["mug", "pot", "tin", "box", "lamp", "throw", "set", "tray", "kit", "basket"]
N_PRODUCTS = 240
# Monday to Sunday.
WEEKDAY_WEIGHTS = [1.0, 0.95, 0.95, 1.0, 0.9, 1.15, 1.35]
HOUR_WEIGHTS = [
    9, 5, 3, 2, 2, 4, 10, 20, 30, 36, 40, 42, 46, 44, 40, 40, 42, 48, 58, 72, 84, 80, 55, 25
]  # fmt: skip

MEAN_LIFETIME_DAYS = 45
LONGEST_LIFETIME_DAYS = 240
# Events that one newcomer a day brings about per day, once arrivals and losses are balanced.
EVENTS_PER_NEWCOMER = 60.0
LATE_SHARE, TWICE_SHARE, REFUND_SHARE, UNKNOWN_SHARE = 0.05, 0.002, 0.065, 0.03
MAX_LATE_DAYS, MAX_REFUND_DAYS = 5, 21
MAX_AFTER_DAYS = MAX_REFUND_DAYS + MAX_LATE_DAYS + 2


@dataclass(frozen=True)
class Shop:
    """What the events of a day depend on, but for the day: seed, customers arriving per day."""

    seed: int
    newcomers_per_day: float

    def stream(self, *parts: int) -> np.random.Generator:
        return draws.generator("web_shop", self.seed, *parts)


@dataclass(frozen=True)
class Cohort:
    """The customers who arrived on one day: when they leave (ordinal day) and their habits."""

    number: Ints
    leaves: Floats
    comes: Floats
    converts: Floats
    taste: Ints
    channel: Ints
    device: Ints


def write(
    folder: Path, rows: int, seed: int, until: dt.date | None, tell: Callable[[str], object]
) -> list[Path]:
    """Write 60 daily files that end with `until`, by default yesterday; return them.

    They hold about `rows` events. Raises ValueError below 3,000 rows: a day could be empty.
    """
    if rows < MINIMUM_ROWS:
        raise ValueError(f"web_shop needs at least {MINIMUM_ROWS} rows, not {rows}")
    last = until or dt.datetime.now(ZONE).date() - dt.timedelta(1)
    first = last - dt.timedelta(N_DAYS - 1)
    shop = _shop(rows, seed)
    activity = {}
    paths = []
    n_rows = 0
    for number in range(N_DAYS):
        day = first + dt.timedelta(number)
        activity[day] = _activity(shop, day)
        frames = [frame for of, frame in activity.items() if _may_land(of, day)]
        landed = _landed(frames, day)
        paths.append(_write_day(folder, day, landed))
        n_rows += len(landed)
    tell(f"web_shop: {n_rows:,} events of {first} to {last} in {folder}")
    return paths


def write_next_day(
    folder: Path,
    *,
    rows: int | None = None,
    seed: int = 1,
    tell: Callable[[str], object] = print,
) -> Path:
    """Write the file of the day after the last one in `folder`; return it.

    `rows` and `seed` are those that the sample was written with. Raises FileNotFoundError
    where there is no sample to go on from.
    """
    days = sorted(_days(folder))
    if not days:
        raise FileNotFoundError(f"no web_shop sample in {folder}; write one first")
    shop = _shop(DEFAULT_ROWS if rows is None else rows, seed)
    day = days[-1] + dt.timedelta(1)
    since = max(days[0], day - dt.timedelta(MAX_AFTER_DAYS))
    frames = [
        _activity(shop, since + dt.timedelta(number)) for number in range((day - since).days + 1)
    ]
    landed = _landed(frames, day)
    path = _write_day(folder, day, landed)
    tell(f"web_shop: {len(landed):,} events in {path}")
    return path


def _shop(rows: int, seed: int) -> Shop:
    return Shop(seed, rows / N_DAYS / EVENTS_PER_NEWCOMER)


def _days(folder: Path) -> list[dt.date]:
    pattern = re.compile(FILE_NAME.replace(".", r"\.").format(day=r"(\d{4}-\d{2}-\d{2})"))
    matches = [pattern.fullmatch(path.name) for path in folder.glob("*.jsonl")]
    return [dt.date.fromisoformat(match[1]) for match in matches if match]


def _may_land(of: dt.date, day: dt.date) -> bool:
    return dt.timedelta(0) <= day - of <= dt.timedelta(MAX_AFTER_DAYS)


@dataclass(frozen=True)
class Events:
    """Events of one day's sessions, column by column; seconds count from its midnight."""

    kind: Ints
    session: Ints
    product: Ints
    second: Floats
    quantity: Ints

    @staticmethod
    def of(kind: int, session: Ints, product: Ints, second: Floats, quantity: Ints) -> "Events":
        return Events(np.full_like(session, kind), session, product, second, quantity)


@lru_cache(maxsize=512)
def _cohort(shop: Shop, ordinal: int) -> Cohort:
    rng = shop.stream(1, ordinal)
    n = int(rng.poisson(shop.newcomers_per_day))
    lifetime = rng.exponential(MEAN_LIFETIME_DAYS, n).clip(max=LONGEST_LIFETIME_DAYS)
    return Cohort(
        number=(ordinal * 100_000 + np.arange(n)) * 2_654_435_761 % (1 << 32),
        leaves=ordinal + lifetime,
        comes=rng.beta(1.2, 7.0, n),
        converts=rng.gamma(1.2, 1 / 1.2, n),
        taste=rng.integers(0, len(CATEGORIES), n),
        channel=draws.pick(draws.cumulative(list(CHANNELS.values())), rng.random(n)),
        device=draws.pick(draws.cumulative(list(DEVICES.values())), rng.random(n)),
    )


@lru_cache(maxsize=8)
def _products(seed: int) -> tuple[list[str], Floats, Floats]:
    """Return names, prices in EUR and cumulative popularity; categories take turns."""
    rng = draws.generator("web_shop", seed, 0)
    pairs = rng.choice(len(ADJECTIVES) * len(NOUNS) * 2, N_PRODUCTS, replace=False) // 2
    names = [f"{ADJECTIVES[p % len(ADJECTIVES)]} {NOUNS[p // len(ADJECTIVES)]}" for p in pairs]
    prices = np.round(rng.lognormal(2.9, 0.8, N_PRODUCTS)) + rng.choice(
        [-0.01, -0.05, -0.5, 0.0], N_PRODUCTS
    )
    popularity = draws.cumulative(rng.permutation(np.arange(1.0, N_PRODUCTS + 1) ** -0.7))
    return names, prices.clip(0.99), popularity


def _activity(shop: Shop, day: dt.date) -> pl.DataFrame:
    """Return the events that the customers of one day bring about, later refunds included.

    `landed` is the day whose file an event stands in.
    """
    ordinal = day.toordinal()
    rng = shop.stream(2, ordinal)
    people, joined_today = _present(shop, ordinal)
    # Who arrives comes on that day; then each by habit.
    chance = people.comes * WEEKDAY_WEIGHTS[day.weekday()]
    visitor = np.flatnonzero(joined_today | (rng.random(len(chance)) < chance))
    who = np.repeat(visitor, 1 + rng.poisson(0.35, len(visitor)))
    events = _sessions(rng, shop, people, who)
    person = who[events.session]
    is_visitor_unknown = rng.random(len(who)) < UNKNOWN_SHARE
    is_unknown = (events.kind == VIEW) & is_visitor_unknown[events.session]
    names, prices, _ = _products(shop.seed)
    has_product = events.product != NO_PRODUCT
    product = np.where(has_product, events.product, 0)
    sale = 0.8 if ordinal % 30 < 3 else 1.0
    midnight = dt.datetime.combine(day, dt.time(), ZONE).timestamp()
    milliseconds = ((midnight + events.second) * 1000).astype(np.int64)
    channels, devices = list(CHANNELS), list(DEVICES)
    frame = pl.DataFrame(
        {
            "event_id": [f"{ordinal:x}-{number:05x}" for number in range(len(person))],
            "occurred_at": pl.Series(milliseconds).cast(pl.Datetime("ms", "UTC")),
            "customer_id": [f"c{number:08x}" for number in people.number[person].tolist()],
            "event": pl.Series(events.kind.astype(np.uint8)).cat.to(pl.Enum(EVENTS)),
            "product_id": [f"p{position:03d}" for position in product.tolist()],
            "product_name": [names[position] for position in product.tolist()],
            "category": [CATEGORIES[position % len(CATEGORIES)] for position in product.tolist()],
            "order_id": [f"o{ordinal:x}{number:04x}" for number in events.session.tolist()],
            "quantity": events.quantity,
            "unit_price": np.round(prices[product] * sale, 2),
            "channel": [channels[position] for position in people.channel[person].tolist()],
            "device": [devices[position] for position in people.device[person].tolist()],
            "landed": _landing_days(rng, milliseconds),
        },
        schema_overrides=dict.fromkeys(TEXT_COLUMNS, pl.String),
    )
    product_columns = ["product_id", "product_name", "category", "quantity", "unit_price"]
    return frame.with_columns(
        pl.when(pl.Series(~is_unknown)).then(pl.col("customer_id")),
        pl.when(pl.Series(events.kind >= PURCHASE)).then(pl.col("order_id")),
        pl.when(pl.Series(has_product)).then(pl.col(product_columns)),
    )


def _sessions(rng: np.random.Generator, shop: Shop, people: Cohort, who: Ints) -> Events:
    """Return what happens in each session, those of `who`, by kind of event.

    Customers are lost on each step: view, cart, checkout, purchase.
    """
    hours = np.interp(rng.random(len(who)), draws.cumulative(HOUR_WEIGHTS), np.arange(25.0))
    n_views = rng.geometric(0.22, len(who))
    session = np.repeat(np.arange(len(who)), n_views)
    elapsed = np.cumsum(rng.exponential(70.0, len(session)) + 2.0)
    first = np.cumsum(n_views) - n_views
    second = hours[session] * 3600.0 + elapsed - elapsed[first][session]
    product = _viewed(rng, shop, people.taste[who[session]])
    converts = people.converts[who]
    in_cart = np.flatnonzero(rng.random(len(session)) < np.minimum(0.13 * converts[session], 0.8))
    checks_out = rng.random(len(who)) < 0.35 + 0.3 * draws.logistic(converts - 1.0)
    pays = checks_out & (rng.random(len(who)) < 0.72)
    with_cart = np.unique(session[in_cart])
    checkout = with_cart[checks_out[with_cart]]
    bought = in_cart[pays[session[in_cart]]]
    refunded = bought[rng.random(len(bought)) < REFUND_SHARE]

    last = second[np.cumsum(n_views) - 1]
    paid = last + 140.0
    cart_delay = rng.uniform(1.0, 60.0, len(in_cart))
    refund_delay = rng.uniform(0.5, MAX_REFUND_DAYS, len(refunded)) * 86_400
    quantity = 1 + rng.poisson(0.25, len(session))
    one = np.ones_like(quantity)
    parts = [
        Events.of(VIEW, session, product, second, one),
        Events.of(
            CART, session[in_cart], product[in_cart], second[in_cart] + cart_delay,
            quantity[in_cart],
        ),
        Events.of(
            CHECKOUT, checkout, np.full_like(checkout, NO_PRODUCT), last[checkout] + 75.0,
            np.ones_like(checkout),
        ),
        Events.of(
            PURCHASE, session[bought], product[bought], paid[session[bought]], quantity[bought]
        ),
        Events.of(
            REFUND, session[refunded], product[refunded], paid[session[refunded]] + refund_delay,
            quantity[refunded],
        ),
    ]  # fmt: skip
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Events(*(np.concatenate(column) for column in columns))


def _present(shop: Shop, ordinal: int) -> tuple[Cohort, Bools]:
    """Return the customers who have arrived and not left, and who of them arrived today."""
    cohorts = [_cohort(shop, day) for day in range(ordinal - LONGEST_LIFETIME_DAYS, ordinal + 1)]
    columns = zip(*(vars(cohort).values() for cohort in cohorts), strict=True)
    everybody = Cohort(*(np.concatenate(column) for column in columns))
    joined_today = np.zeros(len(everybody.number), dtype=np.bool_)
    joined_today[len(everybody.number) - len(cohorts[-1].number) :] = True
    stays = (everybody.leaves > ordinal) | joined_today
    return Cohort(*(column[stays] for column in vars(everybody).values())), joined_today[stays]


def _viewed(rng: np.random.Generator, shop: Shop, taste: Ints) -> Ints:
    """Return a product per view, more often than not of the customer's favourite category."""
    _, _, popularity = _products(shop.seed)
    product = draws.pick(popularity, rng.random(len(taste)))
    liked = product - product % len(CATEGORIES) + taste
    return np.where(rng.random(len(taste)) < 0.55, liked, product)


def _landing_days(rng: np.random.Generator, milliseconds: Ints) -> pl.Series:
    """Return the day whose file each event stands in: its own, or up to five days later."""
    own = (
        pl.Series(milliseconds)
        .cast(pl.Datetime("ms", "UTC"))
        .dt.convert_time_zone(str(ZONE))
        .dt.date()
    )
    late = rng.geometric(0.6, len(own)).clip(max=MAX_LATE_DAYS)
    days = np.where(rng.random(len(own)) < LATE_SHARE, late, 0)
    return own + pl.Series(days.astype(np.int64) * 86_400_000).cast(pl.Duration("ms"))


def _landed(frames: list[pl.DataFrame], day: dt.date) -> pl.DataFrame:
    """Return what lands on `day`, in order of time, some of the day before once more."""
    events = pl.concat(frames)
    yesterday = events.filter(pl.col("landed") == day - dt.timedelta(1))
    every = round(1 / TWICE_SHARE)
    again = yesterday.sort("occurred_at", "event_id").gather_every(every, offset=every // 10)
    return (
        pl.concat([events.filter(pl.col("landed") == day), again])
        .sort("occurred_at", "event_id")
        .drop("landed")
        .with_columns(
            pl.col("occurred_at")
            .dt.convert_time_zone(str(ZONE))
            .dt.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
        )
    )


def _write_day(folder: Path, day: dt.date, events: pl.DataFrame) -> Path:
    """Write one file, dated as if it had landed two hours after the end of its day."""
    path = folder / FILE_NAME.format(day=day)
    landed = dt.datetime.combine(day + dt.timedelta(1), dt.time(2), ZONE).timestamp()
    landed = min(landed, time.time())
    with written_whole(path) as part:
        events.write_ndjson(part)
        os.utime(part, (landed, landed))
    return path
