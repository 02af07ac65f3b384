"""The arithmetic of a campaign: contacts, buyers, cost, profit, and how many to contact.

    profit = buyers x margin - contacts x cost        ROI = profit / (contacts x cost)

ROI is highest for the shortest list, profit seldom is: the list to contact is the one with the
highest profit. Pure functions of numbers; which customers they are about is said in `campaign`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_assets.intervals import Z, wilson

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

_RESAMPLES = 200
# Of more customers so many bins of neighbours by score are resampled.
_MOST_BINS = 5_000


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


def best_count(gained: "Floats", terms: Terms) -> int:
    """Return the number of contacts with the highest profit, the smallest of several."""
    import numpy as np

    profits = gained * terms.margin - np.arange(len(gained)) * terms.contact_cost
    return int(np.argmax(np.round(profits, 6)))


def seen_range(n_contacts: int, n_buyers: float) -> tuple[float, float]:
    """Return the 95 % interval (Wilson) of the buyers among so many contacts, from those seen."""
    if n_contacts == 0:
        return 0.0, 0.0
    low, high = wilson(n_buyers, float(n_contacts))
    return max(0.0, n_contacts * low), n_contacts * high


def expected_range(probability: "Floats") -> tuple[float, float]:
    """Return the 95 % interval of the buyers among contacts of these probabilities.

    Of chance alone: that the probabilities are right is taken for granted.
    """
    expected = float(probability.sum())
    half = Z * float((probability * (1 - probability)).sum()) ** 0.5
    return max(0.0, expected - half), min(float(len(probability)), expected + half)


def best_count_range(
    probability: "Floats", buys: "Floats", terms: Terms, random_state: int = 42
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return 95 % intervals of the best number of contacts, and of the profit that it makes.

    By bootstrap: customers are drawn again with replacement, and in each resample the best
    number is found anew. Rows must be in an order of their own (by customer).
    """
    import numpy as np

    n = len(probability)
    if n == 0:
        return (0.0, 0.0), (0.0, 0.0)
    order = np.argsort(-probability, kind="stable")
    edges = np.unique(np.linspace(0, n, min(n, _MOST_BINS) + 1).astype(np.int64))[:-1]
    sizes = np.diff(np.r_[edges, n])
    rates = np.add.reduceat(buys[order], edges) / sizes
    draw = np.random.default_rng(random_state)
    counts, profits = [], []
    for _ in range(_RESAMPLES):
        contacts = draw.multinomial(n, sizes / n)
        buyers = draw.binomial(contacts, np.clip(rates, 0, 1))
        earned = np.r_[0.0, np.cumsum(buyers * terms.margin - contacts * terms.contact_cost)]
        best = int(np.argmax(earned))
        counts.append(float(contacts[:best].sum()))
        profits.append(float(earned[best]))
    low, high = 0.025, 0.975
    return (
        (float(np.quantile(counts, low)), float(np.quantile(counts, high))),
        (float(np.quantile(profits, low)), float(np.quantile(profits, high))),
    )
