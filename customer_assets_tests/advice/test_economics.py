"""The arithmetic of campaigns: identities, ties, order, and the published study."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_assets.advice.economics import (
    PastTotals,
    Terms,
    best_count,
    expected_range,
    gains,
    seen_range,
)

STUDY = Terms(contact_cost=10, margin=96)
customers = st.lists(st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.9]), st.booleans()), max_size=60)


def arrays(rows) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array([p for p, _ in rows], dtype=np.float64),
        np.array([b for _, b in rows], dtype=np.float64),
    )


def test_roi_doubles_while_profit_falls():
    """The Online Retail study: contact all, or the 1,517 that its model picks."""
    assert STUDY.profit(4070, 1380) == 91_780
    assert STUDY.profit(1517, 893) == 70_558
    assert STUDY.roi(4070, 1380) == pytest.approx(2.255, abs=5e-4)
    assert STUDY.roi(1517, 893) == pytest.approx(4.651, abs=5e-4)


@given(n=st.integers(0, 10**6), buyers=st.integers(0, 10**6),
       cost=st.just(0.0) | st.floats(0.001, 100),
       margin=st.floats(0, 1000))  # fmt: skip
def test_profit_is_margin_less_cost(n, buyers, cost, margin):
    terms = Terms(cost, margin)
    assert terms.profit(n, buyers) == pytest.approx(buyers * margin - n * cost)
    roi = terms.roi(n, buyers)
    assert roi is None or roi * terms.cost(n) == pytest.approx(terms.profit(n, buyers), abs=1e-3)


@given(rows=customers, seed=st.integers(0, 99))
def test_gains_do_not_depend_on_the_order_of_rows(rows, seed):
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    p, b = arrays(rows)
    assert gains(p, b).tolist() == gains(p[shuffled], b[shuffled]).tolist()


@given(rows=customers)
def test_gains_end_with_all_buyers_and_never_fall(rows):
    gained = gains(*arrays(rows))
    assert len(gained) == len(rows) + 1
    assert gained[0] == 0
    assert gained[-1] == pytest.approx(sum(b for _, b in rows))
    assert (np.diff(gained) >= -1e-12).all()


def test_equal_scores_share_their_buyers():
    gained = gains(np.array([0.9, 0.5, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0, 1.0]))
    assert gained.tolist() == pytest.approx([0, 1, 4 / 3, 5 / 3, 2, 3])


@given(rows=customers, cost=st.sampled_from([0.0, 1.0, 7.5, 50.0]), margin=st.floats(0, 100))
def test_no_number_of_contacts_is_expected_to_earn_more_than_the_best(rows, cost, margin):
    p, _ = arrays(rows)
    gained, terms = gains(p, p), Terms(cost, margin)
    profits = [terms.profit(n, gained[n]) for n in range(len(gained))]
    assert profits[best_count(p, terms)] == pytest.approx(max(profits), abs=1e-5)


def test_the_best_list_ends_where_a_contact_costs_more_than_it_brings():
    p = np.array([0.9, 0.5, 0.11, 0.1, 0.02])
    assert best_count(p, STUDY) == 3
    assert best_count(p, Terms(100, 96)) == 0


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_intervals_hold_what_was_seen(n, share):
    buyers = round(n * share)
    low, high = seen_range(n, buyers)
    assert 0 <= low <= buyers + 1e-9
    assert buyers - 1e-9 <= high <= n + 1e-9
    p = np.full(n, share)
    low, high = expected_range(p)
    assert 0 <= low <= p.sum() + 1e-9 <= high + 2e-9


def test_totals_that_strayed_before_widen_the_interval():
    p = np.full(1000, 0.3)
    chance = expected_range(p)
    expected = np.full(6, 300.0)
    strayed = PastTotals(expected, expected * [1.2, 0.8, 1.1, 0.9, 1.2, 0.8], np.full(6, 210.0))
    low, high = expected_range(p, strayed)
    # Student's t of six totals, times the root of their mean square: 2.447 x .173 of 300.
    assert (300 - low, high - 300) == pytest.approx((127.1, 127.1), abs=0.1)
    two = PastTotals(*(each[:2] for each in (strayed.expected, strayed.actual, strayed.chance)))
    assert expected_range(p, two) == chance


def test_a_budget_pays_for_whole_contacts():
    assert STUDY.affordable(5000) == 500
    assert Terms(0.1, 1).affordable(0.3) == 3
    assert Terms(0, 1).affordable(5) is None
