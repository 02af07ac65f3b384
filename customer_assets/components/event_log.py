"""EventLog: the component behind the `defs.yaml` of a log with one row per event."""

from typing import Self

import dagster as dg
from pydantic import BaseModel

from customer_assets.components.scaffold import EventLogScaffolder
from customer_assets.components.source_definitions import event_log_definitions
from customer_assets.pipeline import event_log_pipeline
from customer_assets.sources import EventLogSource, source_name


@dg.scaffold_with(EventLogScaffolder)
class EventLog(dg.Component):
    """A log with one row per thing that a customer did: order lines, a clickstream.

    The folder's name is the source's name. It gets every layer; commerce where there is a
    purchase event, money where events carry a value.
    """

    def __init__(self, source: EventLogSource) -> None:
        self.source = source

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        # Validated as it stands, so that each error names the file, the line and the way out.
        return EventLogSource

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        return cls(EventLogSource.model_validate(attributes))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        name = source_name(context.path.name)
        return event_log_definitions(event_log_pipeline(name, self.source))
