"""How a source says the way a time is written: strptime patterns, and the zones in them."""

import re
from typing import Annotated

from pydantic import AfterValidator

# Words of a pattern that are read as what they say.
UTC_LETTERS = ("Z", "UTC", "GMT")
# What else stands in capitals and is no zone.
_NO_ZONES = (*UTC_LETTERS, "T", "AM", "PM")
_ZONES = "EST EDT CST CDT MST MDT PST PDT CET CEST EET EEST WET WEST BST MSK JST IST HKT SGT KST"
_PLACE = re.compile(r"[A-Z][A-Za-z_]+/[A-Z][A-Za-z_]+")
_CAPITALS = re.compile(r"[A-Z]{2,5}")
_OFFSET = re.compile(r"(?:%-?[HIMSTRfp]|[:.]\d+|UTC|GMT)\s*([+-]\d{1,2}(?::?\d{2})?)(?!\d)")


def pattern_words(pattern: str) -> list[str]:
    """Return the words that a strptime pattern holds in plain letters."""
    return re.findall(r"[A-Za-z]+", _plain(pattern))


def _plain(pattern: str) -> str:
    return re.sub(r"%-?.", " ", pattern.replace("%%", " "))


def _zones(pattern: str) -> list[str]:
    """Return the zones other than UTC that a pattern names in plain letters and digits."""
    words = pattern_words(pattern)
    return [
        *_OFFSET.findall(pattern),
        *_PLACE.findall(_plain(pattern)),
        *(word for word in words if word.upper() in _ZONES.split()),
        *(word for word in words if _CAPITALS.fullmatch(word) and word not in _NO_ZONES),
    ]


def _time_pattern(name: str) -> str:
    if "%" in name and (zones := _zones(name)):
        raise ValueError(
            f"{name!r} has the zone {zones[0]!r} in plain letters, which would be "
            "dropped: write %Z for a zone's name, %z for an offset"
        )
    return name


TimePattern = Annotated[str, AfterValidator(_time_pattern)]
