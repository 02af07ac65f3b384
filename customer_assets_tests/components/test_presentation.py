"""What the UI shows of a table stays small, and harmless whatever the data holds."""

import base64
import re

from customer_assets.components.presentation import SHOWN_AT_ONCE, bars


def test_bars_are_small_enough_to_be_shown_at_once():
    picture = bars([n % 97 for n in range(5000)], "2010-01-01", "2023-09-09")
    assert len(picture) < SHOWN_AT_ONCE
    image = re.search(r"base64,([^)]+)\)", picture)
    svg = base64.b64decode(image[1]).decode()
    assert svg.startswith("<svg ")
    assert picture.endswith("2010-01-01 to 2023-09-09")


def test_bars_of_nothing_and_of_losses_are_flat():
    assert "base64" in bars([0, 0], "a", "b")
    assert "base64" in bars([-5.0, 1.0], "a", "b")
