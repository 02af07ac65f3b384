"""EventLog: the component behind the `defs.yaml` of a log with one row per event."""

from typing import ClassVar

import dagster as dg

from customer_assets.components.scaffold import EventLogScaffolder
from customer_assets.components.source_component import SourceComponent
from customer_assets.sources import EventLogSource


@dg.scaffold_with(EventLogScaffolder)
class EventLog(SourceComponent):
    """A log with one row per thing that a customer did: order lines, a clickstream.

    The folder's name is the source's name. It gets every layer; commerce where there is a
    purchase event, money where events carry a value.
    """

    source_class: ClassVar = EventLogSource
