from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from customer_assets_tests.commerce.commerce_tables import Shop


@pytest.fixture
def open_shop() -> Iterator[Callable[..., Shop]]:
    """Return a function that opens a shop without events."""
    with ExitStack() as shops:
        yield lambda *source, **parameters: shops.enter_context(Shop(*source, **parameters))


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    return open_shop()
