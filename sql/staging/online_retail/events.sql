/* ---
description: >-
  One row per landed order line. Cancellations, bad debts, stock movements and lines that are
  free of charge are events of their own kind; charges that are no product are told by item_kind.
partition_by: event_date
succession: true
key: [customer_id, event_ts, event_type, order_id, item_id, item_name, quantity, unit_price, country, occurrence]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  return_event: {type: varchar, description: The event type that takes a purchase back.}
engine: duckdb
columns:
  customer_id: {type: source, description: Who ordered; null where the shop did not know.}
  event_ts: {type: bigint, description: "Time of the order line, epoch microseconds (UTC)."}
  event_at: {type: timestamp, description: "Time of the order line, business time."}
  event_date: {type: date, description: "Day of the order line, business time; the partition."}
  event_type: {type: varchar, description: "purchase, cancellation (invoice C...), bad_debt (invoice A...), stock_movement (a quantity below one without C) or free_of_charge (price 0)."}
  item_id: {type: source, description: "Stock code in upper case: the log writes some codes both ways."}
  item_name: {type: varchar, description: Description as entered; free text for stock movements.}
  category_id: {type: source, description: The log has no categories; always null.}
  order_id: {type: source, description: Invoice number.}
  quantity: {type: "decimal(18,4)", description: "Units, below zero where goods went back or were written off."}
  unit_price: {type: "decimal(18,4)", description: Price of one unit in GBP.}
  value: {type: "decimal(18,4)", description: Quantity x unit price in GBP.}
  item_kind: {type: varchar, description: "product, postage, discount, fee, manual, sample, gift_voucher or commission."}
  country: {type: varchar, description: Country as entered.}
  occurrence: {type: bigint, description: "k for the k-th of identical lines, which are kept."}
  n_copies: {type: bigint, description: Landed rows that this event stands for.}
  source_file: {type: varchar, description: Landed file that the row came from.}
checks:
  - expect_column_values_to_not_be_null: {column: event_ts}
  - expect_column_values_to_not_be_null: {column: order_id}
  - expect_column_values_to_be_in_set: {column: event_type, value_set: [purchase, cancellation, bad_debt, stock_movement, free_of_charge]}
  - expect_column_values_to_be_between: {column: quantity, min_value: -100000, max_value: 100000}
  - expect_column_values_to_be_between: {column: unit_price, min_value: 0, severity: warn}
  - expect_column_values_to_not_be_null: {column: item_name, severity: warn, mostly: 0.99}
--- */
with landed as (
    select
        customer_id,
        event_ts,
        event_at,
        event_date,
        upper(item_id) as item_id,
        item_name,
        category_id,
        order_id,
        quantity,
        unit_price,
        value,
        country,
        source_file
    from raw_events
),

classified as (
    select
        *,
        case
            when order_id like 'C%' then getvariable('return_event')
            when order_id like 'A%' then 'bad_debt'
            when quantity <= 0 then 'stock_movement'
            when unit_price = 0 then 'free_of_charge'
            else getvariable('purchase_event')
        end as event_type,
        case
            when item_id in ('POST', 'DOT', 'C2') then 'postage'
            when item_id = 'D' then 'discount'
            when item_id in ('AMAZONFEE', 'BANK CHARGES', 'B') then 'fee'
            when item_id = 'M' then 'manual'
            when item_id in ('S', 'PADS') then 'sample'
            when item_id = 'CRUK' then 'commission'
            when item_id like 'GIFT%' then 'gift_voucher'
            else 'product'
        end as item_kind
    from landed
)

select
    customer_id,
    event_ts,
    event_at,
    event_date,
    event_type,
    item_id,
    item_name,
    category_id,
    order_id,
    quantity,
    unit_price,
    value,
    item_kind,
    country,
    row_number() over (
        partition by
            customer_id, event_ts, event_type, order_id, item_id, item_name,
            quantity, unit_price, country
        order by source_file
    ) as occurrence,
    cast(1 as bigint) as n_copies,
    source_file,
from classified
