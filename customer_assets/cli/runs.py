"""Commands that run something, or look after what runs."""

import shutil
import signal
import socket
from typing import Annotated

import typer

from customer_assets import settings
from customer_assets.cli.app import Days, Source, UserError, command, ready_history, told
from customer_assets.history import prepare_dagster_home

_PANEL = "Run"
_OF_SOURCES = "Only these sources, separated by commas."
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="Each file and chunk of days, and the rows of each table."),
]


@command(_PANEL, "demo --sources web_shop,taobao")
def demo(
    sources: Annotated[str | None, typer.Option(help=_OF_SOURCES)] = None,
    verbose: Verbose = False,
) -> int:
    """Run sources end to end, on samples where there are no files yet."""
    from customer_assets.demo import run_demo
    from customer_assets.project import UnknownSourceError

    settings.duckdb_limits()
    ready_history()
    # Whoever ends the demo ends its workers too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = [name.strip() for name in (sources or "").split(",") if name.strip()]
    with told(UnknownSourceError):
        return run_demo(names or None, verbose)


@command(_PANEL, "dev --port 3001")
def dev(
    port: Annotated[int, typer.Option(help="Port of this machine.", min=1, max=65535)] = 3000,
) -> int:
    """Open the Dagster UI on this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise UserError(
                f"port {port} is busy. Choose another: customer-assets dev --port {port + 1}"
            ) from None
    settings.duckdb_limits()
    home = ready_history()
    print(f"Dagster UI: http://127.0.0.1:{port}  (history in {home}; Ctrl-C ends it)")
    from customer_assets.dev import run_dev

    return run_dev(port)


@command(_PANEL, "refresh web_shop --days 2026-11-01...2026-11-07")
def refresh(source: Source, days: Days = None, verbose: Verbose = False) -> int:
    """Read what is new in the landing folder and recompute what follows from it."""
    return _launch("refresh", source, days, verbose)


@command(_PANEL, "train web_shop")
def train(source: Source, verbose: Verbose = False) -> int:
    """Train and judge the models of a source, and redo what rests on them."""
    return _launch("train", source, is_verbose=verbose)


@command(_PANEL, "report web_shop")
def report(source: Source) -> int:
    """Write the report of a source from what is published."""
    return _launch("report", source)


def _launch(purpose: str, source: str, days: Days = None, is_verbose: bool = False) -> int:
    settings.duckdb_limits()
    ready_history()
    from customer_assets import launch
    from customer_assets.project import UnknownSourceError

    with told(UnknownSourceError, ValueError):
        outcome = launch.launch(purpose, source, days, is_verbose)
    for failed in outcome.checks_failed:
        print(f"  failed: {failed}")
    print(f"{source}: {outcome.checks_passed} checks passed, {len(outcome.checks_failed)} failed")
    if not outcome.problem:
        print(f"report: {settings.reports_folder() / source / 'index.html'}")
    print(launch.summary([outcome]))
    if outcome.problem:
        raise UserError(outcome.problem)
    return 0


@command(_PANEL, "plan web_shop --days 2026-11-01")
def plan(source: Source, days: Days = None) -> int:
    """Say what would be redone, and at what cost; with --days as if these days had changed."""
    from customer_assets.ingest import LandingError
    from customer_assets.planning import plan_lines
    from customer_assets.project import UnknownSourceError

    with told(UnknownSourceError, LandingError, ValueError):
        lines = plan_lines(source, days, print)
    print("\n".join(lines))
    return 0


@command(_PANEL, "verify web_shop --customers 1000")
def verify(
    source: Source,
    customers: Annotated[
        int | None, typer.Option(help="Only so many, by a fixed sample.", min=1)
    ] = None,
) -> int:
    """Compare the tables with a computation over all events at once."""
    from customer_assets.project import UnknownSourceError
    from customer_assets.verification import verify_source

    with told(UnknownSourceError, ValueError):
        return 0 if verify_source(source, customers, print) else 1


@command(_PANEL, "doctor --deep")
def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare the bytes of every file too.")
    ] = False,
    mend: Annotated[
        bool,
        typer.Option("--mend", help="Report runs that were killed, put damaged history away."),
    ] = False,
) -> int:
    """Look for what is wrong here, and say what to do."""
    from customer_assets import doctor as looks

    if mend:
        for text in looks.mend():
            print(f"* {text}")
    findings = []
    for finding in looks.examine(deep):
        findings.append(finding)
        sign = "!" if finding.is_problem else "-" if finding.remedy else "+"
        print(f"{sign} {finding.subject}: {finding.text}")
        if finding.remedy:
            print(f"    {finding.remedy}")
    n_problems = sum(finding.is_problem for finding in findings)
    print("nothing is wrong" if not n_problems else f"{n_problems} to be mended, marked !")
    return 1 if n_problems else 0


@command(_PANEL, "clean")
def clean() -> int:
    """Remove everything generated, and nothing that was landed; not while a run writes."""
    from customer_assets.warehouse.lock import lock_holder

    for folder in sorted(settings.warehouse_folder().glob("*")):
        if holder := lock_holder(folder):
            raise UserError(f"{folder.name}: {holder} is writing; wait for it or end it first")
    settings.catalog_file().unlink(missing_ok=True)
    for generated in (
        settings.warehouse_folder(),
        settings.reports_folder(),
        settings.models_folder(),
        settings.dagster_home(),
        # A spill folder elsewhere may be somebody's own.
        settings.home() / "spill",
    ):
        shutil.rmtree(generated, ignore_errors=True)
    prepare_dagster_home()
    return 0
