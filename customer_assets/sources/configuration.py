"""Faults of a configuration that are found when it is used, and where in it they stand."""

import contextlib
from collections.abc import Iterator


class ConfigurationError(ValueError):
    """A `defs.yaml` that asks for what cannot be; `location` is where in it, key by key."""

    def __init__(self, location: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.location = location


@contextlib.contextmanager
def at(*location: str | int) -> Iterator[None]:
    """Say of a ValueError raised inside where in the configuration its cause stands."""
    try:
        yield
    except ConfigurationError:
        raise
    except ValueError as error:
        raise ConfigurationError(location, str(error)) from error
