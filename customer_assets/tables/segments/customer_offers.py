"""---
description: >-
  One row per customer: the offer to make, with which product, why, by which way, and what
  contacting the customer is expected to earn; or why there is none. `export-customers --offers`
  writes those that may be made.
key: [customer_id]
requires: [actions]
columns:
  customer_id: {type: source, description: For whom.}
  kind: {type: varchar, description: 'Group that the action is for: segment or rule.'}
  segment: {type: varchar, description: Name of the group; null for a customer of none.}
  action:
    type: varchar
    description: Action of the customer's groups that is done first; null where none fits.
  priority: {}
  offer: {}
  channel: {}
  tone: {}
  timing: {}
  product_kind: {type: varchar, description: item or category; null where there is no product.}
  product: {}
  product_name: {}
  product_from:
    type: varchar
    description: >-
      recommendation (the customer's own interests, where these lists lead) or segment (what is
      typical of the customer's segment).
  reason: {type: varchar, description: 'The figures that action and product were chosen for.'}
  probability:
    type: double
    description: That the customer buys, by the champion; null where none is to be believed.
  expected_value:
    type: double
    description: >-
      What contacting the customer is expected to earn, less the contact; null where the source
      states no campaign or nothing is known of the customer.
  expected_value_low:
    type: double
    description: Low end of its 95 % interval, of customers alike on average.
  expected_value_high: {type: double, description: High end of the interval.}
  value_from:
    type: varchar
    description: >-
      uplift (measured by a hold-out of the group: what the contact causes) or response (buyers,
      some of whom would have bought anyway).
  why_no_value: {type: varchar, description: Why no value is expected; null where one is.}
  may_be_made:
    type: boolean
    description: Whether there is an action and nothing speaks against it.
  why_not: {type: varchar, description: Why it may not be made; null where it may.}
checks:
  - unexpected_rows_expectation:
      name: a_value_or_a_reason
      description: Where no value is expected it is said why.
      unexpected_rows_query: >-
        select * from {batch} where (expected_value is null) = (why_no_value is null)
  - unexpected_rows_expectation:
      name: an_offer_or_a_reason
      description: Who has no offer has the reason why not.
      unexpected_rows_query: select * from {batch} where may_be_made = (why_not is not null)
  - expect_column_pair_values_a_to_be_greater_than_b:
      {column_A: expected_value_high, column_B: expected_value_low, or_equal: true}
---
"""

import polars as pl

from customer_assets.advice.campaign import expected_audience
from customer_assets.advice.offers import (
    chosen_actions,
    recommended_products,
    responses,
    typical_products,
    uplifts,
)
from customer_assets.segments.groups import groups
from customer_assets.segments.known_customers import known_customers
from customer_assets.sources import Advice


def compute(
    customer_segments: pl.LazyFrame,
    segment_actions: pl.LazyFrame,
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    rule_segments: pl.LazyFrame | None = None,
    recommendations: pl.LazyFrame | None = None,
    segment_products: pl.LazyFrame | None = None,
    model_scores: pl.LazyFrame | None = None,
    model_predictions: pl.LazyFrame | None = None,
    campaign_economics: pl.LazyFrame | None = None,
    *,
    advice: Advice,
) -> pl.DataFrame:
    """Return the offers of all customers, what is not known of them left null."""
    has_consent = pl.col(advice.consent).fill_null(False) if advice.consent else pl.lit(True)
    known = known_customers(rfm, customers, rfem)
    offers = known.select("customer_id", has_consent.alias("has_consent")).collect()
    members = groups(customer_segments, rule_segments)
    offers = offers.join(
        chosen_actions(members, segment_actions.collect()), on="customer_id", how="left"
    )
    products, values = [], []
    if recommendations is not None:
        products.append(recommended_products(recommendations.collect()))
    if segment_products is not None:
        of_segments = customer_segments.select("customer_id", "segment").collect()
        typical = typical_products(segment_products.collect())
        products.append(of_segments.join(typical, on="segment").drop("segment"))
    if products:
        first = pl.concat(products).unique("customer_id", keep="first", maintain_order=True)
        offers = offers.join(first, on="customer_id", how="left")
        offers = offers.with_columns(
            pl.concat_str("reason", "product_reason", separator="; ", ignore_nulls=True)
        )
    if campaign_economics is not None:
        offers = offers.join(
            uplifts(campaign_economics.collect()), on=["kind", "segment"], how="left"
        )
        values.append("uplift")
    audience = advice.campaign and expected_audience(
        advice.campaign.question, model_scores, model_predictions
    )
    if advice.campaign and audience:
        found = responses(audience, advice.campaign)
        offers = offers.join(found, on="customer_id", how="left")
        values.append("response")
    why_not = (
        pl.when(pl.col("segment").is_null())
        .then(pl.lit("The customer is in no group."))
        .when(pl.col("action").is_null())
        .then(pl.lit("No action of the catalogue fits the customer's groups."))
        .when(~pl.col("has_consent"))
        .then(pl.lit("The customer has not agreed to be written to."))
    )
    no_value = "No model knows this customer."
    if not advice.campaign:
        no_value = "The source states no campaign, that is what a contact costs and a buyer brings."
    elif not audience:
        no_value = f"No model of {advice.campaign.question} is to be believed."
    value_from = pl.coalesce(
        None, *(pl.when(pl.col(f"{v}_value").is_not_null()).then(pl.lit(v)) for v in values)
    )
    return offers.select(
        pl.exclude("has_consent", "product_reason", "^(uplift|response)_.*$"),
        *(
            pl.coalesce(None, *(f"{basis}_{end}" for basis in values)).alias(name)
            for end, name in {
                "value": "expected_value",
                "low": "expected_value_low",
                "high": "expected_value_high",
            }.items()
        ),
        value_from.alias("value_from"),
        pl.when(value_from.is_null()).then(pl.lit(no_value)).alias("why_no_value"),
        why_not.alias("why_not"),
        why_not.is_null().alias("may_be_made"),
    )
