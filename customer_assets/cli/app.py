"""The application that commands are registered on, and what they do with errors of users."""

import contextlib
import datetime as dt
import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from customer_assets import settings
from customer_assets.disk import words_on
from customer_assets.history import prepare_dagster_home
from customer_assets.warehouse.manifest import DamagedFileError

app = typer.Typer(
    help="Customer behaviour, from raw logs to segments and reports.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="Name of the source: web_shop.")]


class UserError(Exception):
    """Something that the user can put right; the text says how. The command ends with 1."""


@contextlib.contextmanager
def told(*kinds: type[Exception]) -> Iterator[None]:
    """Tell errors of these kinds in their own words, without a traceback."""
    try:
        yield
    except kinds as error:
        raise UserError(str(error)) from error


def command(
    panel: str, example: str, name: str | None = None
) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a function as a command, under its own name; what it returns is the exit status.

    Its docstring is the help, with the example below.
    """

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        @functools.wraps(function)
        def run(*arguments: Any, **options: Any) -> None:
            raise typer.Exit(_status(lambda: function(*arguments, **options)))

        app.command(
            name or function.__name__.replace("_", "-"),
            help=function.__doc__,
            epilog=f"Example: customer-assets {example}",
            rich_help_panel=panel,
        )(run)
        return function

    return register


def _status(run: Callable[[], int | None]) -> int:
    try:
        return run() or 0
    except KeyboardInterrupt:
        return complain("stopped; what was published before stays as it is")
    except BrokenPipeError:
        # Who reads the output has seen enough; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UserError, settings.SettingError, DamagedFileError) as error:
        return complain(str(error))
    except OSError as error:
        named = error.filename and f"{error.filename}: {error.strerror}"
        return complain(words_on(error) or named or str(error))


def complain(text: str) -> int:
    print(f"customer_assets: {text}", file=sys.stderr)
    return 1


def in_place(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `--source NAME`, as it was once given, in the place of SOURCE."""
    given = list(arguments)
    for at, text in enumerate(given):
        if text == "--source" and at + 1 < len(given):
            return [given[0], given[at + 1], *given[1:at], *given[at + 2 :]]
        if text.startswith("--source="):
            return [given[0], text.partition("=")[2], *given[1:at], *given[at + 1 :]]
    return given


def days(text: str) -> list[dt.date]:
    """Return the days of `2017-11-25` or `2017-11-25...2017-11-30`."""
    from customer_assets.ask.period import stated_period

    try:
        period = stated_period(text)
    except ValueError as error:
        raise typer.BadParameter(str(error).removeprefix("Value error, ")) from error
    if period is None:
        raise typer.BadParameter("a day is written 2017-11-25, days 2017-11-25...2017-11-30")
    return period.days


Days = Annotated[
    Any,
    typer.Option(
        parser=days, metavar="DAY[...DAY]", help="Days, such as 2017-11-25...2017-11-30.",
    ),
]  # fmt: skip


def ready_history() -> Path:
    """Make Dagster's history fit to be used: no damaged file, no run that was killed."""
    import dagster as dg

    from customer_assets.components.liveness import report_gone_runs
    from customer_assets.history import put_away_damaged

    home = prepare_dagster_home()
    for text in put_away_damaged(home):
        print(f"customer_assets: {text}", file=sys.stderr)
    with dg.DagsterInstance.get() as instance:
        for run_id in report_gone_runs(instance):
            print(f"run {run_id} is reported as failed: its process is gone")
    return home


def _version(is_asked: bool) -> None:
    if is_asked:
        print(f"customer_assets {metadata.version('customer_assets')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which version."),
    ] = False,
) -> None:
    """Customer behaviour, from raw logs to segments and reports."""
