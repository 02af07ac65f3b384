"""Seeded draws that several sources share. The behaviour of one source stays in its module."""

import zlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def generator(source: str, seed: int, *parts: int) -> np.random.Generator:
    """Return the random stream of one part of one source's sample.

    Each part (a chunk of users, a day) has its own stream, so that it comes out the same
    whatever was drawn before it, and by whichever thread.
    """
    return np.random.Generator(np.random.PCG64([zlib.crc32(source.encode()), seed, *parts]))


def cumulative(weights: npt.ArrayLike) -> Floats:
    """Return the cumulative shares of `weights`, starting at 0 and ending at 1."""
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(weights, dtype=np.float64))])
    shares: Floats = sums / sums[-1]
    return shares


def pick(cumulative_shares: Floats, uniform: Floats) -> Ints:
    """Return the index whose share of the unit interval each uniform number falls into."""
    last = len(cumulative_shares) - 2
    found = np.searchsorted(cumulative_shares, uniform, side="right") - 1
    return np.clip(found, 0, last).astype(np.int64)


def share_out(total: int, weights: Floats, at_least: int = 1) -> Ints:
    """Return whole numbers that add up to `total`, in proportion to `weights`.

    Raises ValueError when `total` cannot give each its `at_least`.
    """
    left = total - at_least * len(weights)
    if left < 0:
        raise ValueError(f"{total} cannot be shared among {len(weights)}, {at_least} each")
    bounds = np.rint(cumulative(weights) * left).astype(np.int64)
    return at_least + np.diff(bounds)


def positions_within(counts: Ints) -> Ints:
    """Return 0, 1, 2 ... within each group, for groups of the given sizes, end to end."""
    starts = np.cumsum(counts) - counts
    return np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(starts, counts)


def logistic(values: Floats) -> Floats:
    odds: Floats = 1.0 / (1.0 + np.exp(-values))
    return odds
