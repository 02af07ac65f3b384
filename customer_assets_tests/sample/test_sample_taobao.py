from itertools import pairwise

import duckdb
import pytest

from customer_assets.sample import taobao, write_sample

COLUMNS = (
    "{'user_id': 'bigint', 'item_id': 'bigint', 'category_id': 'bigint', 'type': 'varchar',"
    " 'ts': 'bigint'}"
)
FIRST, LAST = taobao.FIRST_SECOND, taobao.FIRST_SECOND + taobao.N_SECONDS - 1


@pytest.fixture(scope="module")
def events(samples):
    """A function: the rows of a query over the table `events`, `n` being the row's number."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create table events as
            select row_number() over () as n, user_id, item_id, category_id, type, ts,
                (ts - {FIRST}) // 86400 as day, ts between {FIRST} and {LAST} as is_inside
            from read_csv(?, header = false, columns = {COLUMNS})
            """,
            [str(samples["taobao"] / "UserBehavior.csv")],
        )
        yield lambda query: connection.execute(query).fetchall()


def test_first_row_has_five_fields_and_no_header(samples):
    with (samples["taobao"] / "UserBehavior.csv").open() as file:
        user, item, category, behavior, stamp = file.readline().split(",")
    assert all(field.strip("-\n").isdigit() for field in (user, item, category, stamp))
    assert behavior == "pv"


def test_exactly_the_rows_asked_for(events):
    assert events("select count(*) from events") == [(200_000,)]


def test_behaviors_come_in_the_shares_of_the_real_log(events):
    shares = dict(events("select type, count(*) / 200000 from events group by type"))
    real = {"pv": 0.896, "cart": 0.055, "fav": 0.029, "buy": 0.020}
    assert shares == pytest.approx(real, rel=0.3)


def test_users_are_contiguous_and_in_no_order(events):
    runs, users, steps_back = events(
        """
        select count(*) filter (user_id is distinct from before), count(distinct user_id),
            count(*) filter (user_id < before)
        from (select user_id, lag(user_id) over (order by n) as before from events)
        """
    )[0]
    assert runs == users
    assert steps_back > users / 10


def test_page_views_outside_of_the_nine_days(events):
    (outside,) = events(
        "select count(*), count(*) filter (ts < 0), count(*) filter (type <> 'pv') from events"
        " where not is_inside"
    )
    assert 50 < outside[0] < 250
    assert outside[1] >= 2
    assert outside[2] == 0


@pytest.mark.parametrize(
    "quirk",
    [
        "select count(*) - count(distinct (user_id, item_id, category_id, type, ts)) from events",
        "select count(*) from (select 1 from events group by item_id"
        " having count(distinct category_id) > 1)",
        "select count(*) from (select 1 from events group by user_id, ts"
        " having count(distinct type) > 1)",
    ],
    ids=["duplicates", "two categories", "ties"],
)
def test_quirk_is_there_but_rare(events, quirk):
    assert 2 <= events(quirk)[0][0] <= 2_000


def test_rhythm_of_evenings_and_of_users_chosen_by_activity(events):
    (hour,) = events(
        f"select (ts - {FIRST}) // 3600 % 24 as hour from events where is_inside"
        " group by hour order by count(*) desc limit 1"
    )[0]
    assert hour in (20, 21, 22)
    users = dict(
        events("select day, count(distinct user_id) from events where is_inside group by day")
    )
    assert len(users) == 9
    assert users[8] > 1.2 * users[0]


def test_who_buys_on_the_last_day_can_be_learned_but_not_known(events, auc):
    rows = events(
        """
        select ln(1 + count(*) filter (type = 'pv' and day < 8)),
            ln(1 + count(*) filter (type = 'cart' and day < 8)),
            ln(1 + count(*) filter (type = 'buy' and day < 8)),
            max((type = 'buy' and day = 8)::int)
        from events where is_inside group by user_id order by user_id
        """
    )
    assert 0.6 < auc([row[:3] for row in rows], [row[3] for row in rows]) < 0.95


def test_many_chunks_of_users_make_one_file(tmp_path):
    (path,) = write_sample("taobao", tmp_path, rows=700_000, tell=lambda _: None)
    users = [line.partition(b",")[0] for line in path.read_bytes().splitlines()]
    assert len(users) == 700_000
    runs = 1 + sum(user != before for before, user in pairwise(users))
    assert runs == len(set(users))
    assert runs > taobao.USERS_PER_CHUNK


def test_last_row_may_be_cut_in_its_time_stamp(tmp_path):
    (path,) = taobao.write(tmp_path, 2_000, 1, lambda _: None, cuts_last_row=True)
    last = path.read_bytes().splitlines()[-1]
    assert last.endswith(b",15")
    assert last.count(b",") == 4
