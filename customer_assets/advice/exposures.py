"""Who was on a list and who was held out of it: what a campaign's effect is measured from later.

Each list is a campaign, and is kept, one Parquet file each, never changed. A part of it, drawn by a
hash of the campaign's name and the customer, may be held out: what the campaign caused is then the
difference between its two arms.
"""

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

_SUFFIX = ".parquet"


def is_held_out(campaign: str, customer: object, share: float) -> bool:
    """Return whether a customer is in the share of a campaign that is not contacted.

    The same each time it is asked, and independent between campaigns, since the campaign's name is
    the salt of the hash.
    """
    digest = hashlib.sha256(f"{campaign}\0{customer}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


@dataclass(frozen=True)
class Exposures:
    """The campaigns of one source, by name."""

    folder: Path = field(repr=False)
    campaigns: tuple[str, ...] = ()

    @classmethod
    def below(cls, folder: Path) -> "Exposures":
        """Return what a source's folder holds; nothing where there is none."""
        return cls(folder, tuple(sorted(path.stem for path in folder.glob(f"[a-z]*{_SUFFIX}"))))

    def read(self) -> pl.DataFrame | None:
        """Return one row per campaign and customer of its list; None where there is no campaign."""
        if not self.campaigns:
            return None
        frames = [
            pl.read_parquet(self.folder / f"{name}{_SUFFIX}").with_columns(campaign=pl.lit(name))
            for name in self.campaigns
        ]
        return pl.concat(frames, how="diagonal")

    def contacts(self, since: dt.datetime) -> pl.DataFrame:
        """Return how many lists each customer has been on since then: customer_id, n_contacts."""
        listed = self.read()
        if listed is None:
            return pl.DataFrame(schema={"customer_id": pl.Null, "n_contacts": pl.UInt32})
        since_ts = round(since.timestamp() * 1_000_000)
        reached = listed.filter(~pl.col("is_held_out"), pl.col("exported_ts") > since_ts)
        return reached.group_by("customer_id").agg(pl.len().alias("n_contacts"))

    @contextlib.contextmanager
    def kept(self, campaign: str, drawn: pl.DataFrame) -> Iterator[None]:
        """Keep a campaign's arms, unless what stands in the `with` fails.

        Raises FileExistsError where the campaign has its arms already.
        """
        path = self.folder / f"{campaign}{_SUFFIX}"
        if path.exists():
            raise FileExistsError(
                f"campaign {campaign} has its list already; name another one by --campaign"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}")
        drawn.write_parquet(staged)
        staged.rename(path)
        try:
            yield
        except BaseException:
            path.unlink()
            raise


def draw(customers: pl.DataFrame, campaign: str, share: float, at: dt.datetime) -> pl.DataFrame:
    """Return the arms of a list: `customer_id`, `is_held_out`, `exported_ts`, `planned_share`."""
    held_out = [is_held_out(campaign, customer, share) for customer in customers["customer_id"]]
    return customers.select(
        "customer_id",
        pl.Series("is_held_out", held_out, pl.Boolean),
        pl.lit(round(at.timestamp() * 1_000_000), pl.Int64).alias("exported_ts"),
        pl.lit(share, pl.Float64).alias("planned_share"),
    )
