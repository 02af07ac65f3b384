"""Which column of a landed file is which: headers as they are met against headers as expected."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from customer_assets.ingest.plain import FileRefusedError
from customer_assets.sources.customer_table import ReadColumn


def find_columns(
    columns: Mapping[str, ReadColumn], names: Sequence[str], absent: Container[str] = ()
) -> tuple[dict[str, int], list[str]]:
    """Return where a file has each column, and what was noticed.

    A header is looked for as it is spelled, then without regard to case, blanks and underscores.
    `names` are the file's headers in order, without those that are `absent` from it.

    Raises:
        FileRefusedError: a column is not there, or it is not clear which one it is.
    """
    positions: dict[str, int] = {}
    problems, notes = [], []
    for name, column in columns.items():
        exact = [i for i, met in enumerate(names) if met in column.spellings and met not in absent]
        plain = {_plain(spelling) for spelling in column.spellings}
        found = exact or [
            i for i, met in enumerate(names) if _plain(met) in plain and met not in absent
        ]
        if len(found) == 1:
            positions[name] = found[0]
            if not exact:
                notes.append(f"column {names[found[0]]!r} is read as {column.spellings[0]!r}")
        else:
            many = "more than one column" if found else "no column"
            problems.append(f"it has {many} {_listed(column.spellings, ' or ')} (for {name})")
    shared = [names[i] for i, n in Counter(positions.values()).items() if n > 1]
    if shared:
        problems.append(f"several columns of the source would be {_listed(shared)}")
    present = [met for met in names if met not in absent]
    if problems:
        raise FileRefusedError(f"{'; '.join(problems)}; its columns are {_listed(present)}")
    used = {names[i] for i in positions.values()}
    if unused := [met for met in present if met not in used]:
        notes.append(f"columns that nothing reads: {_listed(unused)}")
    return positions, notes


def _plain(header: str) -> str:
    return re.sub(r"[\s_\ufeff]+", "", header).casefold()


def _listed(names: Iterable[str], joined_by: str = ", ") -> str:
    shown = [repr(name[:80]) for name in names]
    return joined_by.join(shown[:50]) + (" ..." if len(shown) > 50 else "")
