"""A night as JSON, and back."""

from harmonize.night import Night


def night_json(night: Night) -> bytes:
    """Write a night; the same night gives the same bytes."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and only the nightly run needs it

    return TypeAdapter(Night).dump_json(night, indent=1) + b"\n"


def night_from_json(content: bytes) -> Night:
    """Read a night. Raises ValueError: it is none."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    return TypeAdapter(Night).validate_json(content)
