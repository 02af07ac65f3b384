"""Look-alike generators: each writes the raw files of one source, quirks included.

Belongs here: one module per source, and what they share (`draws`, `files`). The files are
deterministic: same arguments, same bytes, on any number of threads. Nothing here reads real
data, and no table may depend on a file coming from here; a report says so, and sets no published
figure beside it.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

SOURCES = ("online_retail", "taobao", "course_platform", "one_click", "web_shop")


def write_sample(
    source: str,
    folder: Path,
    *,
    rows: int | None = None,
    seed: int = 1,
    until: dt.date | None = None,
    tell: Callable[[str], object] = print,
) -> list[Path]:
    """Write a sample of `source` into `folder`; return its files.

    `rows` counts invoice lines (online_retail), events (taobao; web_shop: about), users
    (course_platform) or customers (one_click); by default few enough for a quick demo.
    `until` is the last day of web_shop, by default yesterday; the other sources are closed.
    `tell` takes one line about what was written. A file comes into view whole, by rename.
    Raises ValueError for an unknown source, or too few rows to hold the source's quirks.
    """
    from customer_assets.sample import course_platform, one_click, online_retail, taobao, web_shop

    if source not in SOURCES:
        raise ValueError(f"{source!r} has no sample; there are: {', '.join(SOURCES)}")
    if source == "web_shop":
        return web_shop.write(
            folder, web_shop.DEFAULT_ROWS if rows is None else rows, seed, until, tell
        )
    module = {
        "online_retail": online_retail,
        "taobao": taobao,
        "course_platform": course_platform,
        "one_click": one_click,
    }[source]
    return module.write(folder, module.DEFAULT_ROWS if rows is None else rows, seed, tell)


def write_next_day(
    folder: Path,
    *,
    rows: int | None = None,
    seed: int = 1,
    tell: Callable[[str], object] = print,
) -> Path:
    """Write the file of the day after the last one of the web_shop sample in `folder`.

    See `web_shop.write_next_day`.
    """
    from customer_assets.sample import web_shop

    return web_shop.write_next_day(folder, rows=rows, seed=seed, tell=tell)
