"""Local time and instants, for zones with every kind of change."""

import datetime as dt
import zoneinfo

import pytest
from ingest_shop import Shop, shop_source

from customer_assets.ingest.zones import zone

UTC = dt.UTC
ZONES = {
    "Europe/London": ("2023-01-01", "2024-12-31"),
    "America/Sao_Paulo": ("2017-01-01", "2019-12-31"),
    "Australia/Lord_Howe": ("2023-01-01", "2024-12-31"),
    "Pacific/Apia": ("2011-06-01", "2012-12-31"),
    "Africa/Casablanca": ("2023-01-01", "2024-12-31"),
    "Asia/Shanghai": ("2017-11-25", "2017-12-03"),
    "Asia/Kathmandu": ("1985-01-01", "1987-01-01"),
}


def microseconds(moment: dt.datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize("name", ZONES)
def test_local_and_utc_agree_with_zoneinfo(name, connection):
    """Of two equal hours the first is meant; a missing stamp moves forward by the gap."""
    first, last = map(dt.date.fromisoformat, ZONES[name])
    found, info = zone(name, first, last), zoneinfo.ZoneInfo(name)
    days = (last - first).days
    local = [
        dt.datetime.combine(first, dt.time()) + i * dt.timedelta(minutes=10)
        for i in range(days * 144)
    ]
    rows = connection.execute(
        f"select {found.offset_of_local('t')}, {found.offset_of_utc('t')} from "
        f"(select unnest(generate_series({microseconds(local[0])}, {microseconds(local[-1])}, "
        "600000000)) as t)"
    ).fetchall()
    for moment, (of_local, of_utc) in zip(local[::7], rows[::7], strict=True):
        expected = moment.replace(tzinfo=info, fold=0).utcoffset()
        assert dt.timedelta(microseconds=of_local) == expected, moment
        there = moment.replace(tzinfo=UTC).astimezone(info).utcoffset()
        assert dt.timedelta(microseconds=of_utc) == there, moment


def test_stamps_in_both_changes_of_the_clock_are_moved_and_counted(shop: Shop):
    shop.source = shop_source(timezone="Europe/London", last_day="2024-12-31")
    stamps = ["2024-03-31 00:59:59", "2024-03-31 01:30:00", "2024-03-31 02:30:00"]
    shop.land("spring.csv", "who,at,what,n,price\n" + "".join(f"a,{s},v,,\n" for s in stamps))
    stamps = ["2024-10-27 00:59:59", "2024-10-27 01:30:00", "2024-10-27 02:00:00"]
    at = dt.datetime(2024, 12, 1, tzinfo=UTC)
    shop.land("autumn.csv", "who,at,what,n,price\n" + "".join(f"a,{s},v,,\n" for s in stamps), at)
    shop.run()
    assert [str(at) for at in shop.rows("raw_events", "event_at")] == [
        "2024-03-31 00:59:59",
        "2024-03-31 02:30:00",
        "2024-03-31 02:30:00",
        "2024-10-27 00:59:59",
        "2024-10-27 01:30:00",
        "2024-10-27 02:00:00",
    ]
    hours = [ts // 1_000_000 % 86400 / 3600 for ts in shop.rows("raw_events", "event_ts")]
    assert [round(hour, 2) for hour in hours] == [1.0, 1.5, 1.5, 24.0, 0.5, 2.0]
    counts = shop.rows("landed_files", "file, n_repeated_times, n_missing_times")
    assert counts == [("autumn.csv", 1, 0), ("spring.csv", 0, 1)]


def test_epoch_stamps_get_the_local_day(shop: Shop):
    shop.source = shop_source(
        timezone="Asia/Shanghai",
        columns={"customer_id": "u", "event_at": {"from": "t", "format": "epoch_seconds"}},
    )
    midnight = int(dt.datetime(2024, 1, 4, 16, tzinfo=UTC).timestamp())
    shop.land("a.csv", f"u,t\na,{midnight - 1}\nb,{midnight}\nc,{midnight}.25\n")
    shop.run()
    days = shop.rows(
        "raw_events", "customer_id, event_date, event_ts - event_ts // 1000000 * 1000000"
    )
    assert [(who, day.day, part) for who, day, part in days] == [
        ("a", 4, 0),
        ("b", 5, 0),
        ("c", 5, 250_000),
    ]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-05", "2024-01-05 00:00"),
        ("2024-01-05 08:00", "2024-01-05 08:00"),
        ("2024-01-05T08:00:00Z", "2024-01-05 08:00"),
        ("2024-01-05T08:00:00z", "2024-01-05 08:00"),
        ("2024-01-05T08:00:00+08:00", "2024-01-05 00:00"),
        ("2024-01-05 08:00:00+0530", "2024-01-05 02:30"),
        ("2024-01-05 08:00:00.5 -05:00", "2024-01-05 13:00"),
        ("2024-01-05 08:00:00-05", "2024-01-05 13:00"),
        ("2024-01-05 08:00:00 UTC", "2024-01-05 08:00"),
    ],
)
def test_iso_stamps_with_and_without_a_zone(shop: Shop, text, utc):
    shop.land("a.csv", f"who,at,what,n,price\na,{text},v,,\n")
    shop.run()
    (found,) = shop.rows("raw_events", "event_at")
    assert found.isoformat(" ", "minutes") == utc
