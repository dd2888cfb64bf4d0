"""Decides from a contract's own row whether it trades: its status, and its end at the observation."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from harmonize.core.instrument import Instrument
from harmonize.core.payload import Payload, UnreadablePayloadError, escape
from venues.fields import JsonObject, is_missing, iso_date, read_rows, text_value, upper_bound

SECOND, MILLISECOND = Decimal(1), Decimal(1000)
"""Number of the venue's time units per second."""

_CLOSED_WORDS = frozenset(
    [
        "archivized",
        "break",
        "canceled",
        "cancelled",
        "cancelonly",
        "circuitbreaker",
        "close",
        "closed",
        "closing",
        "comingsoon",
        "created",
        "delisted",
        "delisting",
        "delivered",
        "delivering",
        "delivery",
        "disabled",
        "down",
        "end",
        "ended",
        "expired",
        "finalsettlement",
        "frozen",
        "halt",
        "halted",
        "inactive",
        "init",
        "initialized",
        "initializing",
        "locked",
        "maintain",
        "maintenance",
        "notrading",
        "off",
        "offline",
        "paused",
        "pause",
        "pending",
        "pendinglisting",
        "pendingtrading",
        "predelivering",
        "prelaunch",
        "prelisted",
        "prelisting",
        "premarket",
        "preonline",
        "preopen",
        "presettle",
        "pretrade",
        "pretrading",
        "rebase",
        "settled",
        "settlement",
        "settling",
        "beingsettled",
        "stopped",
        "suspend",
        "suspended",
        "suspension",
        "terminated",
        "test",
        "unlisted",
    ]
)
"""Words of venues for contracts that have not opened, have ended or are halted."""


def trades(
    row: JsonObject, key: str, pointer: str, trading: Collection[str], closed: Collection[str] = ()
) -> bool:
    """Whether the status under ``key`` is one of ``trading``; True if the row states no status.

    Statuses that allow only some orders, such as reduce-only, count as trading: list them.
    ``closed`` are the venue's further words for contracts that do not trade.
    Raises UnreadablePayloadError with the pointer: unknown status.
    """
    raw = row.get(key)
    if is_missing(row, key):
        return True
    word = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    if word in trading:
        return True
    if word in closed or states_closure(row, key):
        return False
    reason = f"expected one of {', '.join(sorted(trading))}, found {ascii(raw)[:40]}"
    raise UnreadablePayloadError(where=f"{pointer}/{escape(key)}", reason=reason)


def states_closure(row: JsonObject, key: str) -> bool:
    """Whether the status under ``key`` is a common word for a contract that does not trade.

    For venues whose words for trading contracts no source lists: other words prove nothing.
    """
    plain = "".join(filter(str.isalnum, str(row.get(key, "")).casefold()))
    return plain in _CLOSED_WORDS


def has_ended(
    payload: Payload, row: JsonObject, key: str, pointer: str, per_second: Decimal = MILLISECOND
) -> bool:
    """Whether the Unix time under ``key`` had passed at the observation.

    A missing time, null, an empty text, 0 and -1 state no end. Raises UnreadablePayloadError.
    """
    end = upper_bound(row, key, pointer, open_ended_if_missing=True)
    return end / per_second <= Decimal(payload.observed_at.timestamp())


def has_begun(
    payload: Payload, row: JsonObject, key: str, pointer: str, per_second: Decimal = MILLISECOND
) -> bool:
    """Whether the Unix time under ``key`` had passed at the observation; True if none is stated.

    Raises UnreadablePayloadError.
    """
    start = upper_bound(row, key, pointer, open_ended_if_missing=True)
    return not start.is_finite() or start / per_second <= Decimal(payload.observed_at.timestamp())


def has_ended_on(payload: Payload, row: JsonObject, key: str, pointer: str) -> bool:
    """Whether the ISO 8601 time or date under ``key`` had passed; a missing time states no end.

    A date without a time has passed on the next day. Raises UnreadablePayloadError.
    """
    if is_missing(row, key):
        return False
    day = iso_date(row, key, pointer)
    end = datetime.fromisoformat(text_value(row, key, pointer))
    if end.tzinfo is None:
        return day < payload.observed_at.date()
    return end <= payload.observed_at


def parse_day(text: str, form: str, pointer: str) -> date:
    """Expiry in a symbol, in a form of ``strptime``. Raises UnreadablePayloadError."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).date()
    except ValueError:
        reason = f"expected an expiry in the symbol, found {text!r}"
        raise UnreadablePayloadError(where=pointer, reason=reason) from None


def has_expired(instrument: Instrument, payload: Payload) -> bool:
    """Whether a dated contract ended before the day of the observation (UTC)."""
    return instrument.expiry is not None and instrument.expiry < payload.observed_at.date()


def is_known_to_trade(
    is_open: Callable[[Payload, JsonObject, str], bool],
    payload: Payload,
    row: JsonObject,
    pointer: str,
) -> bool:
    """Whether a row states readably that its contract trades, for plans of calls.

    A row that cannot be read stops no gathering: it becomes a defect when the answers are parsed.
    """
    try:
        return is_open(payload, row, pointer)
    except UnreadablePayloadError:
        return False


def closed_contracts(
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    symbol_key: str,
    is_open: Callable[[Payload, JsonObject, str], bool],
) -> frozenset[str]:
    """Ids of the listed contracts that do not trade, for venues whose margins carry no status.

    Rows that cannot be read are no evidence; the caller reports them when it reads the list.
    """

    def closed_id(payload: Payload, row: JsonObject, pointer: str) -> list[str]:
        return [] if is_open(payload, row, pointer) else [text_value(row, symbol_key, pointer)]

    return frozenset(read_rows(payloads, keys, closed_id, [], symbol_key))
