import re
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from customer_assets.reports.charts import bars, drawing, ranges
from customer_assets.reports.sections import sales


def test_colours_are_classes_and_text_is_text() -> None:
    drawn = [bars.Bar("A & B", [(3.0, "accent")], "3", tip='say "<3>"')]
    wide, narrow = bars.ranked_bars("bars", drawn)
    for svg in (wide, narrow):
        assert ">A &amp; B</text>" in svg
        assert 'class="fill-accent' in svg
        assert '<title>say "&lt;3&gt;"</title>' in svg
        assert not re.search(r'style=|fill="#|stroke="#|xmlns|<style|<metadata', svg)


def test_a_partial_bar_is_hatched() -> None:
    whole, hatched = (
        bars.bars_in_time("b", [bars.Bar("Jan\n2024", [(1, "accent")], "1", is_hatched=is_hatched)])
        for is_hatched in (False, True)
    )
    assert "<pattern" not in whole[0]
    assert "<pattern" in hatched[0]
    assert "<pattern" in hatched[1]


def test_a_colour_that_is_no_role_is_refused() -> None:
    figure = drawing.new_figure(100, 50)
    drawing.add_plot(figure, (1, 1, 1, 1), (0, 1), (0, 1)).bar((0, 1), (0, 1), color="#ff0000")
    with pytest.raises(ValueError, match="no role"):
        drawing.as_svg(figure, "red")


@pytest.mark.parametrize(("value", "step"), [(0, 0), (1, 1), (50, 3), (51, 4), (100, 6), (-5, 0)])
def test_heat_steps_run_from_nothing_to_the_largest(value: float, step: int) -> None:
    assert drawing.heat_step(value, 100) == step


def test_nothing_sold_is_cold() -> None:
    assert drawing.heat_step(0, 0) == 0


def test_ranges_of_one_value_are_drawn() -> None:
    measure = ranges.Ranges("Orders", [(1, 1, 1)], ["1"], is_log=True)
    wide, _ = ranges.ranges("one", ["all"], [measure])
    assert ">Orders</text>" in wide


@pytest.mark.parametrize(
    ("revenue", "known", "ends"), [(10, 47, 10), (47, 10, 47), (5, -2, 5), (-3, 5, 0)]
)
def test_a_bar_of_sales_ends_at_its_number(revenue: int, known: int, ends: int) -> None:
    report: Any = SimpleNamespace(event_log=SimpleNamespace(currency="GBP"))
    row = {"net_revenue": Decimal(revenue), "customer_net_revenue": Decimal(known)}
    bar = sales._sales_bar(report, "Nov", "November 2011", row, is_hatched=False)
    assert sum(value for value, _ in bar.parts) == ends


def test_a_label_is_cut_to_its_room() -> None:
    assert drawing.fitted("mug", 40) == "mug"
    assert drawing.fitted("WORLD WAR 2 GLIDERS", 100) == "WORLD WAR 2…"
    assert len(drawing.fitted("\U0001f600" * 40, 100)) < 10
