"""A tiny hand-made click log in the form of the shipped source taobao."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

Click = tuple[int, str, str]


def land(landing: Path, file: str, clicks: Iterable[Click]) -> None:
    """Write clicks (customer, 'MM-DD HH:MM' of 2017 in Shanghai, event type) as a landed file."""
    landing.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{who},{who * 10 + len(kind)},{len(kind)},{kind},{epoch_seconds(at)}\n"
        for who, at, kind in clicks
    ]
    (landing / file).write_text("".join(lines))


def epoch_seconds(at: str) -> int:
    local = dt.datetime.strptime(f"2017-{at}", "%Y-%m-%d %H:%M")
    return int(local.replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())


def clicks_of_a_week(customers: Iterable[int]) -> list[Click]:
    """Return visits of every day from 11-25 to 12-01, some of them over midnight."""
    days = ["11-25", "11-26", "11-27", "11-28", "11-29", "11-30", "12-01"]
    clicks = []
    for who in customers:
        for number, day in enumerate(days):
            minute = (who * 7 + number) % 60
            clicks += [(who, f"{day} 10:{minute:02}", kind) for kind in ("pv", "pv", "cart")]
            clicks += [(who, f"{day} 23:{max(minute, 31)}", "pv"), (who, f"{day} 00:01", "pv")]
            if (who + number) % 3 == 0:
                clicks.append((who, f"{day} 12:00", "buy"))
    return clicks
