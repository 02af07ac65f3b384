import pytest

from customer_assets.intervals import wilson


def test_wilson_holds_for_all_and_none() -> None:
    assert wilson(51, 100) == pytest.approx((0.413, 0.606), abs=1e-3)
    assert wilson(0, 10)[0] == pytest.approx(0)
    assert wilson(10, 10)[1] == pytest.approx(1)
