"""Commands about what comes out: advice, lists, exports, and where a number comes from."""

import datetime as dt
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from customer_assets import settings
from customer_assets.cli.app import Source, UserError, command, told

_PANEL = "Use what is published"


class Format(StrEnum):
    """How an explanation is written."""

    text = "text"
    csv = "csv"
    json = "json"


@command(_PANEL, "explain web_shop --table orders --column value --where \"order_id = '17'\"")
def explain(
    source: Source,
    table: Annotated[str, typer.Option(help="The table that the number stands in.")],
    column: Annotated[str, typer.Option(help="The column whose value is asked about.")],
    where: Annotated[
        str, typer.Option(help="Which rows, as SQL: entry_date = '2025-03-01' and step = 2")
    ] = "",
    format: Annotated[Format, typer.Option(help="How it is written.")] = Format.text,
    limit: Annotated[int, typer.Option(help="Rows of each list in text.", min=0)] = 20,
) -> int:
    """Follow a number to customers, events and rows of landed files."""
    from customer_assets.explain import CellError, as_csv, as_json, as_text, explain_shown
    from customer_assets.project import UnknownSourceError

    with told(UnknownSourceError, CellError):
        answer = explain_shown(source, table, where, column)
    if format is Format.csv:
        sys.stdout.buffer.write(as_csv(answer))
    else:
        text = as_json(answer) if format is Format.json else as_text(answer, limit)
        print(text, end="")
    return 0 if answer.rows.height else 1


@command(_PANEL, "advise online_retail --cost 10 --margin 96 --budget 5000")
def advise(
    source: Source,
    cost: Annotated[
        float | None,
        typer.Option(help="Of a contact; by default as the source states.", min=0, max=1e300),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="That a buyer brings; by default likewise.", min=0, max=1e300),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="For contacts; by default likewise.", min=0, max=1e300)
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="Whose scores rank customers; by default likewise.")
    ] = None,
) -> int:
    """Say what to do, for whom, and what it would earn."""
    from customer_assets.activation import what_if
    from customer_assets.activation.published import NothingPublishedError
    from customer_assets.project import UnknownSourceError

    with told(UnknownSourceError, NothingPublishedError, ValueError):
        for line in what_if.advise(source, cost, margin, budget, question):
            print(line)
    return 0


@command(_PANEL, "export-customers online_retail --segment champions lists/champions")
def export_customers(
    source: Source,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    segment: Annotated[str | None, typer.Option(help="The customers of a segment.")] = None,
    rule: Annotated[str | None, typer.Option(help="The customers of a segment rule.")] = None,
    best: Annotated[
        int | None, typer.Option(help="The N most likely, with --question.", metavar="N")
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="The question whose scores rank the best.")
    ] = None,
    offers: Annotated[
        str | None,
        typer.Option(help="Those who have an offer, with it: of an action, or all.", metavar="all"),
    ] = None,
    hold_out: Annotated[
        str,
        typer.Option(
            help="Part to leave out by chance, to see in campaign_uplift what the list caused.",
            metavar="10%",
        ),
    ] = "0%",
    campaign: Annotated[
        str | None, typer.Option(help="Its name in campaign_uplift; by default the folder's.")
    ] = None,
) -> int:
    """Write a list of customers for a mailing tool, with a manifest."""
    from customer_assets.activation import export
    from customer_assets.activation.published import NothingPublishedError
    from customer_assets.project import UnknownSourceError

    if sum(each is not None for each in (segment, rule, best, offers)) != 1:
        raise UserError("choose one of --segment, --rule, --best and --offers")
    choice = export.Choice(segment, rule, best, question, offers)
    now = dt.datetime.now(dt.UTC)
    with told(UnknownSourceError, NothingPublishedError, export.NoSuchCustomersError, ValueError):
        contact = export.contact(folder, now, hold_out, campaign)
        manifest = export.export_customers(source, choice, folder, now, contact)
    print(f"{manifest['n_customers']:,} customers in {folder}, as campaign {contact.campaign}")
    for name, why in (
        ("n_held_out", "are held out of it"),
        ("n_without_consent_left_out", "more may not be written to and were left out"),
        ("n_over_contact_limit_left_out", "more were on as many lists as contact_limit allows"),
    ):
        if manifest[name]:
            print(f"{manifest[name]:,} {why}")
    return 0


@command(_PANEL, "export customers.duckdb")
def export(file: Annotated[Path, typer.Argument(help="A file that does not exist yet.")]) -> int:
    """Write a DuckDB file of real tables, to take elsewhere."""
    from customer_assets.warehouse import catalog

    rows = catalog.export(settings.warehouse_folder(), file)
    if not rows:
        raise UserError("nothing is published yet; run `customer-assets demo`, or refresh a source")
    for table, count in rows.items():
        print(f"{table:50} {count:>14,} rows")
    print(file)
    return 0


@command(_PANEL, "results docs/results.md")
def results(
    file: Annotated[Path, typer.Argument(help="The Markdown file to write.")],
    data: Annotated[str, typer.Option(help="A sentence on the data, for its head.")] = "",
) -> int:
    """Write what all models reach, as Markdown."""
    from customer_assets.generation import open_shown
    from customer_assets.project import read_pipeline, source_names
    from customer_assets.reports.results import results_markdown

    found = {}
    for name in source_names():
        with told(ValueError):
            pipeline = read_pipeline(name)
        with open_shown(pipeline) as warehouse:
            if pipeline.source.questions and warehouse.manifest("model_metrics").version:
                metrics, champions = warehouse.frame("model_metrics"), warehouse.frame("champions")
                found[name] = (pipeline.source.questions, metrics, champions)
    if not found:
        raise UserError("no model is trained yet; run `customer-assets demo`, or train a source")
    file.write_text(results_markdown(found, data), encoding="utf-8")
    print(file)
    return 0
