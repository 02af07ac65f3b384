"""Logs of the shipped sources that hold what engines could take differently.

Ties, nulls, copies, midnight, hours that a clock change skips or repeats, Sundays, days without a
row, decimals to the last digit, numbers around 2^31, texts beyond ASCII, returns of what was never
sold. Made by a fixed seed: the same files each time.
"""

import csv
import datetime as dt
import json
import random
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

BIG = 2**31
NAMES = [
    "Böx “grün”",
    "漢字の箱",
    "straße Ǆ ŉ",
    "mug, 'blue'",
    "a\\b",
    "ZZ top",
    "",
    "é",
    "é",
    "😀 tin",
]


def taobao(folder: Path) -> None:
    """Nine days in Shanghai; on the fourth nothing happens."""
    rng = random.Random(1)
    zone = ZoneInfo("Asia/Shanghai")
    first = dt.datetime(2017, 11, 25, tzinfo=zone)
    customers = [1, 2, 3, 17, BIG - 1, BIG, BIG + 1, 99]
    items = [*range(1, 60), BIG - 1, BIG, 5_000_000_000]
    rows = []
    for day in (0, 1, 2, 4, 5, 6, 7, 8):
        for customer in rng.sample(customers, 6):
            # Around midnight too; many at one instant, and gaps of just half an hour.
            for tick in sorted(
                rng.choices([0, 1, 2, 5, 8, 9, 60, 63, 66, 100, 141, 142, 143], k=9)
            ):
                at = first + dt.timedelta(days=day, minutes=10 * tick)
                # Some are liked by everybody.
                item = rng.choice(items[-9:] if rng.random() < 0.5 else items)
                kind = rng.choices(["pv", "cart", "fav", "buy"], [6, 2, 2, 2])[0]
                row = [customer, item, item % 53, kind, int(at.timestamp())]
                rows += [row] * rng.choices([1, 2], [9, 1])[0]
        midnight = first + dt.timedelta(days=day)
        rows.append([1, 1, 1, "pv", int(midnight.timestamp())])
        rows.append([1, 1, 1, "buy", int(midnight.timestamp()) - (1 if day else -1)])
    _write_csv(folder / "edge.csv", None, rows)


def online_retail(folder: Path) -> None:
    """Three weeks of a year, around both changes of the clock and at the end."""
    rng = random.Random(2)
    days = [dt.date(2010, 12, 1), dt.date(2010, 12, 31), dt.date(2011, 1, 30)]
    for start in (dt.date(2011, 3, 25), dt.date(2011, 10, 28), dt.date(2011, 11, 30)):
        days += [start + dt.timedelta(days=n) for n in (0, 1, 2, 3, 5, 8, 9)]
    codes = [
        "10002",
        "84406b",
        "84406B",
        "POST",
        "D",
        "M",
        "S",
        "BANK CHARGES",
        "gift_0001_20",
        "85123A",
    ]
    codes += [str(22_000 + n) for n in range(60)]
    prices = ["0.0001", "0.001", "1.2345", "2.55", "0", "38970", "0.29", "12.75"]
    rows = []
    for day in days:
        for order in range(12):
            number = 536_000 + rng.randrange(40)
            customer: object = rng.choice([12_346, 12_347, 12_348, 12_349, 17_850, BIG, ""])
            hour, minute = rng.choice([(0, 0), (1, 30), (2, 30), (9, 5), (23, 59)])
            at = f"{day} {hour:02}:{minute:02}:00"
            prefix = rng.choices(["", "C", "A"], [8, 3, 1])[0]
            for _ in range(rng.randrange(1, 5)):
                n = rng.choice([1, 2, 3, 10, 99_999, -1])
                quantity = -abs(n) if prefix == "C" else n
                code = rng.choice(codes)
                name = rng.choice([f"{rng.choice(NAMES)} BAG {code}", "RED CANDLE", ""])
                country = rng.choice(["United Kingdom", "Österreich", "Côte d'Ivoire", ""])
                line = [f"{prefix}{number + order}", code, name, quantity, at, rng.choice(prices)]
                rows += [[*line, customer, country]] * rng.choices([1, 2], [9, 1])[0]
    header = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"]
    _write_csv(folder / "edge.csv", [*header, "CustomerID", "Country"], rows)


def web_shop(folder: Path) -> None:
    """Two weeks in Berlin around the hour that comes twice; before that, days without a row."""
    rng = random.Random(3)
    first = dt.datetime(2026, 10, 18, tzinfo=dt.UTC)
    customers = ["anna", "Zoë", "李雷", "o'neil", "10", "9", "ß", None]
    folder.mkdir(parents=True, exist_ok=True)
    events = []
    for day in (0, 1, 2, 3, 6, 7, 8, 9, 13, 14):
        for _ in range(70):
            # Around midnight and the repeated hour of Berlin, in UTC; many at one instant.
            minutes = 10 * rng.choice([0, 1, 3, 4, 6, 7, 9, 60, 63, 66, 130, 131, 132, 133, 137])
            at = first + dt.timedelta(days=day, minutes=minutes)
            kind = rng.choices(
                ["view", "add_to_cart", "checkout", "purchase", "refund"], [8, 3, 2, 3, 1]
            )
            has_order = kind[0] in ("purchase", "refund")
            product = rng.randrange(60)
            events.append(
                {
                    "event_id": f"e{len(events) - rng.choice([0] * 20 + [1])}",
                    "occurred_at": at.isoformat(timespec="milliseconds"),
                    "customer_id": rng.choice(customers),
                    "event": kind[0],
                    "product_id": f"p{product}" if rng.random() < 0.95 else None,
                    "product_name": rng.choice(NAMES) + str(product),
                    "category": rng.choice(["tea", "Bücher", None]),
                    "order_id": f"o{rng.randrange(30)}" if has_order else None,
                    "quantity": rng.choice([1, 2, 0.5, 99_999, None]) if has_order else None,
                    "unit_price": rng.choice([0.0001, 19.99, 0, 12345.6789]) if has_order else None,
                    "channel": rng.choice(["search", "Soziales", None]),
                    "device": rng.choice(["phone", "desktop"]),
                }
            )
    text = "\n".join(json.dumps(event, ensure_ascii=False) for event in events)
    (folder / "events_2026-11-02.jsonl").write_text(text + "\n", encoding="utf-8")


WRITERS: dict[str, Callable[[Path], None]] = {
    "taobao": taobao,
    "online_retail": online_retail,
    "web_shop": web_shop,
}


def _write_csv(path: Path, header: list[str] | None, rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(([header] if header else []) + rows)
