"""Recommendations: made of the past only, judged by what came after, shown where they win."""

import random

import pytest
from sklearn.metrics import ndcg_score

TABLES = ("items", "customer_interests", "related_things", "recommendation_test",
          "recommendation_lists", "recommendation_quality", "recommendations")  # fmt: skip
CUT_OFF_DAY = 80


def tastes(seed=1, n_customers=90, by_taste=0.9):
    """Customers of six tastes among sixty products; the last ten days come after the cut-off."""
    draw = random.Random(seed)
    events = []
    for customer in range(n_customers):
        taste = customer % 6
        for n, item in enumerate(draw.sample(range(10), 8)):
            group = taste if draw.random() < by_taste else draw.randrange(6)
            day = draw.randrange(70) if n < 6 else 81 + draw.randrange(8)
            events.append({"customer": customer, "day": day, "second": n,
                           "item": f"p{group}{item}", "category": "all"})  # fmt: skip
    return [*events, {"customer": 0, "day": 90, "item": "p00", "category": "all"}]


@pytest.fixture
def shown(open_shop):
    shop = open_shop(view_event=None)
    shop.put(tastes())
    shop.table(*TABLES)
    return shop


def test_lists_that_win_are_shown_with_a_reason(shown):
    quality = {row["recommender"]: row for row in shown.table(TABLES[-2]).rows(named=True)}
    assert quality["related"]["is_shown"]
    assert quality["related"]["hit_rate"] > 2 * quality["popular"]["hit_rate"]
    recommended = shown.table(TABLES[-1])
    assert recommended["place"].max() <= 10
    same_taste = recommended["thing"].str.slice(0, 2) == recommended["because_of"].str.slice(0, 2)
    assert same_taste.mean() > 0.5


def test_what_was_bought_is_not_recommended(shown):
    again = "select count(*) from recommendations r join events e on r.customer_id = e.customer_id"
    assert shown.connection.execute(f"{again} and r.thing = e.item_id").fetchone() == (0,)


def test_nothing_after_the_cut_off_is_learned(open_shop):
    """Other events after the cut-off change who is asked, never what is recommended."""
    past = [event for event in tastes() if event["day"] <= CUT_OFF_DAY]
    lists = []
    for later in ("p59", "p11"):
        shop = open_shop(view_event=None)
        after = [{"customer": c, "day": 85, "item": later, "category": "all"} for c in range(90)]
        shop.put([*past, *after, {"customer": 0, "day": 90, "item": "p00", "category": "all"}])
        frame = shop.table(*TABLES[:5])
        lists.append({
            (row["recommender"], row["customer_id"], row["place"]): row["thing"]
            for row in frame.rows(named=True) if row["moment"] == "test"
        })  # fmt: skip
    both = {key[1] for key in lists[0]} & {key[1] for key in lists[1]}
    assert len(both) > 50
    first, second = ({k: v for k, v in each.items() if k[1] in both} for each in lists)
    assert first == second


def test_customers_without_taste_get_no_recommendations(open_shop):
    shop = open_shop(view_event=None)
    shop.put(tastes(by_taste=0))
    assert shop.table(*TABLES).is_empty()
    assert not shop.table(TABLES[-2])["is_shown"].any()


def test_order_of_rows_and_ties_do_not_matter(open_shop):
    frames = []
    for seed in (1, 2):
        shop = open_shop(view_event=None)
        events = tastes()
        random.Random(seed).shuffle(events)
        shop.put(events)
        shop.table(*TABLES)
        frames.append([shop.table(name) for name in TABLES])
    assert all(a.equals(b) for a, b in zip(*frames, strict=True))


def test_measures_are_those_of_scikit_learn(shown):
    tested = shown.table("recommendation_test")
    relevant = {c[0]: set(rows["thing"]) for c, rows in tested.group_by("customer_id")}
    lists = shown.table("recommendation_lists").filter(moment="test", recommender="related")
    things = sorted(shown.table("items")["item_id"])
    truth, scores, hits = [], [], 0
    for customer, wanted in relevant.items():
        places = dict(lists.filter(customer_id=customer).select("thing", "place").iter_rows())
        truth.append([float(thing in wanted) for thing in things])
        scores.append([11.0 - places[thing] if thing in places else 0.0 for thing in things])
        hits += not wanted.isdisjoint(places)
    quality = shown.table("recommendation_quality").filter(recommender="related").row(0, named=True)
    assert quality["hit_rate"] == pytest.approx(hits / len(relevant))
    # Those outside of the list share places after the tenth.
    assert quality["ndcg"] == pytest.approx(
        ndcg_score(truth, scores, k=10, ignore_ties=False), abs=0.02
    )


def test_few_products_are_no_choice(shop):
    shop.put([{"customer": c, "item": f"p{c % 9}", "day": c % 90} for c in range(200)])
    assert shop.table(*TABLES[:2]).is_empty()


def test_lists_that_lose_to_what_is_popular_lately_are_not_shown(open_shop):
    """Everybody turns to new products within the last horizon: tastes of old say nothing."""
    shop = open_shop(view_event=None)
    draw = random.Random(5)
    past = [event for event in tastes() if event["day"] < 70]
    fashion = [
        {"customer": c, "day": day, "item": f"new{item}", "category": "all"}
        for c in range(90)
        for day, n in ((76, 2), (84, 3))
        for item in draw.sample(range(5), n)
    ]
    shop.put([*past, *fashion, {"customer": 0, "day": 90, "item": "p00", "category": "all"}])
    shop.table(*TABLES)
    quality = {row["recommender"]: row for row in shop.table(TABLES[-2]).rows(named=True)}
    assert quality["popular_lately"]["hit_rate_lead_low"] <= 0
    assert not quality["related"]["is_shown"]
    assert shop.table(TABLES[-1]).is_empty()
