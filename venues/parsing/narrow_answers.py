"""Reads answers to a narrower question: one contract whose rows do not repeat its name."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harmonize.core.payload import Defect, Payload, UnreadablePayloadError, escape
from venues.fields import JsonObject, is_missing, non_empty, text_value


def requested_name(payload: Payload, *params: str) -> str:
    """Name of the only contract that the request asks for; empty if it asks for several or all."""
    requested = dict(payload.call.params)
    names = {requested[param] for param in params if requested.get(param)}
    name = names.pop() if len(names) == 1 else ""
    return "" if "," in name else name


def contract_name(payload: Payload, row: JsonObject, pointer: str, key: str, *params: str) -> str:
    """Name of a row's contract: under ``key``, or else in the request's ``params``.

    Raises UnreadablePayloadError: neither the row nor the request names one contract.
    """
    if not is_missing(row, key):
        return text_value(row, key, pointer)
    name = requested_name(payload, *params)
    if not name:
        reason = f"neither the row nor the request ({', '.join(params)}) names the contract"
        raise UnreadablePayloadError(where=f"{pointer}/{escape(key)}", reason=reason)
    return name


def name_defects(
    defects: Iterable[Defect], payloads: Iterable[Payload], *params: str
) -> list[Defect]:
    """Defects, each with the contract's name from its request if its row does not name one.

    An unreadable tier then withholds all tiers of its contract.
    """
    names = {str(payload.call): requested_name(payload, *params) for payload in payloads}
    return [
        defect
        if defect.symbol
        else replace(defect, symbol=names.get(defect.where.partition(" at ")[0], ""))
        for defect in defects
    ]


def without_empty_lists(payloads: Sequence[Payload], *keys: str) -> Sequence[Payload]:
    """Payloads without empty lists, which mean a market without contracts.

    If all lists are empty, the margins are missing and every payload is returned.
    """
    return non_empty(payloads, *keys) or payloads
