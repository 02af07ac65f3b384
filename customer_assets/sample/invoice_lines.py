"""Invoice lines of the online_retail look-alike as columns, and how they are written down.

What is on the lines is decided in `online_retail`.
"""

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from customer_assets.sample.draws import Ints

HEADER = [
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
    "Country",
]  # fmt: skip

FIRST_DAY = dt.date(2010, 12, 1)
N_DAYS = 374
FIRST_INVOICE = 536_365

NO_CUSTOMER = 0
PREFIXES = ["", "C", "A"]
PLAIN, CANCELLATION, BAD_DEBT = range(3)


@dataclass
class Lines:
    """Invoice lines, column by column.

    `invoice` tells invoices apart until they are numbered in order of time. `minute` counts
    from the first midnight; `price` is in thousandths of a pound; `code` and `name` are
    positions in the catalogue's lists, -1 an empty name; `country` one in a list of countries;
    `customer` 0 is none.
    """

    invoice: Ints
    prefix: Ints
    code: Ints
    name: Ints
    quantity: Ints
    minute: Ints
    price: Ints
    customer: Ints
    country: Ints

    def __len__(self) -> int:
        return len(self.invoice)

    def take(self, rows: Ints) -> "Lines":
        return Lines(*(column[rows] for column in vars(self).values()))

    @staticmethod
    def joined(parts: Sequence["Lines"]) -> "Lines":
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return Lines(*(np.concatenate(column) for column in columns))


def with_own_invoices(parts: Sequence[Lines]) -> list[Lines]:
    """Shift the invoices of each part past those of the parts before it."""
    shift = 0
    for part in parts:
        part.invoice = part.invoice + shift
        shift = int(part.invoice.max()) + 1
    return list(parts)


def numbered(lines: Lines) -> Lines:
    """Return the lines in the order of their invoices, numbered by time."""
    invoice, first = np.unique(lines.invoice, return_index=True)
    by_time = np.lexsort((invoice, lines.minute[first]))
    number = np.empty(int(invoice.max()) + 1, dtype=np.int64)
    number[invoice[by_time]] = FIRST_INVOICE + np.arange(len(invoice))
    lines.invoice = number[lines.invoice]
    return lines.take(np.argsort(lines.invoice, kind="stable"))


def write_csv(
    path: Path, lines: Lines, codes: Sequence[str], names: Sequence[str], countries: Sequence[str]
) -> None:
    """Write the lines as latin-1 CSV; codes, names and countries are lists of their texts."""
    texts = [*names, ""]
    days = [FIRST_DAY + dt.timedelta(number) for number in range(N_DAYS)]
    day_texts = [f"{day.month}/{day.day}/{day:%y}" for day in days]
    with path.open("w", encoding="latin-1", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(
            (
                f"{PREFIXES[prefix]}{invoice}",
                codes[code],
                texts[name],
                quantity,
                f"{day_texts[minute // 1440]} {minute // 60 % 24}:{minute % 60:02d}",
                price / 1000,
                float(customer) if customer else "",
                countries[country],
            )
            for invoice, prefix, code, name, quantity, minute, price, customer, country in zip(
                *(column.tolist() for column in vars(lines).values()), strict=True
            )
        )
