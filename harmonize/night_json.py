"""A night as JSON, and back."""

from functools import cache
from typing import TYPE_CHECKING

from harmonize.night import Night

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def night_json(night: Night) -> bytes:
    """Write a night; the same night gives the same bytes."""
    return _adapter().dump_json(night, indent=1) + b"\n"


def night_from_json(content: bytes) -> Night:
    """Read a night. Raises ValueError: it is none."""
    return _adapter().validate_json(content)


@cache
def _adapter() -> "TypeAdapter[Night]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and only the nightly run needs it

    return TypeAdapter(Night)
