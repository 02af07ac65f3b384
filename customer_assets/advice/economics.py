"""The arithmetic of a campaign: contacts, buyers, cost, profit, and how many to contact.

    profit = buyers x margin - contacts x cost        ROI = profit / (contacts x cost)

ROI is highest for the shortest list, profit seldom is: the list to contact is the one with the
highest profit. Pure functions of numbers; which customers they are about is said in `campaign`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_assets.intervals import Z, wilson
from customer_assets.learning.metrics import pays_for_contact

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

# Fewer past totals say nothing of how far they stray.
_FEWEST_TOTALS = 3


@dataclass(frozen=True)
class Terms:
    """What a contact costs and a buyer brings, before the cost of contacts, in one currency."""

    contact_cost: float
    margin: float

    def cost(self, n_contacts: float) -> float:
        return n_contacts * self.contact_cost

    def profit(self, n_contacts: float, n_buyers: float) -> float:
        return n_buyers * self.margin - self.cost(n_contacts)

    def roi(self, n_contacts: float, n_buyers: float) -> float | None:
        """Return profit per unit of cost; None where nothing is spent."""
        cost = self.cost(n_contacts)
        return self.profit(n_contacts, n_buyers) / cost if cost > 0 else None

    def cost_per_buyer(self, n_contacts: float, n_buyers: float) -> float | None:
        return self.cost(n_contacts) / n_buyers if n_buyers > 0 else None

    def affordable(self, budget: float) -> int | None:
        """Return how many contacts a budget pays for; None: any number."""
        return int(budget / self.contact_cost + 1e-9) if self.contact_cost > 0 else None


def gains(probability: "Floats", buys: "Floats") -> "Floats":
    """Return the buyers among the best 0, 1, 2 ... n customers by probability.

    Customers of equal probability cannot be told apart: each counts as the mean of them, so the
    order of rows does not matter. `buys` is 0 or 1 where it was seen, else the probability.
    """
    import numpy as np

    if len(probability) == 0:
        return np.zeros(1)
    # Within a tie in ascending order of `buys`: a sum of floats depends on the order.
    order = np.lexsort((buys, -probability))
    ranked = probability[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sizes = np.diff(np.r_[starts, len(ranked)])
    shared = np.repeat(np.add.reduceat(buys[order], starts) / sizes, sizes)
    return np.r_[0.0, np.cumsum(shared)]


def best_count(probability: "Floats", terms: Terms) -> int:
    """Return how many customers a contact pays for: those of a probability above cost / margin.

    No answer takes part: a number that is chosen on answers is not to be judged by them.
    """
    return int(pays_for_contact(probability, terms.contact_cost, terms.margin).sum())


def seen_range(n_contacts: int, n_buyers: float) -> tuple[float, float]:
    """Return the 95 % interval (Wilson) of the buyers among so many contacts, from those seen."""
    if n_contacts == 0:
        return 0.0, 0.0
    low, high = wilson(n_buyers, float(n_contacts))
    return max(0.0, n_contacts * low), n_contacts * high


@dataclass(frozen=True)
class PastTotals:
    """How many were expected to buy at past cut-offs, how many did, and what is chance alone.

    `chance` is the variance of the actual total if all probabilities are right.
    """

    expected: "Floats"
    actual: "Floats"
    chance: "Floats"

    @property
    def is_told(self) -> bool:
        return len(self.expected) >= _FEWEST_TOTALS

    def spread(self) -> tuple[float, float]:
        """Return the mean square of actual / expected - 1, and the part of it that is chance."""
        strayed = self.actual / self.expected - 1
        return float((strayed**2).mean()), float((self.chance / self.expected**2).mean())


def expected_range(probability: "Floats", past: PastTotals | None = None) -> tuple[float, float]:
    """Return the 95 % prediction interval of the buyers among contacts of these probabilities.

    Of chance, and of how far totals of past cut-offs strayed from what was expected of them, by
    Student's t for their number; without enough of them of chance alone.
    """
    expected = float(probability.sum())
    chance = float((probability * (1 - probability)).sum())
    half = Z * chance**0.5
    if past is not None and past.is_told and expected > 0:
        from scipy.stats import t

        strayed, of_chance = past.spread()
        # Fewer contacts than those totals were of meet with more chance.
        more = max(0.0, chance / expected**2 - of_chance)
        quantile = float(t.ppf(0.975, len(past.expected)))
        half = max(half, quantile * expected * (strayed + more) ** 0.5)
    return max(0.0, expected - half), min(float(len(probability)), expected + half)
