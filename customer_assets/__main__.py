"""The commands: `python -m customer_assets <command>`. Each is described by `--help`."""

import argparse
import datetime as dt
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from customer_assets import settings
from customer_assets.disk import words_on
from customer_assets.history import prepare_dagster_home
from customer_assets.warehouse.manifest import DamagedFileError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m customer_assets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    demo = commands.add_parser("demo", help="run sources end to end, on samples if need be")
    demo.add_argument("--sources", type=_names, help="only these, separated by commas")
    dev = commands.add_parser("dev", help="open the Dagster UI on this machine")
    dev.add_argument("--port", type=int, default=3000)
    sample = commands.add_parser("sample", help="write look-alike raw files of a source")
    sample.add_argument("--source", required=True)
    sample.add_argument("--rows", type=int, help="how many rows, about")
    sample.add_argument("--seed", type=int, default=1)
    sample.add_argument("--folder", type=Path, help="where to; default: its landing folder")
    inspect = commands.add_parser("inspect", help="look at raw files and draft their defs.yaml")
    inspect.add_argument("files", type=Path, nargs="+")
    _add_answers(inspect)
    add = commands.add_parser("add", help="from files to a finished report: land, draft, run")
    add.add_argument("files", type=Path, nargs="+")
    add.add_argument("--name", required=True, help="of the source: my_shop")
    _add_answers(add)
    plan = commands.add_parser("plan", help="say what would be redone, and at what cost")
    plan.add_argument("--source", required=True)
    plan.add_argument(
        "--days", type=_days, help="as if these days changed: 2017-11-25 or 2017-11-25...2017-11-30"
    )
    verify = commands.add_parser(
        "verify", help="compare the tables with a computation over all events at once"
    )
    verify.add_argument("--source", required=True)
    verify.add_argument("--customers", type=int, help="only so many, by a fixed sample")
    results = commands.add_parser("results", help="write what all models reach, as Markdown")
    results.add_argument("file", type=Path)
    results.add_argument("--data", default="", help="a sentence on the data, for its head")
    explain = commands.add_parser(
        "explain", help="follow a number to customers, events and rows of landed files"
    )
    explain.add_argument("--source", required=True)
    explain.add_argument("--table", required=True)
    explain.add_argument("--column", required=True, help="the column whose value is asked about")
    explain.add_argument(
        "--where", default="", help="which rows, as SQL: \"entry_date = '2025-03-01' and step = 2\""
    )
    explain.add_argument("--format", choices=("text", "csv", "json"), default="text")
    explain.add_argument("--limit", type=int, default=20, help="rows of each list in text")
    doctor = commands.add_parser("doctor", help="look for what is wrong here, and say what to do")
    doctor.add_argument("--deep", action="store_true", help="compare the bytes of every file too")
    doctor.add_argument(
        "--mend", action="store_true", help="report runs that were killed, put damaged history away"
    )
    advise = commands.add_parser("advise", help="say what to do, for whom, and what it would earn")
    advise.add_argument("--source", required=True)
    advise.add_argument("--cost", type=_amount, help="of a contact; default: as the source states")
    advise.add_argument("--margin", type=_amount, help="that a buyer brings; default: likewise")
    advise.add_argument("--budget", type=_amount, help="for contacts; default: likewise")
    advise.add_argument("--question", help="whose scores rank customers; default: likewise")
    customers = commands.add_parser(
        "export-customers", help="write a list of customers for a mailing tool, with a manifest"
    )
    customers.add_argument("--source", required=True)
    who = customers.add_mutually_exclusive_group(required=True)
    who.add_argument("--segment", help="the customers of a k-means segment")
    who.add_argument("--rule", help="the customers of a segment rule")
    who.add_argument("--best", type=int, metavar="N", help="the N most likely, with --question")
    who.add_argument(
        "--offers",
        nargs="?",
        const="all",
        metavar="ACTION",
        help="those who have an offer in customer_offers, with it; of one action where it is named",
    )
    customers.add_argument("--question", help="the question whose scores rank the best")
    customers.add_argument(
        "--hold-out",
        type=_share,
        default=0,
        metavar="10%%",
        help="part of them to leave out by chance, to see later what the list caused",
    )
    customers.add_argument("--campaign", help="its name in campaign_uplift; default: the folder's")
    customers.add_argument("folder", type=Path, help="a folder that does not exist yet")
    commands.add_parser("clean", help="remove everything generated, and nothing that was landed")
    export = commands.add_parser("export", help="write a DuckDB file of real tables")
    export.add_argument("file", type=Path)

    options = parser.parse_args(arguments)
    try:
        return int(_COMMANDS[options.command](options))
    except KeyboardInterrupt:
        return _complain("stopped; what was published before stays as it is")
    except BrokenPipeError:
        # Who reads the output has seen enough; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (settings.SettingError, DamagedFileError) as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(words_on(error) or str(error))


def _demo(options: argparse.Namespace) -> int:
    from customer_assets.demo import run_demo

    settings.duckdb_limits()
    _ready_history()
    # Whoever ends the demo ends its workers too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return run_demo(options.sources)


def _dev(options: argparse.Namespace) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", options.port))
        except OSError:
            return _complain(
                f"port {options.port} is busy. Choose another: make dev PORT={options.port + 1}"
            )
    settings.duckdb_limits()
    home = _ready_history()
    print(f"Dagster UI: http://127.0.0.1:{options.port}  (history in {home}; Ctrl-C ends it)")
    from customer_assets.dev import run_dev

    return run_dev(options.port)


def _sample(options: argparse.Namespace) -> int:
    from customer_assets.sample import SOURCES, write_sample

    if options.source not in SOURCES:
        return _complain(f"no samples of {options.source!r}; there are {', '.join(SOURCES)}")
    folder = options.folder or settings.landing() / options.source
    started = time.monotonic()
    files = write_sample(options.source, folder, rows=options.rows, seed=options.seed)
    for file in files:
        print(f"{file}  {file.stat().st_size:,} bytes")
    print(f"{time.monotonic() - started:.1f} s")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from customer_assets.ingest.inspect import InspectError, draft_yaml, inspect
    from customer_assets.ingest.plain import FileRefusedError

    try:
        print(draft_yaml(inspect(options.files, _answers(options))), end="")
    except (InspectError, FileRefusedError) as error:
        return _complain(str(error))
    return 0


def _add(options: argparse.Namespace) -> int:
    from customer_assets.add import AddError, run_add

    prepare_dagster_home()
    try:
        return run_add(options.files, options.name, _answers(options))
    except AddError as error:
        return _complain(str(error))


def _add_answers(parser: argparse.ArgumentParser) -> None:
    from customer_assets.add import OPTIONS

    for setting, meaning in OPTIONS.items():
        parser.add_argument(f"--{setting.replace('_', '-')}", help=meaning.replace("%", "%%"))


def _answers(options: argparse.Namespace) -> dict[str, str]:
    from customer_assets.add import OPTIONS

    return {name: said for name in OPTIONS if (said := getattr(options, name))}


def _plan(options: argparse.Namespace) -> int:
    from customer_assets.planning import run_plan

    return run_plan(options.source, options.days)


def _verify(options: argparse.Namespace) -> int:
    from customer_assets.verification import run_verify

    return run_verify(options.source, options.customers)


def _results(options: argparse.Namespace) -> int:
    from customer_assets.generation import open_shown
    from customer_assets.project import read_pipeline, source_names
    from customer_assets.reports.results import results_markdown

    found = {}
    for name in source_names():
        pipeline = read_pipeline(name)
        with open_shown(pipeline) as warehouse:
            if pipeline.source.questions and warehouse.manifest("model_metrics").version:
                metrics, champions = warehouse.frame("model_metrics"), warehouse.frame("champions")
                found[name] = (pipeline.source.questions, metrics, champions)
    if not found:
        return _complain("no model is trained yet; run `make demo` or a train job first")
    options.file.write_text(results_markdown(found, options.data))
    print(options.file)
    return 0


def _explain(options: argparse.Namespace) -> int:
    from customer_assets.explain.command import run_explain

    return run_explain(
        options.source,
        options.table,
        options.where,
        options.column,
        form=options.format,
        limit=options.limit,
    )


def _doctor(options: argparse.Namespace) -> int:
    from customer_assets.doctor import run_doctor

    return run_doctor(deep=options.deep, mend=options.mend)


def _clean(options: argparse.Namespace) -> int:
    from customer_assets.warehouse.lock import lock_holder

    for folder in sorted(settings.warehouse_folder().glob("*")):
        if holder := lock_holder(folder):
            return _complain(f"{folder.name}: {holder} is writing; wait for it or end it first")
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


def _advise(options: argparse.Namespace) -> int:
    from customer_assets.activation.published import NothingPublishedError
    from customer_assets.activation.what_if import run_advise
    from customer_assets.project import UnknownSourceError

    try:
        return run_advise(
            options.source, options.cost, options.margin, options.budget, options.question
        )
    except (UnknownSourceError, NothingPublishedError, ValueError) as error:
        return _complain(str(error))


def _export_customers(options: argparse.Namespace) -> int:
    from customer_assets.activation.export import (
        Choice,
        Contact,
        NoSuchCustomersError,
        run_export_customers,
    )
    from customer_assets.activation.published import NothingPublishedError
    from customer_assets.project import UnknownSourceError

    choice = Choice(options.segment, options.rule, options.best, options.question, options.offers)
    now = dt.datetime.now(dt.UTC)
    # A hold-out is drawn by the campaign's name: the same command draws the same customers.
    stamp = "" if options.hold_out else f"_{now:%Y%m%d_%H%M%S}"
    name = re.sub(r"[^a-z0-9]+", "_", options.folder.name.lower()).strip("_")
    campaign = options.campaign or (name if name[:1].isalpha() else f"list_{name}") + stamp
    try:
        contact = Contact(campaign, options.hold_out)
        return run_export_customers(options.source, choice, options.folder, now, contact)
    except (UnknownSourceError, NothingPublishedError, NoSuchCustomersError, ValueError) as error:
        return _complain(str(error))


def _export(options: argparse.Namespace) -> int:
    from customer_assets.warehouse.catalog import export

    rows = export(settings.warehouse_folder(), options.file)
    if not rows:
        return _complain("nothing is published yet; run `make demo` or materialize assets first")
    for table, count in rows.items():
        print(f"{table:50} {count:>14,} rows")
    print(options.file)
    return 0


def _ready_history() -> Path:
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


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _days(text: str) -> list[dt.date]:
    first, _, last = text.partition("...")
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
    return [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]


def _amount(text: str) -> float:
    amount = float(text)
    if not 0 <= amount < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of 0 or more")
    return amount


def _share(text: str) -> float:
    number = text.strip()
    return float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)


def _complain(text: str) -> int:
    print(f"customer_assets: {text}", file=sys.stderr)
    return 1


_COMMANDS = {
    "demo": _demo,
    "dev": _dev,
    "sample": _sample,
    "inspect": _inspect,
    "add": _add,
    "plan": _plan,
    "verify": _verify,
    "results": _results,
    "explain": _explain,
    "doctor": _doctor,
    "clean": _clean,
    "advise": _advise,
    "export-customers": _export_customers,
    "export": _export,
}

if __name__ == "__main__":
    sys.exit(main())
