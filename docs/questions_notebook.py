"""The twelve questions of questions.md as a marimo notebook: `marimo edit docs/questions_notebook.py`."""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    from customer_assets import open_warehouse

    shop = open_warehouse("web_shop")
    return (shop,)


@app.cell
def _(shop):
    # How many customers are active in a week?
    shop.sql(
        "select interval_start, n_active, is_mature from lifecycle where period = 'week' order by 1"
    )
    return


@app.cell
def _(shop):
    # Which channel converts, in the last 30 days?
    shop.funnel(["view", "add_to_cart", "purchase"], window="7 days", by="channel", since="30 days")
    return


@app.cell
def _(shop):
    # Who comes back, by the channel that brought them?
    shop.retention(by="channel", period="week")
    return


@app.cell
def _(shop):
    # How many sessions has a customer?
    shop.sql(
        "select n, count(*) as customers from (select count(*) as n from sessions group by customer_id) group by n order by n"
    )
    return


@app.cell
def _(shop):
    # Which products come before a second purchase?
    shop.journeys(before="purchase", nth=2, of="item_name", steps=3)
    return


@app.cell
def _(shop):
    # Do more convert than in as many days before?
    shop.funnel(["view", "purchase"], window="1 day", since="9 days", compare="previous")
    return


@app.cell
def _(shop):
    # How much of the revenue comes from new customers, how much from those who return?
    shop.sql(
        "select nth = 1 as is_new, sum(net_value) as revenue from (select net_value, row_number() over (partition by customer_id order by ordered_ts) as nth from orders where customer_id is not null) group by 1 order by 1"
    )
    return


@app.cell
def _(shop):
    # How many days pass from the first visit to the first purchase? (null: there is none yet)
    shop.sql(
        "select datediff('day', first_event_date, first_purchase_date) as days, count(*) as customers from first_seen group by 1 order by 1"
    )
    return


@app.cell
def _(shop):
    # What did those do last who have not bought for ten days?
    shop.journeys(among="recency_days > 10", steps=4)
    return


@app.cell
def _(shop):
    # A funnel of my own
    shop.funnel(
        ["view", ["add_to_cart", "checkout"], {"event": "purchase", "value": {"at_least": 50}}],
        window="2 hours",
    )
    return


@app.cell
def _(shop):
    # A cohort of my own
    shop.retention("purchase", returns=["view", "purchase"], cohort="first_matching", period="week")
    return


@app.cell
def _(shop):
    # A segment of my own
    shop.segment("n_orders = 1 and recency_days > 7")
    return


if __name__ == "__main__":
    app.run()
