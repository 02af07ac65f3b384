"""The wares of the online_retail look-alike: codes, names, prices, and what goes together.

Invoices and customers are in `online_retail`.
"""

from dataclasses import dataclass

import numpy as np

from customer_assets.sample import draws
from customer_assets.sample.draws import Floats, Ints

THEMES = [
    "RED RETROSPOT", "PINK POLKADOT", "WHITE HEART", "WOODLAND", "VINTAGE DOILY", "PAISLEY PARK",
    "BLUE HARMONY", "STRAWBERRY", "SKULLS", "DOLLY GIRL", "SPACEBOY", "CIRCUS PARADE",
    "APPLE BAKERY", "ALPHABET", "ROSES REGENCY", "UNION FLAG", "CHRISTMAS STAR", "SCANDINAVIAN",
    "PANTRY", "FRENCH BLUE", "IVORY LACE", "ANTIQUE SILVER", "SUKI", "CHARLOTTE", "JUMBO",
    "KIDS PARTY", "GARDEN", "ZINC", "GLASS BEADED", "ENAMEL", "WOODEN", "TEA PARTY", "LAVENDER",
    "GINGHAM", "BUTTERFLY", "OWL", "TRADITIONAL", "SET OF 3", "SET OF 6", "MINI",
    "ASSORTED COLOUR", "BLACK",
]  # fmt: skip
WARES = [
    "LUNCH BAG", "JUMBO BAG", "CAKE STAND", "T-LIGHT HOLDER", "BUNTING", "PAPER NAPKINS", "MUG",
    "TEA TOWEL", "HOT WATER BOTTLE", "PENCIL CASE", "DOORMAT", "WALL CLOCK", "PHOTO FRAME",
    "RIBBONS", "CAKE CASES", "LANTERN", "TRINKET BOX", "JAM JAR SET", "COAT HANGER",
    "CUSHION COVER", "STORAGE TIN", "MAGNETS", "NOTEBOOK", "GIFT WRAP", "CHOPPING BOARD",
    "BISCUIT TIN", "SCARF", "CANDLE", "SNACK BOXES", "PLACEMATS", "EGG CUP", "WATERING CAN",
    "MILK JUG", "BOWL", "PLATE", "STICKERS", "UMBRELLA", "PURSE", "NECKLACE", "BRACELET",
    "KEY RING", "SIGN", "HOOK", "DRAWER KNOB", "PARASOL", "PLAYING CARDS", "JIGSAW", "SOFT TOY",
    "SPOON", "APRON", "OVEN GLOVE", "BATH SPONGE", "SOAP DISH", "MIRROR", "TRAY", "BASKET",
    "STRING LIGHTS", "WREATH", "GARLAND", "GREETING CARD",
]  # fmt: skip
# Name and code of what is no ware, and of the wares that stand out by their spelling.
SPECIALS = {
    "POST": "POSTAGE",
    "DOT": "DOTCOM POSTAGE",
    "M": "Manual",
    "m": "Manual",
    "C2": "CARRIAGE",
    "D": "Discount",
    "S": "SAMPLES",
    "B": "Adjust bad debt",
    "BANK CHARGES": "Bank Charges",
    "AMAZONFEE": "AMAZON FEE",
    "CRUK": "CRUK Commission",
    "PADS": "PADS TO MATCH ALL CUSHIONS",
    "DCGSSGIRL": "GIRLS PARTY BAG",
    "DCGSSBOY": "BOYS PARTY BAG",
    "DCGS0003": "BOXED GLASS ASHTRAY",
    "23843": "PAPER CRAFT , LITTLE BIRDIE",
    **{
        f"gift_0001_{pounds}": f"Dotcomgiftshop Gift Voucher £{pounds}.00"
        for pounds in (10, 20, 30, 40, 50)
    },
}
REMARKS = [
    "check", "?", "damages", "damaged", "found", "sold as set on dotcom", "adjustment", "Damaged",
    "thrown away", "amazon", "??", "Found", "dotcom", "ebay", "wet damaged",
    "Unsaleable; destroyed.", "missing", "smashed", "wrongly marked", "MIA", "lost??", "crushed",
    "mailout", "OOPS ! adjustment",
]  # fmt: skip
REMARK_WEIGHTS = [
    159,
    47,
    45,
    43,
    25,
    20,
    16,
    14,
    9,
    8,
    7,
    8,
    6,
    5,
    5,
    9,
    4,
    3,
    3,
    2,
    2,
    2,
    3,
    1,
]
# Pounds at which wares are priced, in thousandths.
PRICE_POINTS = np.array(
    [190, 290, 420, 550, 650, 850, 1250, 1450, 1650, 1950, 2100, 2550, 2950, 3250, 3750, 4250,
     4950, 5950, 6750, 7950, 8500, 9950, 12_750, 14_950, 16_950, 19_950, 24_950, 39_950, 79_950,
     165_000, 295_000]
)  # fmt: skip
N_WITH_LOWER_CASE = 112
RENAMED_SHARE = 0.16


@dataclass
class Catalogue:
    """Codes and names by position: the products first, then specials, then other spellings.

    `price` is a position in PRICE_POINTS. Products of one theme stand together; `popularity`
    are their cumulative shares.
    """

    codes: list[str]
    names: list[str]
    n_products: int
    price: Ints
    theme: Ints
    popularity: Floats
    lower_case: Ints
    renamed: Ints
    first_remark: int

    def position(self, code: str) -> int:
        return self.codes.index(code)

    def baskets(self, rng: np.random.Generator, order: Ints, n_orders: int) -> Ints:
        """Return a product for each line: most from its order's theme, the rest from anywhere."""
        theme_of_order = self.theme[draws.pick(self.popularity, rng.random(n_orders))]
        bounds = np.searchsorted(self.theme, np.arange(int(self.theme.max()) + 2))
        theme = theme_of_order[order]
        low, high = self.popularity[bounds[theme]], self.popularity[bounds[theme + 1]]
        u = rng.random(len(order))
        is_from_theme = rng.random(len(order)) < 0.45
        product = draws.pick(self.popularity, np.where(is_from_theme, low + u * (high - low), u))
        for _ in range(3):
            again = _repeats(order, product)
            product[again] = rng.integers(0, self.n_products, len(again))
        return product

    def spelled(self, rng: np.random.Generator, product: Ints) -> Ints:
        """Return the code of each line; some codes are now and then typed in lower case."""
        lower = self.lower_case[product]
        return np.where((lower >= 0) & (rng.random(len(product)) < 0.12), lower, product)

    def described(self, rng: np.random.Generator, product: Ints) -> Ints:
        """Return the name of each line; some wares are renamed in the course of the year."""
        renamed = self.renamed[product]
        return np.where((renamed >= 0) & (rng.random(len(product)) < 0.25), renamed, product)

    def wholesale_price(self, product: Ints, quantity: Ints) -> Ints:
        """Return prices in thousandths of a pound; large quantities come a step cheaper."""
        step = np.searchsorted([24, 100], quantity, side="right")
        return PRICE_POINTS[(self.price[product] - step).clip(0)]

    def retail_price(self, product: Ints) -> Ints:
        return np.rint(PRICE_POINTS[self.price[product]] * 0.167).astype(np.int64) * 10

    def remarks(self, rng: np.random.Generator, n: int) -> Ints:
        """Return free text where a name should be."""
        return self.first_remark + draws.pick(draws.cumulative(REMARK_WEIGHTS), rng.random(n))


def _repeats(order: Ints, product: Ints) -> Ints:
    """Return the lines whose product stands in an earlier line of their order."""
    by_pair = np.lexsort((product, order))
    same = (np.diff(order[by_pair]) == 0) & (np.diff(product[by_pair]) == 0)
    return by_pair[1:][same]


def draw(rng: np.random.Generator) -> Catalogue:
    """Return a catalogue: each theme with each ware, some pairs missing."""
    pairs = [(theme, ware) for theme in range(len(THEMES)) for ware in range(len(WARES))]
    kept = np.flatnonzero(rng.random(len(pairs)) < 0.95)
    theme = np.array([pairs[position][0] for position in kept])
    n = len(kept)
    names = [f"{WARES[pairs[p][1]]} {THEMES[pairs[p][0]]}" for p in kept]
    names[0] = 'FLOWER GARLAND "LEIS" RED RETROSPOT'
    names[1] = "JAM JAR SET, RED RETROSPOT "
    numbers = 20_600 + np.sort(rng.choice(3_000, n, replace=False))
    suffixes = rng.choice(list("ABCDEFGLNPS"), n)
    codes = [
        f"{number}{suffix if has else ''}"
        for number, suffix, has in zip(
            numbers + 62_000 * (numbers % 7 == 0),
            suffixes,
            rng.random(n) < 0.3,
            strict=True,
        )
    ]
    weight = rng.lognormal(0.0, 1.3, n) * rng.lognormal(0.0, 0.5, len(THEMES))[theme]
    price = np.rint(rng.normal(9.5, 3.8, n)).astype(np.int64).clip(0, len(PRICE_POINTS) - 1)
    codes += SPECIALS
    names += SPECIALS.values()

    lower_case = np.full(n, -1)
    lettered = [p for p in np.argsort(-weight) if not codes[p].isdigit()][:N_WITH_LOWER_CASE]
    for position in lettered:
        lower_case[position] = len(codes)
        codes.append(codes[position].lower())
        names.append(names[position])
    renamed = np.full(n, -1)
    for position in np.flatnonzero(rng.random(n) < RENAMED_SHARE):
        renamed[position] = len(names)
        names.append(f"{names[position].strip()} DESIGN")
    first_remark = len(names)
    names += REMARKS
    return Catalogue(
        codes,
        names,
        n,
        price,
        theme,
        draws.cumulative(weight),
        lower_case,
        renamed,
        first_remark,
    )
