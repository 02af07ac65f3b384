"""What a source states about itself: the configuration types behind each `defs.yaml`.

Pure data and its validation. No Dagster (the components load these types), no files, no SQL
beyond the conditions that a user writes into a cleaning rule.
"""

from customer_assets.sources.advice import Action, Advice, Campaign, PublishedCampaign
from customer_assets.sources.columns import Column, TimeColumn, as_column, sql_type
from customer_assets.sources.customer_table import (
    Attribute,
    CustomerId,
    CustomerRule,
    CustomerTableSource,
    InputColumn,
    InputTable,
)
from customer_assets.sources.event_log import (
    CANONICAL_COLUMNS,
    EventColumns,
    EventLogSource,
    Funnel,
)
from customer_assets.sources.parts import (
    CleaningRule,
    FileFormat,
    parse_duration,
    source_name,
)
from customer_assets.sources.segments import Naming, Rfem, SegmentRule, Segments

__all__ = [
    "CANONICAL_COLUMNS",
    "Action",
    "Advice",
    "Attribute",
    "Campaign",
    "CleaningRule",
    "Column",
    "CustomerId",
    "CustomerRule",
    "CustomerTableSource",
    "EventColumns",
    "EventLogSource",
    "FileFormat",
    "Funnel",
    "InputColumn",
    "InputTable",
    "Naming",
    "PublishedCampaign",
    "Rfem",
    "SegmentRule",
    "Segments",
    "TimeColumn",
    "as_column",
    "parse_duration",
    "source_name",
    "sql_type",
]
