"""Actions are chosen by rules over the groups' figures, and say by which."""

import pytest

from customer_assets.advice.actions import check_action
from customer_assets.ingest import RuleError
from customer_assets_tests.advice.shop import ACTIONS, TOLD, frames
from customer_assets_tests.tables import computed


def advised(**changes):
    tables = {n: f for n, f in (frames() | changes).items() if f is not None}
    tables["segment_profile"] = computed("segment_profile", tables, TOLD)
    tables["segment_measures"] = computed("segment_measures", tables, TOLD)
    return {row["segment"]: row for row in computed("segment_actions", tables, TOLD).to_dicts()}


def test_each_group_gets_what_fits_its_figures():
    found = advised()
    assert (found["best"]["action"], found["rest"]["action"]) == ("thank", "ask")
    assert found["best"]["reason"] == "value share 93.8 %; orders 9 (all customers 5)"
    assert found["rest"]["reason"] == "buys probability 5.0 % (all customers 32.5 %)"
    assert found["best"]["n_customers"] == 20


def test_without_scores_what_needs_them_does_not_fit_and_is_told():
    found = advised(model_scores=None)
    assert found["rest"]["action"] is None
    assert found["rest"]["reason"] == "No action of the catalogue fits."


@pytest.mark.parametrize(
    "changes",
    [{"when": "unheard_of > 1"}, {"when": "segment"}, {"because": ["unheard_of"]},
     {"when": "n_orders > (select 1)"}],
)  # fmt: skip
def test_an_action_that_asks_for_what_is_not_there_is_refused(changes):
    for action in ACTIONS:
        check_action(action, ["n_orders", "buys_probability"])
    with pytest.raises(RuleError, match="action 'thank'"):
        check_action(ACTIONS[0].model_copy(update=changes), ["n_orders"])
