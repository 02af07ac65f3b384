"""The logs that are measured: a Taobao-shaped one, and one of its kind that is 31 days long."""

from pathlib import Path

import duckdb

from customer_assets.sample import write_sample

SAMPLE_DAYS = 9
LONG_DAYS = 31
FIRST_SECOND = 1_511_539_200  # 2017-11-25 in Asia/Shanghai
FIELDS = {
    "user_id": "bigint",
    "item_id": "bigint",
    "category_id": "bigint",
    "behavior_type": "varchar",
    "timestamp": "bigint",
}


def read_sql(folder: Path) -> str:
    """Return a relation over the files of a folder, every field read as its type."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in FIELDS.items())
    return f"read_csv('{folder}/*.csv', header = false, columns = {{{columns}}})"


def write_log(folder: Path, rows: int) -> None:
    """Write the sample of `rows` events, unless it is there already."""
    if not folder.exists():
        write_sample("taobao", folder, rows=rows, tell=lambda text: None)


def write_long_log(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write about `rows` events of 31 days; return the files of the first 30, and of the last.

    The sample's nine days repeat until the log is full; every third customer comes back in each
    repetition, the others are new.
    """
    files = folder / "days_1_to_30.csv", folder / "day_31.csv"
    if all(file.exists() for file in files):
        return files
    write_log(folder / "sample", rows * SAMPLE_DAYS // LONG_DAYS)
    last_day = FIRST_SECOND + (LONG_DAYS - 1) * 86_400
    for file, condition in zip(
        files,
        (f"moment < {last_day}", f"moment >= {last_day} and moment < {last_day + 86_400}"),
        strict=True,
    ):
        duckdb.sql(
            f"""
            select
                case when user_id % 3 = 0 then user_id else user_id + n * 100000000 end as user_id,
                item_id, category_id, behavior_type,
                timestamp + n * {SAMPLE_DAYS * 86_400} as moment
            from {read_sql(folder / "sample")}, range({-(-LONG_DAYS // SAMPLE_DAYS)}) as again (n)
            where {condition} order by user_id, moment
            """
        ).write_csv(str(file), header=False)
    return files
