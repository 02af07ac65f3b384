"""How sample files come into view: whole, by rename, and known for samples by their content.

What is in them is each source's affair. A sample has the shapes of a real log and no mark of its
own; so beside the files the hidden file `.samples` names their contents, as `sha256sum` would.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_assets.warehouse.manifest import file_hash

SAMPLES = ".samples"


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends well.

    The temporary name is hidden and ends in `.part`, so that no glob over a landing folder
    takes it for data. It is removed when the block fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        _remember(part, path)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sample_contents(folder: Path) -> frozenset[str]:
    """Return the contents that `sample` wrote below a folder, by `file_hash`.

    A file that was renamed or moved within the folder stays known; one that was changed is none.
    """
    if not folder.is_dir():
        return frozenset()
    lines = [line for said in folder.rglob(SAMPLES) for line in said.read_text().splitlines()]
    return frozenset(line.partition(" ")[0] for line in lines)


def _remember(part: Path, path: Path) -> None:
    """Note a content before its file comes into view, so that no sample is ever taken for real."""
    line = f"{file_hash(part)}  {path.name}\n"
    said = path.with_name(SAMPLES)
    if not said.exists() or line not in said.read_text():
        with said.open("a") as file:
            file.write(line)
