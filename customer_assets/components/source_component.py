"""What the components of both kinds of source share: how a `defs.yaml` becomes definitions."""

import functools
from typing import Any, ClassVar, Self

import dagster as dg
from pydantic import BaseModel, model_validator

from customer_assets.components.source_definitions import source_definitions
from customer_assets.pipeline import pipeline_of
from customer_assets.project import located
from customer_assets.sources import CustomerTableSource, EventLogSource, source_name
from customer_assets.sources.configuration import ConfigurationError


class DefinitionError(Exception):
    """A source or table that cannot be defined; the text names file and line and the way out."""


class SourceComponent(dg.Component):
    """A source: the folder's name is its name, the attributes are what it states of itself."""

    source_class: ClassVar[type[EventLogSource] | type[CustomerTableSource]]

    def __init__(self, source: EventLogSource | CustomerTableSource) -> None:
        self.source = source

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        # Validated as it stands, so that each error names the file, the line and the way out.
        return _templated(cls.source_class)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        if not isinstance(attributes, cls.source_class):
            raise DefinitionError(f"{context.path / 'defs.yaml'}:1: attributes are missing")
        return cls(attributes)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        file = context.path / "defs.yaml"
        try:
            name = source_name(context.path.name)
            return source_definitions(pipeline_of(name, self.source))
        except ConfigurationError as error:
            problem = str(located(error, file))
        except ValueError as error:
            problem = str(error)
        # Said in one line: where our own code stood when it found this helps nobody.
        raise DefinitionError(problem)


@functools.cache
def _templated(source_class: type[BaseModel]) -> type[BaseModel]:
    """Return a source's model that takes Dagster's templates: `{{ env.SHOP_ZONE }}`."""

    class Templated(source_class):  # type: ignore[misc, valid-type]
        @model_validator(mode="before")
        @classmethod
        def _filled_in(cls, stated: Any) -> Any:
            return _resolved(stated)

    Templated.__name__ = Templated.__qualname__ = source_class.__name__
    Templated.__doc__ = source_class.__doc__
    return Templated


def _resolved(stated: Any) -> Any:
    if isinstance(stated, dict):
        return {name: _resolved(value) for name, value in stated.items()}
    if isinstance(stated, list):
        return [_resolved(value) for value in stated]
    if isinstance(stated, str) and "{{" in stated:
        return dg.ResolutionContext.default().resolve_value(stated)
    return stated
