"""A source opened for questions: `open_warehouse("web_shop")`. What each question is stands here,
how it is answered in the modules beside."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from customer_assets.ask import cohorts, funnels, groups, paths, periods, statements
from customer_assets.ask.answering import AskError, Asking, Snapshot
from customer_assets.ask.cohorts import CohortMode, Measure, PeriodLength
from customer_assets.ask.period import When, stated_period, stretch
from customer_assets.sources.event_log import FunnelStep


def open_warehouse(name: str) -> "Shop":
    """Open the published tables of a source for questions, as its readers see them now.

    They stay the same for all questions that are asked of it, whatever is published meanwhile.
    Nothing is written and no lock is taken.

    Raises UnknownSourceError where no source has the name, AskError where nothing of it is
    published, ValueError where its `defs.yaml` is wrong, and DamagedFileError.
    """
    return Shop(Snapshot.of(name))


@dataclass(frozen=True)
class Shop:
    """What can be asked of a source. Every answer is a Polars frame; see each method.

    Days are given as `2026-09-01`; `since` also as a duration up to the end, `30 days` or `30d`.
    Left out, they are the first and the last complete day of the log. Raises AskError, which is a
    ValueError, where a question cannot be answered as it is asked.
    """

    snapshot: Snapshot
    asking: Asking = field(default_factory=Asking)

    def funnel(
        self,
        steps: Sequence[FunnelStep],
        window: str = "7 days",
        *,
        by: str | None = None,
        hold: str | None = None,
        since: When = None,
        until: When = None,
        compare: str | None = None,
        daily: bool = False,
    ) -> pl.DataFrame:
        """Return how many who take the first step reach each later one within the window.

        A step is an event type, a list of them, or conditions, as in a `defs.yaml`. `by` is a
        column of the events, whose value at the entry counts; `hold` one that is the same at each
        step of an attempt, such as item_id. One row per value and step (columns
        of the table `funnel_people`), over the days of entry whose windows are over; entries of
        the other days are `n_open_entries`. With `compare="previous"` the same of as many days
        before stands beside it, with the difference. `daily`: one row per day of entry, value and
        step (columns of the table `funnel`), each mature or not.
        """
        if compare not in (None, "previous"):
            raise AskError(f"compare={compare!r}: it is 'previous', or left out")
        with self.snapshot.ask(self.asking) as question:
            stated = funnels.stated_funnel(question, steps, window, by, hold)
            days = stretch(since, until, question.first_day, question.last_day)
            if daily:
                return funnels.daily(question, stated, days)
            rows = funnels.summary(question, stated, days)
            if compare is None:
                return rows
            before = stretch(days.before.first, days.before.last, question.first_day, days.last)
            return funnels.compared(rows, funnels.summary(question, stated, before))

    def funnel_page(
        self,
        steps: Sequence[FunnelStep],
        window: str = "7 days",
        *,
        by: str | None = None,
        hold: str | None = None,
        since: When = None,
        until: When = None,
    ) -> str:
        """Return the report's section on this funnel as an HTML page of its own."""
        with self.snapshot.ask(self.asking) as question:
            stated = funnels.stated_funnel(question, steps, window, by, hold)
            days = stretch(since, until, question.first_day, question.last_day)
            return funnels.page(question, stated, days)

    def retention(
        self,
        event: FunnelStep | None = None,
        *,
        returns: FunnelStep | None = None,
        by: str | None = None,
        period: PeriodLength = "week",
        cohort: CohortMode = "first_ever",
        measure: Measure = "n_day",
        since: When = None,
        until: When = None,
    ) -> pl.DataFrame:
        """Return who came back: one row per cohort and later interval (as the table `retention`).

        `event` starts a cohort, `returns` is coming back; left out, any event, and the same one.
        `by` parts customers by a column of the events: with `first_ever` by its value at their
        first event.
        """
        with self.snapshot.ask(self.asking) as question:
            days = stretch(since, until, question.first_day, question.last_day)
            return cohorts.retention(
                question,
                event,
                returns,
                by,
                period=period,
                cohort=cohort,
                measure=measure,
                first=days.first,
                last=days.last,
            )

    def retention_page(
        self,
        event: FunnelStep | None = None,
        *,
        returns: FunnelStep | None = None,
        period: PeriodLength = "week",
        since: When = None,
        until: When = None,
    ) -> str:
        """Return the report's section on retention as an HTML page of its own."""
        rows = self.retention(event, returns=returns, period=period, since=since, until=until)
        with self.snapshot.ask(self.asking) as question:
            return cohorts.page(question, rows, period)

    def paths(
        self, to: str | None = None, *, since: When = None, until: When = None
    ) -> pl.DataFrame:
        """Return the event types that led customers to an event of an item (table `paths`).

        `to` is that event, by default the purchase; the days are its days.
        """
        target = to or self.snapshot.log.purchase_event
        if target is None:
            raise AskError(f"{self.snapshot.name} names no purchase_event: say where paths lead to")
        with self.snapshot.ask(self.asking) as question:
            days = stretch(since, until, question.first_day, question.last_day)
            return paths.paths(question, target, days)

    def journeys(
        self,
        before: FunnelStep | None = None,
        *,
        nth: int = 1,
        of: str = "event_type",
        steps: int = 4,
        among: str | None = None,
        since: When = None,
        until: When = None,
    ) -> pl.DataFrame:
        """Return the last steps that customers took before a moment, most frequent first.

        The moment is the first event of `before` on the nth day that has one, so `nth=2` is the
        second purchase; left out, the end of what each customer did. Steps are values of the
        column `of` of the events; `among` is a group of customers, as in `segment`.
        """
        with self.snapshot.ask(self.asking) as question:
            days = stretch(since, until, question.first_day, question.last_day)
            return paths.journeys(
                question, before, nth=nth, of=of, steps=steps, among=among, period=days
            )

    def segment(self, group: str) -> pl.DataFrame:
        """Return what sets a group apart: one row per measure (as the table `segment_measures`).

        `group` is a condition over what is known of each customer, as in `segment_rules`:
        `n_orders = 1 and recency_days > 30`; or the name of a segment or rule of the source.
        """
        with self.snapshot.ask(self.asking) as question:
            return groups.segment(question, group)

    def compare(self, a: str, b: str) -> pl.DataFrame:
        """Return two groups, or two periods, side by side: one row per measure, the difference.

        Groups are as in `segment` and share nobody; periods are `2026-09-01...2026-09-30`.
        """
        first, second = stated_period(a), stated_period(b)
        if (first is None) != (second is None):
            raise AskError("compare two groups, or two periods, not one of each")
        with self.snapshot.ask(self.asking) as question:
            if first is not None and second is not None:
                known = question.first_day, question.last_day
                both = [stretch(each.first, each.last, *known) for each in (first, second)]
                return periods.compared(question, *both)
            return groups.compared(question, a, b)

    def people(
        self,
        group: str | None = None,
        *,
        steps: Sequence[FunnelStep] | None = None,
        window: str = "7 days",
        hold: str | None = None,
        reached: int = 1,
        lost: bool = False,
        since: When = None,
        until: When = None,
    ) -> pl.DataFrame:
        """Return the customers of a group with what is known of them, or those behind a funnel.

        Of a funnel's `steps`, with its `window` and `hold`: those who `reached` a step, by its
        number; `lost`: those of them who never got further.
        """
        if (group is None) == (steps is None):
            raise AskError("give a group, or the steps of a funnel")
        with self.snapshot.ask(self.asking) as question:
            if group is not None:
                return groups.people(question, group)
            stated = funnels.stated_funnel(question, steps or [], window, None, hold)
            days = stretch(since, until, question.first_day, question.last_day)
            return funnels.people(question, stated, days, reached, is_lost=lost)

    def sql(self, statement: str) -> pl.DataFrame:
        """Return the rows of one SELECT over the source's tables, named `orders` or
        `web_shop.orders`."""
        with self.snapshot.ask(self.asking) as question:
            return statements.select(question, statement)
