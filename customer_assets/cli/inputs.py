"""Commands about what goes in: samples, a look at files, a source of one's own."""

import inspect as introspection
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from customer_assets import settings
from customer_assets.add import OPTIONS, AddError
from customer_assets.add import add as add_source
from customer_assets.cli.app import Source, UserError, command, told
from customer_assets.history import prepare_dagster_home

_PANEL = "Bring data"
Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILES...", help="The raw files.", exists=True, dir_okay=False),
]


def _with_answers(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command an option for each doubt about a file that only a person can settle."""
    signature = introspection.signature(function)
    own = [p for p in signature.parameters.values() if p.name != "answers"]
    asked = [
        introspection.Parameter(
            name,
            introspection.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None, typer.Option(help=f"{meaning[0].upper()}{meaning[1:]}.")
            ],
        )
        for name, meaning in OPTIONS.items()
    ]

    def answered(**given: Any) -> int:
        answers = {name: said for name in OPTIONS if (said := given.pop(name, None))}
        return function(**given, answers=answers)

    answered.__name__, answered.__doc__ = function.__name__, function.__doc__
    answered.__signature__ = signature.replace(parameters=[*own, *asked])  # type: ignore[attr-defined]
    return answered


@command(_PANEL, "init shop")
def init(
    folder: Annotated[Path, typer.Argument(help="A folder that is empty or not there yet.")],
) -> int:
    """Make a project of your own: sources, tables and data in one folder."""
    from customer_assets.init import make_project

    made = make_project(folder)
    print(f"{made}\ncd {folder} && customer-assets add PATH/TO/log.csv --name my_shop")
    return 0


@command(_PANEL, "add log.csv --name my_shop --timezone Europe/London")
@_with_answers
def add(
    *,
    files: Files,
    name: Annotated[str, typer.Option(help="Of the source: my_shop.")],
    answers: dict[str, str],
) -> int:
    """From files to a finished report: land them, draft what they mean, run."""
    prepare_dagster_home()
    with told(AddError):
        defs = add_source(files, name, answers, print)
    # Dagster loads the definitions only now that the source is one of them.
    from customer_assets.demo import run_demo

    status = run_demo([name])
    if status:
        print(f"after a correction of {defs}: customer-assets demo --sources {name}")
    return status


@command(_PANEL, "inspect log.csv")
@_with_answers
def inspect(*, files: Files, answers: dict[str, str]) -> int:
    """Look at raw files and draft their defs.yaml; nothing is written."""
    from customer_assets.ingest.inspect import InspectError, draft_yaml
    from customer_assets.ingest.inspect import inspect as look_at
    from customer_assets.ingest.plain import FileRefusedError

    with told(InspectError, FileRefusedError):
        print(draft_yaml(look_at(files, answers)), end="")
    return 0


@command(_PANEL, "sample web_shop --rows 100000 --folder /tmp/web_shop")
def sample(
    source: Source,
    rows: Annotated[
        int | None, typer.Option(help="How many rows, about; each source has its own.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed writes the same rows.")] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Where to; by default its landing folder.")
    ] = None,
) -> int:
    """Write look-alike raw files of a source."""
    from customer_assets.sample import SOURCES, write_sample
    from customer_assets.suggestions import alternatives

    if source not in SOURCES:
        raise UserError(f"no samples of {source!r}{alternatives(source, SOURCES)}")
    started = time.monotonic()
    target = folder or settings.landing() / source
    for file in write_sample(source, target, rows=rows, seed=seed):
        print(f"{file}  {file.stat().st_size:,} bytes")
    print(f"{time.monotonic() - started:.1f} s")
    return 0
