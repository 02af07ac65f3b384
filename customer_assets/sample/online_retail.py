"""A look-alike of UCI Online Retail, in the form of the CSV that circulates on Kaggle.

One file `online_retail.csv`: latin-1, header, `m/d/yy H:MM` dates, customer ids as floats.
Belongs here: this shop's behaviour and the quirks of its books. The wares are in
`gift_catalogue`, the columns of an invoice in `invoice_lines`.

Behaviour: customers join through the year (many were there before it), buy at a rate of their
own (gamma, heavy-tailed), and leave for good (exponential), as in the BG/NBD family of models;
days are weighted by season and weekday; baskets gather around themes. A small sample has more
customers and smaller baskets than the real shop, so that models have customers to learn from.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from customer_assets.sample import draws, gift_catalogue, invoice_lines
from customer_assets.sample.draws import Bools, Floats, Ints
from customer_assets.sample.files import written_whole
from customer_assets.sample.invoice_lines import (
    BAD_DEBT,
    CANCELLATION,
    FIRST_DAY,
    N_DAYS,
    NO_CUSTOMER,
    PLAIN,
    Lines,
    with_own_invoices,
)

DEFAULT_ROWS = 20_000
MINIMUM_ROWS = 1_000
FILE_NAME = "online_retail.csv"

# The log ends in the middle of its last day, 2011-12-09 12:50.
END_MINUTE = (N_DAYS - 1) * 1440 + 12 * 60 + 50
HOLIDAYS = [
    *(dt.date(2010, 12, 24) + dt.timedelta(days) for days in range(11)),
    *(dt.date(2011, 4, 22) + dt.timedelta(days) for days in range(4)),
    *(dt.date(2011, 4, 29), dt.date(2011, 5, 2), dt.date(2011, 5, 30), dt.date(2011, 8, 29)),
]
# Monday to Sunday; this shop is closed on Saturdays.
WEEKDAY_WEIGHTS = [0.86, 0.98, 1.0, 1.18, 0.87, 0.0, 0.5]
MONTH_WEIGHTS = {
    (2010, 12): 1.1, (2011, 1): 0.65, (2011, 2): 0.68, (2011, 3): 0.82, (2011, 4): 0.85,
    (2011, 5): 0.92, (2011, 6): 0.87, (2011, 7): 0.83, (2011, 8): 0.76, (2011, 9): 1.1,
    (2011, 10): 1.25, (2011, 11): 1.7, (2011, 12): 1.6,
}  # fmt: skip
HOUR_WEIGHTS = {
    6: 2, 7: 4, 8: 60, 9: 180, 10: 290, 11: 315, 12: 395, 13: 335, 14: 310, 15: 300,
    16: 190, 17: 115, 18: 30, 19: 20, 20: 3,
}  # fmt: skip

# Customers per country in the real log; the first two get one very large buyer each.
COUNTRY_WEIGHTS = {
    "EIRE": 3, "Netherlands": 9, "United Kingdom": 3950, "Germany": 95, "France": 87,
    "Spain": 31, "Belgium": 25, "Switzerland": 21, "Portugal": 19, "Italy": 15, "Finland": 12,
    "Austria": 11, "Norway": 10, "Australia": 9, "Channel Islands": 9, "Denmark": 9,
    "Cyprus": 8, "Sweden": 8, "Japan": 8, "Poland": 6, "Unspecified": 4, "USA": 4, "Canada": 4,
    "Israel": 4, "Greece": 4, "RSA": 1, "European Community": 1, "Iceland": 1, "Singapore": 1,
    "Malta": 2, "United Arab Emirates": 2, "Lebanon": 1, "Lithuania": 1, "Brazil": 1,
    "Czech Republic": 1, "Bahrain": 2, "Saudi Arabia": 1,
}  # fmt: skip
COUNTRIES = list(COUNTRY_WEIGHTS)
UK = COUNTRIES.index("United Kingdom")
# Countries that a sample must not lack, because loaders stumble over their names.
NEEDED_COUNTRIES = ["EIRE", "Netherlands", "Unspecified", "RSA", "European Community", "Germany"]

QUANTITY_STEPS = np.array([1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 36, 48, 72, 100, 144, 288, 600])

# Lines of each kind in the 541,909 of the real log.
REAL_ROWS = 541_909
CANCELLED_LINES = 9_288 - 77 - 16 - 34 - 63
NAMELESS_STOCK_LINES = 1_454
FREE_TEXT_LINES = 1_021
GIVEN_AWAY_LINES = 40
DUPLICATE_LINES = 5_268
TWO_STAMP_INVOICES = 43
TWO_COUNTRY_CUSTOMERS = 8
WALK_IN_SHARE = 0.244


@dataclass
class Customers:
    """The customers, column by column. Days count from the first day."""

    number: Ints
    country: Ints
    joined: Floats
    left: Floats
    orders_per_day: Floats
    basket: Floats
    bulk: Floats


def write(folder: Path, rows: int, seed: int, tell: Callable[[str], object]) -> list[Path]:
    """Write exactly `rows` invoice lines below `folder`; return the file.

    Raises ValueError below 1,000 rows, which have no room for every quirk.
    """
    if rows < MINIMUM_ROWS:
        raise ValueError(f"online_retail needs at least {MINIMUM_ROWS} rows, not {rows}")
    rng = draws.generator("online_retail", seed)
    catalogue = gift_catalogue.draw(rng)
    lines = invoice_lines.numbered(_all_lines(rng, catalogue, rows))
    path = folder / FILE_NAME
    with written_whole(path) as part:
        invoice_lines.write_csv(part, lines, catalogue.codes, catalogue.names, COUNTRIES)
    tell(f"online_retail: {rows:,} invoice lines in {path}")
    return [path]


def _all_lines(rng: np.random.Generator, catalogue: gift_catalogue.Catalogue, rows: int) -> Lines:
    def scaled(real: int, at_least: int = 2) -> int:
        return max(at_least, round(real * rows / REAL_ROWS))

    calendar = draws.cumulative(_day_weights())
    customers = _customers(rng, max(rows // 125, min(600, rows // 32)))
    extras = _extra_lines(rng, catalogue, calendar, scaled)
    n_cancelled, n_duplicates = scaled(CANCELLED_LINES), scaled(DUPLICATE_LINES)
    n_product_lines = rows - len(extras) - n_cancelled - n_duplicates
    n_walk_in = round(n_product_lines * WALK_IN_SHARE)
    sold = _customer_lines(rng, catalogue, calendar, customers, n_product_lines - n_walk_in)
    given_away = rng.choice(len(sold), scaled(GIVEN_AWAY_LINES), replace=False)
    sold.price[given_away] = 0
    _move_to_second_country(rng, sold, scaled(TWO_COUNTRY_CUSTOMERS))
    walk_in = _walk_in_lines(rng, catalogue, calendar, n_walk_in, scaled)
    cancelled = _cancelled_lines(rng, sold, n_cancelled)
    parts = with_own_invoices([sold, walk_in, cancelled, extras])
    _stamp_twice(rng, parts[0], scaled(TWO_STAMP_INVOICES))
    repeated = parts[0].take(rng.choice(len(parts[0]), n_duplicates, replace=False))
    return Lines.joined([*parts, repeated])


def _day_weights() -> Floats:
    weights = []
    for number in range(N_DAYS):
        day = FIRST_DAY + dt.timedelta(number)
        is_open = day not in HOLIDAYS
        weights.append(
            is_open * WEEKDAY_WEIGHTS[day.weekday()] * MONTH_WEIGHTS[day.year, day.month]
        )
    weights[-1] *= 0.5
    return np.array(weights)


def _customers(rng: np.random.Generator, n: int) -> Customers:
    weights = np.array(list(COUNTRY_WEIGHTS.values()), dtype=np.float64)
    country = draws.pick(draws.cumulative(weights), rng.random(n))
    needed = [COUNTRIES.index(name) for name in NEEDED_COUNTRIES]
    country[: len(needed)] = needed
    is_old = rng.random(n) < 0.2
    joined = np.where(is_old, rng.exponential(9.0, n), 365.0 * rng.random(n) ** 1.2)
    joined = np.minimum(joined, N_DAYS - 2.0)
    lifetime = np.where(rng.random(n) < 0.25, rng.exponential(30.0, n), rng.exponential(600.0, n))
    rate = rng.gamma(0.9, 0.018, n) + 0.001
    basket = rng.lognormal(0.0, 0.6, n)
    bulk = rng.lognormal(0.0, 0.8, n)
    # One wholesaler abroad in each of the first two countries, there from the first week.
    joined[:2], lifetime[:2], rate[:2], basket[:2], bulk[:2] = 2.0, 1e6, 0.4, 1.5, 4.0
    number = 12_346 + np.sort(rng.choice(int(n * 1.36) + 6, n, replace=False))
    rng.shuffle(number)
    return Customers(number, country, joined, joined + lifetime, rate, basket, bulk)


def _times(rng: np.random.Generator, calendar: Floats, low: Floats, high: Floats) -> Ints:
    """Return minutes of opening hours, drawn between two positions on the calendar (0 to 1)."""
    day = draws.pick(calendar, low + rng.random(len(low)) * (high - low))
    hours = draws.cumulative(list(HOUR_WEIGHTS.values()))
    hour = np.array(list(HOUR_WEIGHTS))[draws.pick(hours, rng.random(len(low)))]
    minute = day * 1440 + hour * 60 + rng.integers(0, 60, len(low))
    last_morning = END_MINUTE - rng.integers(0, 270, len(low))
    return np.where(minute > END_MINUTE, last_morning, minute)


def _any_times(rng: np.random.Generator, calendar: Floats, n: int) -> Ints:
    return _times(rng, calendar, np.zeros(n), np.ones(n))


def _customer_lines(
    rng: np.random.Generator,
    catalogue: gift_catalogue.Catalogue,
    calendar: Floats,
    customers: Customers,
    n_lines: int,
) -> Lines:
    """Return the lines of identified customers, postage and carriage included."""
    start = np.interp(customers.joined, np.arange(N_DAYS + 1), calendar)
    end = np.interp(customers.left, np.arange(N_DAYS + 1), calendar)
    repeats = rng.poisson(customers.orders_per_day * N_DAYS * (end - start))
    # The first order is what makes a customer: it falls where the customer joins.
    buyer = np.repeat(np.arange(len(repeats)), 1 + repeats)
    is_first = draws.positions_within(1 + repeats) == 0
    minute = _times(rng, calendar, start[buyer], np.where(is_first, start[buyer], end[buyer]))
    n_orders = len(buyer)
    weight = customers.basket[buyer] * rng.lognormal(0.0, 0.8, n_orders)
    counts = draws.share_out(n_lines, weight)
    order = np.repeat(np.arange(n_orders), counts)
    product = catalogue.baskets(rng, order, n_orders)
    bulk = customers.bulk[buyer][order] * rng.lognormal(1.45, 0.9, n_lines)
    quantity = QUANTITY_STEPS[np.searchsorted(QUANTITY_STEPS, bulk, side="right").clip(1) - 1]
    price = catalogue.wholesale_price(product, quantity)
    lines = Lines(
        invoice=order,
        prefix=np.zeros(n_lines, dtype=np.int64),
        code=catalogue.spelled(rng, product),
        name=catalogue.described(rng, product),
        quantity=quantity,
        minute=minute[order],
        price=price,
        customer=customers.number[buyer][order],
        country=customers.country[buyer][order],
    )
    _add_postage(rng, catalogue, lines)
    return lines


def _add_postage(
    rng: np.random.Generator, catalogue: gift_catalogue.Catalogue, lines: Lines
) -> None:
    """Turn the last line of some orders from abroad into postage, of others into carriage."""
    is_last = np.append(lines.invoice[1:] != lines.invoice[:-1], True)
    is_posted = is_last & (lines.country != UK) & (rng.random(len(lines)) < 0.5)
    is_carried = is_posted & (lines.country == COUNTRIES.index("EIRE"))
    for rows, code, prices in (
        (
            np.flatnonzero(is_posted & ~is_carried),
            "POST",
            [15_000, 18_000, 28_000, 40_000],
        ),
        (np.flatnonzero(is_carried), "C2", [50_000]),
    ):
        lines.code[rows] = lines.name[rows] = catalogue.position(code)
        lines.price[rows] = rng.choice(prices, len(rows))
        lines.quantity[rows] = 1 if code == "C2" else rng.integers(1, 5, len(rows))


def _move_to_second_country(rng: np.random.Generator, lines: Lines, n_customers: int) -> None:
    abroad = lines.country != UK
    frequent = _customers_with_orders(lines, abroad)
    for customer in rng.permutation(frequent)[:n_customers]:
        mine = lines.customer == customer
        lines.country[mine & (lines.invoice == lines.invoice[mine].max())] = UK


def _customers_with_orders(lines: Lines, where: Bools) -> Ints:
    """Return the customers with at least two orders among the given lines."""
    orders = np.unique(np.stack([lines.customer[where], lines.invoice[where]]), axis=1)
    customer, n_orders = np.unique(orders[0], return_counts=True)
    return customer[n_orders > 1]


def _walk_in_lines(
    rng: np.random.Generator,
    catalogue: gift_catalogue.Catalogue,
    calendar: Floats,
    n_lines: int,
    scaled: Callable[..., int],
) -> Lines:
    """Return the lines of nobody: long web orders at retail prices, and single till lines."""
    n_web = scaled(710)
    n_orders = max(n_web + 2, n_lines // 95)
    weight = np.where(
        np.arange(n_orders) < n_web,
        rng.lognormal(0.5, 1.0, n_orders),
        rng.exponential(0.1),
    )
    counts = draws.share_out(n_lines, weight)
    order = np.repeat(np.arange(n_orders), counts)
    product = catalogue.baskets(rng, order, n_orders)
    minute = _any_times(rng, calendar, n_orders)
    lines = Lines(
        invoice=order,
        prefix=np.zeros(n_lines, dtype=np.int64),
        code=catalogue.spelled(rng, product),
        name=catalogue.described(rng, product),
        quantity=rng.geometric(0.42, n_lines),
        minute=minute[order],
        price=catalogue.retail_price(product),
        customer=np.full(n_lines, NO_CUSTOMER),
        country=np.full(n_lines, UK),
    )
    last = (np.cumsum(counts) - 1)[:n_web]
    lines.code[last] = lines.name[last] = catalogue.position("DOT")
    lines.quantity[last] = 1
    lines.price[last] = np.rint(rng.lognormal(5.2, 0.9, n_web) * 100).astype(np.int64) * 10
    return lines


def _cancelled_lines(rng: np.random.Generator, sold: Lines, n: int) -> Lines:
    """Return `n` cancellations, each of a line sold before it; neighbours share an invoice."""
    first = rng.choice(len(sold), n, replace=False)
    runs = rng.geometric(0.42, n).clip(max=6)
    rows = np.repeat(first, runs) + draws.positions_within(runs)
    run = np.repeat(np.arange(n), runs)
    is_same_order = (rows < len(sold)) & (
        sold.invoice[rows % len(sold)] == sold.invoice[first[run]]
    )
    rows, run = rows[is_same_order][:n], run[is_same_order][:n]
    lines = sold.take(rows)
    # One wait per invoice; what would come after the end of the log comes before it.
    room = END_MINUTE - sold.minute[first] - 1.0
    wait = rng.exponential(12 * 1440, n) + 5.0
    wait = np.where(wait > room, rng.random(n) * np.maximum(room, 1.0), wait)
    minute = _next_open(sold.minute[first] + wait.astype(np.int64))[run]
    is_part = rng.random(n) < 0.4
    returned = np.where(is_part, 1 + (lines.quantity - 1) // 3, lines.quantity)
    lines.invoice, lines.prefix = run, np.full(n, CANCELLATION)
    lines.quantity, lines.minute = -returned, minute
    return lines


def _next_open(minute: Ints) -> Ints:
    open_days = np.flatnonzero(_day_weights() > 0)
    day = open_days[np.searchsorted(open_days, minute // 1440).clip(max=len(open_days) - 1)]
    time_of_day = np.clip(minute % 1440, 8 * 60, 18 * 60)
    return np.minimum(day * 1440 + time_of_day, END_MINUTE)


def _extra_lines(
    rng: np.random.Generator,
    catalogue: gift_catalogue.Catalogue,
    calendar: Floats,
    scaled: Callable[..., int],
) -> Lines:
    """Return the lines that are no sale of wares: stock, fees, vouchers, slips of the hand."""
    single: list[Lines] = []

    def add(
        n: int,
        code: str | Ints,
        price: Ints,
        quantity: Ints | int = 1,
        *,
        prefix: int = PLAIN,
        name: Ints | None = None,
        minute: Ints | None = None,
        customer: int = NO_CUSTOMER,
    ) -> None:
        codes = np.full(n, catalogue.position(code)) if isinstance(code, str) else code
        single.append(
            Lines(
                invoice=np.arange(n),
                prefix=np.full(n, prefix),
                code=codes,
                name=codes if name is None else name,
                quantity=np.broadcast_to(np.asarray(quantity, dtype=np.int64), (n,)),
                minute=_any_times(rng, calendar, n) if minute is None else minute,
                price=price,
                customer=np.full(n, customer),
                country=np.full(n, UK),
            )
        )

    def money(n: int, median: float, spread: float) -> Ints:
        return np.rint(rng.lognormal(np.log(median), spread, n) * 100).astype(np.int64) * 10

    n = scaled(NAMELESS_STOCK_LINES)
    sign = np.where(rng.random(n) < 0.59, -1, 1)
    products = rng.integers(0, catalogue.n_products, n)
    zero = np.zeros(n, dtype=np.int64)
    add(n, products, zero, sign * rng.geometric(0.03, n), name=np.full(n, -1))

    n = scaled(FREE_TEXT_LINES)
    sign = np.where(rng.random(n) < 0.46, -1, 1)
    products = rng.integers(0, catalogue.n_products, n)
    zero = np.zeros(n, dtype=np.int64)
    add(n, products, zero, sign * rng.geometric(0.02, n), name=catalogue.remarks(rng, n))

    n = scaled(571)
    add(n, "M", money(n, 8.0, 1.6), rng.geometric(0.5, n))
    add(1, "m", np.array([2_550]))
    add(1, "M", np.array([38_970_000]), -1, prefix=CANCELLATION)
    for code, real, median, spread in (
        ("D", 77, 23.0, 1.2),
        ("S", 63, 19.5, 1.1),
        ("AMAZONFEE", 34, 5900.0, 0.6),
        ("CRUK", 16, 400.0, 0.8),
    ):
        n = scaled(real)
        add(n, code, money(n, median, spread), -1, prefix=CANCELLATION)
    n = scaled(37)
    add(n, "BANK CHARGES", money(n, 80.0, 1.0))
    n = scaled(4)
    add(n, "PADS", np.full(n, 1))
    for pounds, real in ((10, 9), (20, 10), (30, 8), (40, 3), (50, 4)):
        n = scaled(real, at_least=1)
        add(n, f"gift_0001_{pounds}", np.full(n, round(pounds / 1.2 * 100) * 10))
    for code in ("DCGSSGIRL", "DCGSSBOY", "DCGS0003"):
        n = scaled(12, at_least=1)
        add(n, code, np.full(n, 3_290), rng.integers(1, 12, n))
    august_12 = (dt.date(2011, 8, 12) - FIRST_DAY).days * 1440 + 14 * 60 + 50
    add(
        3,
        "B",
        np.array([11_062_060, -11_062_060, -11_062_060]),
        prefix=BAD_DEBT,
        minute=august_12 + np.arange(3),
    )
    # A slip of the keyboard on the last day, taken back twelve minutes later.
    slip = END_MINUTE - 215
    for quantity, prefix, minute in (
        (80_995, PLAIN, slip),
        (-80_995, CANCELLATION, slip + 12),
    ):
        add(
            1,
            "23843",
            np.array([2_080]),
            quantity,
            prefix=prefix,
            minute=np.array([minute]),
            customer=16_446,
        )
    return Lines.joined(with_own_invoices(single))


def _stamp_twice(rng: np.random.Generator, lines: Lines, n_invoices: int) -> None:
    """Let the clock tick in the middle of some invoices, as they are typed in."""
    _, start, count = np.unique(lines.invoice, return_index=True, return_counts=True)
    long = np.flatnonzero(count > 2)
    for position in rng.permutation(long)[: min(n_invoices, len(long))]:
        middle = start[position] + count[position] // 2
        lines.minute[middle : start[position] + count[position]] += 1
