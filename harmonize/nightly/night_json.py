"""A night as JSON, and back."""

import json
from functools import cache
from typing import TYPE_CHECKING

from harmonize.document.night import Night

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def night_json(night: Night) -> bytes:
    """Write a night; the same night gives the same bytes."""
    text = json.dumps(_adapter().dump_python(night, mode="json"), indent=1, ensure_ascii=False)
    return f"{text}\n".encode(
        errors="backslashreplace"
    )  # half a surrogate pair is an escape of JSON


def night_from_json(content: bytes) -> Night:
    """Read a night. Raises ValueError: it is none."""
    return _adapter().validate_python(json.loads(content))


@cache
def _adapter() -> "TypeAdapter[Night]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and only the nightly run needs it

    return TypeAdapter(Night)
