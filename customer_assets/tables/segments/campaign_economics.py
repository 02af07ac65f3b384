"""---
description: >-
  One row per plan of the source's campaign: contacts, buyers, cost, profit and ROI, observed at
  the last cut-off whose horizon is over and expected of today's customers.
key: [basis, plan, target, n_contacts]
requires: [campaign]
columns:
  basis:
    type: varchar
    description: >-
      observed (customers at the last cut-off whose horizon is over, by what they did), expected
      (today's customers, by the champion's probability), or measured (today's members of a group,
      by what a campaign to it caused beside those whom it held out).
  plan:
    type: varchar
    description: >-
      everybody, nobody, best_n (the n_contacts most likely), within_budget (the most likely, as
      long as each earns and the budget pays), or a group: segment or rule.
  target: {type: varchar, description: Name of the segment or rule; null for the other plans.}
  n_contacts: {type: bigint, description: Customers to contact.}
  contact_share: {type: double, description: Their share of all.}
  n_buyers:
    type: double
    description: >-
      Buyers among them: observed, customers of equal score counting as their mean; or expected,
      the sum of the probabilities. Measured: those that the contact itself brings.
  hit_rate: {type: double, description: n_buyers / n_contacts; null for nobody and where measured.}
  cost: {type: "decimal(18,4)", description: n_contacts x contact_cost.}
  gross_margin: {type: "decimal(18,4)", description: n_buyers x margin.}
  profit:
    type: "decimal(18,4)"
    description: >-
      gross_margin - cost. Of the bases observed and expected a response: no uplift is claimed.
  profit_low:
    type: "decimal(18,4)"
    description: >-
      Low end of its 95 % interval: observed by Wilson; expected by chance and by how far totals
      of past cut-offs strayed from what was expected of them, in all n_past_totals.
  profit_high: {type: "decimal(18,4)", description: High end of the interval.}
  roi: {type: double, description: profit / cost; null where nothing is spent.}
  cost_per_buyer: {type: double, description: cost / n_buyers; null without a buyer.}
  is_best:
    type: boolean
    description: >-
      Whether it is the list to contact: all whose probability is above contact_cost / margin;
      nobody, where no one's is. Answers take no part in it.
  lowest_probability:
    type: double
    description: Of the best N the probability of the last one; null elsewhere.
  n_past_totals:
    type: bigint
    description: >-
      Past cut-offs whose actual beside expected totals widen the interval of an expected plan; 0:
      there are too few, it is of chance alone.
  is_season_known:
    type: boolean
    description: >-
      Of expected plans, whether the time ahead, some years back, was in the label of a past
      cut-off. Where not, what a season does to the total is in no figure. Null: undated.
  model: {type: varchar, description: 'Model that ranks the customers; null: none does.'}
  split:
    type: varchar
    description: Of observed rows, how the model was kept from their answers.
  cut_off_ts:
    type: bigint
    description: 'When the customers are looked at, epoch microseconds; 0: undated.'
  measured_by:
    type: varchar
    description: 'Campaign of campaign_uplift that the basis measured rests on; null elsewhere.'
  contact_cost: {type: double, description: 'Cost of a contact, as the source states it.'}
  margin: {type: double, description: 'What a buyer brings, as the source states it.'}
checks:
  - unexpected_rows_expectation:
      name: profit_is_margin_less_cost
      description: >-
        profit = gross_margin - cost, cost = n_contacts x contact_cost and gross_margin =
        n_buyers x margin.
      unexpected_rows_query: >-
        select * from {batch} where abs(profit - gross_margin + cost) > 0.001 or abs(cost -
        n_contacts * contact_cost) > 0.001 or abs(gross_margin - n_buyers * margin) > 0.001
  - unexpected_rows_expectation:
      name: best_is_best
      description: No other number of best contacts is expected to have a higher profit.
      unexpected_rows_query: >-
        select * from (select max(profit) as highest, max(profit) filter (where is_best) as best
        from {batch} where plan = 'best_n' and basis = 'expected') as profits where best is not
        null and highest > best + 0.001
  - expect_column_values_to_be_between: {column: hit_rate, min_value: 0, max_value: 1}
---
"""

from typing import Any

import polars as pl

from customer_assets.advice.campaign import (
    expected_audience,
    labelled_cut_offs,
    measured_plans,
    members_at_cut_off,
    observed_audience,
    plans,
)
from customer_assets.segments.groups import groups
from customer_assets.sources import Advice, Segments


def compute(
    customer_segments: pl.LazyFrame,
    customers: pl.LazyFrame | None = None,
    customer_features: pl.LazyFrame | None = None,
    rule_segments: pl.LazyFrame | None = None,
    model_predictions: pl.LazyFrame | None = None,
    model_scores: pl.LazyFrame | None = None,
    champions: pl.LazyFrame | None = None,
    campaign_uplift: pl.LazyFrame | None = None,
    *,
    advice: Advice,
    segments: Segments,
    campaign_label: str,
    campaign_among: str | None,
) -> pl.DataFrame | list[dict[str, Any]]:
    """Return the plans of both bases; those that the tables do not reach are left out."""
    campaign = advice.campaign
    assert campaign is not None
    members = groups(customer_segments, rule_segments)
    rows = []
    observed = observed_audience(
        campaign.question,
        campaign_label,
        campaign_among,
        customer_features=customer_features,
        customers=customers,
        champions=champions,
        model_predictions=model_predictions,
    )
    if observed is not None:
        then = members_at_cut_off(members, segments, campaign_label, customer_features, customers)
        rows += plans(observed, campaign, then)
    expected = expected_audience(
        campaign.question,
        model_scores,
        model_predictions,
        labelled_cut_offs(campaign_label, customer_features),
    )
    if expected is not None:
        rows += plans(expected, campaign, members)
    if campaign_uplift is not None:
        rows += measured_plans(campaign_uplift.collect(), campaign, members)
    if not rows:
        return []
    money = pl.col("cost", "gross_margin", "profit", "profit_low", "profit_high")
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        money.round(4).cast(pl.Decimal(18, 4))
    )
