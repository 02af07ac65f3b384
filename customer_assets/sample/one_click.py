"""A look-alike of the One Click shop's table of customers and whether they buy less.

Four files, in Russian, as they circulate: `market_file.csv` (one row per customer, the label
among its columns), `market_money.csv` and `market_time.csv` (one row per customer and month),
`money.csv` (semicolons, decimal commas, CRLF). `market_time.csv` mixes its line ends.

Behaviour: a customer who looks at fewer pages and categories, stays for fewer minutes, buys at
sales, leaves goods in the cart and spent less two months ago is likelier to decline. The label
is drawn from the figures as they are written, with noise, so that no model can be perfect.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from customer_assets.sample import draws
from customer_assets.sample.draws import Bools, Floats, Ints
from customer_assets.sample.files import written_whole

DEFAULT_ROWS = 1_300
MINIMUM_ROWS = 100
FIRST_ID = 215_348
# No revenue in the two earlier months.
INACTIVE_IDS = [215_348, 215_357, 215_359]
OUTLIER_ID, OUTLIER_REVENUE = 215_380, 106_862.2
MISSPELT_ROWS = 10
DECLINED_SHARE = 0.383

HEADER = [
    "id", "Покупательская активность", "Тип сервиса", "Разрешить сообщать",
    "Маркет_актив_6_мес", "Маркет_актив_тек_мес", "Длительность", "Акционные_покупки",
    "Популярная_категория", "Средний_просмотр_категорий_за_визит",
    "Неоплаченные_продукты_штук_квартал", "Ошибка_сервиса ", "Страниц_за_визит",
]  # fmt: skip
CATEGORIES = {
    "Товары для детей": 329, "Домашний текстиль": 250, "Косметика и аксесуары": 223,
    "Техника для красоты и здоровья": 183, "Мелкая бытовая техника и электроника": 174,
    "Кухонная посуда": 138,
}  # fmt: skip
CURRENT, PREVIOUS, BEFORE_PREVIOUS = "текущий_месяц", "предыдущий_месяц", "препредыдущий_месяц"
MISSPELT_PREVIOUS = "предыдцщий_месяц"


def write(folder: Path, rows: int, seed: int, tell: Callable[[str], object]) -> list[Path]:
    """Write the four files for exactly `rows` customers below `folder`; return them.

    Raises ValueError below 100 rows, which have no room for every quirk.
    """
    if rows < MINIMUM_ROWS:
        raise ValueError(f"one_click needs at least {MINIMUM_ROWS} rows, not {rows}")
    rng = draws.generator("one_click", seed)
    ids = FIRST_ID + np.arange(rows)
    loyalty = rng.normal(0.0, 1.0, rows)

    def trait(mean: float, spread: float, pull: float, low: float, high: float) -> Floats:
        """Return a figure that leans on loyalty by the correlation `pull`."""
        own = rng.normal(0.0, 1.0, rows)
        return np.clip(mean + spread * (pull * loyalty + np.sqrt(1 - pull**2) * own), low, high)

    marketing = np.round(trait(4.25, 1.0, 0.45, 0.9, 6.6), 1)
    category_views = np.rint(trait(3.3, 1.35, 0.5, 1, 6)).astype(np.int64)
    pages = np.rint(trait(8.2, 4.0, 0.6, 1, 20)).astype(np.int64)
    minutes = np.rint(trait(13.3, 4.1, 0.5, 4, 23)).astype(np.int64)
    minutes_before = np.rint(trait(13.4, 4.0, 0.5, 5, 23)).astype(np.int64)
    unpaid = rng.poisson(np.exp(0.95 - 0.35 * loyalty)).clip(max=10)
    buys_at_sales = rng.random(rows) < draws.logistic(-2.0 - 0.9 * loyalty)
    promo = np.where(
        buys_at_sales, rng.uniform(0.7, 0.99, rows), rng.gamma(9.0, 0.0245, rows).clip(0, 0.5)
    )
    promo = np.round(np.where(rng.random(rows) < 0.01, 0.0, promo), 2)
    revenue = _revenue(rng, ids, loyalty)
    score = (
        0.28 * (pages - 8.2)
        + 0.13 * (minutes - 13.3)
        + 0.08 * (minutes_before - 13.4)
        + 0.5 * (category_views - 3.3)
        + 0.6 * (marketing - 4.25)
        - 0.35 * (unpaid - 2.8)
        - 2.2 * (promo - 0.32)
        + 0.0011 * (revenue[BEFORE_PREVIOUS].clip(3000, 7000) - 4800)
    )
    # Clear for most, and for some the contrary of what all figures say: no straight line of log
    # odds tells how likely that is.
    surprise = np.where(rng.random(rows) < 0.07, -1.0, 1.0)
    declines = _lowest(surprise * score + rng.logistic(0.0, 0.35, rows), DECLINED_SHARE)
    service = np.where(rng.random(rows) < 0.29, "премиум", "стандарт").astype(object)
    standard = np.flatnonzero(service == "стандарт")
    service[rng.choice(standard, min(MISSPELT_ROWS, len(standard)), replace=False)] = "стандартт"
    categories = list(CATEGORIES)
    favourite = draws.pick(draws.cumulative(list(CATEGORIES.values())), rng.random(rows))

    market_file = zip(
        ids.tolist(),
        np.where(declines, "Снизилась", "Прежний уровень").tolist(),
        service.tolist(),
        np.where(rng.random(rows) < 0.74, "да", "нет").tolist(),
        marketing.tolist(),
        (3 + draws.pick(draws.cumulative([0.25, 0.5, 0.25]), rng.random(rows))).tolist(),
        rng.integers(110, 1080, rows).tolist(),
        _promo_texts(promo.tolist()),
        [categories[position] for position in favourite],
        category_views.tolist(),
        unpaid.tolist(),
        rng.poisson(4.2, rows).clip(max=9).tolist(),
        pages.tolist(),
        strict=True,
    )
    months = [BEFORE_PREVIOUS, CURRENT, PREVIOUS]
    money_rows = [
        (customer, month, revenue[month][position])
        for position, customer in enumerate(ids.tolist())
        for month in months
    ]
    time_rows = [
        row
        for customer, now, before in zip(ids, minutes, minutes_before, strict=True)
        for row in ((customer, CURRENT, now), (customer, MISSPELT_PREVIOUS, before))
    ]
    profit = np.round(trait(4.0, 1.0, 0.0, 0.86, 7.43), 2)
    profit_rows = [
        (customer, f"{value:g}".replace(".", ","))
        for customer, value in zip(ids, profit, strict=True)
    ]
    paths = [
        _write(folder / "market_file.csv", HEADER, market_file),
        _write(folder / "market_money.csv", ["id", "Период", "Выручка"], money_rows),
        _write(
            folder / "market_time.csv", ["id", "Период", "минут"], time_rows, ends=("\n", "\r\n")
        ),
        _write(folder / "money.csv", ["id", "Прибыль"], profit_rows, ";", ends=("\r\n",)),
    ]
    tell(f"one_click: {rows:,} customers in {folder}")
    return paths


def _revenue(rng: np.random.Generator, ids: Ints, loyalty: Floats) -> dict[str, Floats]:
    """Return the revenue of each month; three customers had none before, one has far too much."""
    usual = 4_900 + 450 * rng.normal(0.0, 1.0, len(ids))
    two_ago = np.round(usual - 80 + 380 * loyalty + 250 * rng.normal(0.0, 1.0, len(ids)))
    one_ago = np.round(usual + 120 * loyalty + 500 * rng.normal(0.0, 1.0, len(ids)))
    now = np.round(usual + 300 + 850 * rng.standard_t(6, len(ids)), 1)
    is_inactive = np.isin(ids, INACTIVE_IDS)
    now = np.where(ids == OUTLIER_ID, OUTLIER_REVENUE, now.clip(2_758.7, 7_799.4))
    return {
        BEFORE_PREVIOUS: np.where(is_inactive, 0.0, two_ago.clip(2_800, 7_000)),
        PREVIOUS: np.where(is_inactive, 0.0, one_ago.clip(2_800, 7_500)),
        CURRENT: now,
    }


def _lowest(score: Floats, share: float) -> Bools:
    """Mark the given share of the customers, those with the lowest score."""
    lowest = np.zeros(len(score), dtype=np.bool_)
    lowest[np.argsort(score, kind="stable")[: round(share * len(score))]] = True
    return lowest


def _promo_texts(promo: Sequence[float]) -> list[str]:
    """Return the promo shares as text; none at all is written both 0 and 0.0."""
    texts = [str(value) for value in promo]
    none = [position for position, value in enumerate(promo) if value == 0.0]
    for position in none[::2]:
        texts[position] = "0"
    return texts


def _write(
    path: Path,
    header: Sequence[str],
    rows: "Sequence[Sequence[object]] | zip[tuple[object, ...]]",
    separator: str = ",",
    ends: Sequence[str] = ("\n",),
) -> Path:
    """Write rows of values that need no quotes, with the given line ends in turn."""
    lines = [header, *rows]
    with written_whole(path) as part:
        text = "".join(
            separator.join(map(str, line)) + ends[number % len(ends)]
            for number, line in enumerate(lines)
        )
        part.write_bytes(text.encode())
    return path
