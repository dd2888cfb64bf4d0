"""Reads the JSON documents in which archives store market data."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from harmonize.core.payload import Payload, UnreadablePayloadError

T = TypeVar("T")


def decoded(payload: Payload, form: str, build: Callable[[Mapping[str, Any]], T], what: str) -> T:
    """Returns what ``build`` makes of the document of a payload in the format ``form``.

    ``what`` names the content in errors. Raises UnreadablePayloadError: another format, or ``build``
    cannot read it.
    """
    try:
        document = json.loads(payload.content)
        if document["format"] != form:
            raise UnreadablePayloadError(where="/format", reason=f"expected {form!r}")
        return build(document)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        reason = f"not {what} as archives store them: {type(error).__name__} {error}"
        raise UnreadablePayloadError(where="", reason=reason) from error
