"""BitMEX: a base risk limit and steps above it, in the settlement coin; closed since 2026-09-23."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import (
    Column,
    Conversion,
    Defect,
    Factor,
    Payload,
    Snapshot,
    UnreadablePayloadError,
)
from harmonize.core.schedule import MarginFunction, MarginMode, Profile, Unknown, flat
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, iso_day, positive, rate, read_rows, word
from venues.parsing import formulas
from venues.parsing.units import factor

INSTRUMENTS = "publicGetInstrumentActive"

_MINOR = {"XBt": ("XBT", Decimal(10) ** 8), "USDt": ("USDT", Decimal(10) ** 6)}
"""Risk limits are in the smallest unit of the settlement currency: satoshi, or 10^-6 USDT."""

CLOSED = "the venue closed on 2026-09-23"

_KINDS = {"FFWCSX", "FFCCSX"}  # perpetuals and futures


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """``steps = ceil((value - limit) / step)``: IM = base IM + steps × base MM, MM = base MM × (1 + steps).

    Of the whole position, by the risk limit that the user raised. Source: bitmex.com, "Risk limits
    examples". Limits in coins become USD at the mark price of XBTUSD in the same payload.
    """
    defects: list[Defect] = []
    found: list[formulas.Formula] = []
    for payload in snapshot.answers(INSTRUMENTS):
        price = dict(read_rows((payload,), (), _price, [])).get("XBTUSD")

        def build(
            payload: Payload, row: Row, at: str, price: Factor | None = price
        ) -> Iterator[formulas.Formula]:
            return _formula(payload, row, at, price)

        found += read_rows((payload,), (), build, defects)
    return formulas.parsed(found, facts, defects)


def _price(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    if row.get("symbol") != "XBTUSD":
        return []
    return [("XBTUSD", factor(payload, "mark price of XBTUSD", row, "markPrice", at, "USD"))]


def _formula(
    payload: Payload, row: Row, at: str, price: Factor | None
) -> Iterator[formulas.Formula]:
    if word(row, "typ", at) not in _KINDS or word(row, "state", at) != "Open":
        return
    minor = word(row, "settlCurrency", at)
    if minor not in _MINOR:
        reason = f"one of {', '.join(_MINOR)} was due, was {minor!r}"
        raise UnreadablePayloadError(where=f"{at}/settlCurrency", reason=reason)
    settle, smallest = _MINOR[minor]
    listed = _instrument(row, at, settle)
    formula = formulas.Formula(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        at=at,
        columns=(
            Column("initial base", "/initMargin", "rate"),
            Column("maintenance base", "/maintMargin", "rate"),
            Column("risk limit", "/riskLimit", minor),
            Column("risk step", "/riskStep", minor),
        ),
        initial=Unknown("the payload has no price of XBTUSD to convert its risk limits"),
        maintenance=Unknown("the payload has no price of XBTUSD to convert its risk limits"),
        exclusion_reason=CLOSED,
    )
    if settle == "USDT":
        unit, conversion = 1 / smallest, Conversion(f"{minor} / {smallest:f}, at par with USD", ())
    elif price is not None:
        unit = price.value / smallest
        conversion = Conversion(f"{minor} / {smallest:f} × price of XBT", (price,))
    else:
        yield formula
        return
    initial, maintenance = _stepped(row, at, unit)
    yield replace(formula, initial=initial, maintenance=maintenance, conversion=conversion)


def _stepped(row: Row, at: str, unit: Decimal) -> tuple[MarginFunction, MarginFunction]:
    """Steps until IM is the whole position; above that nobody could open."""
    first, second = rate(row, "initMargin", at), rate(row, "maintMargin", at)
    limit = positive(row, "riskLimit", at) * unit
    step = positive(row, "riskStep", at) * unit
    count = int((1 - first) / second) + 1
    uppers = [limit + number * step for number in range(count)]
    initial = [first + number * second for number in range(count)]
    maintenance = [second * (1 + number) for number in range(count)]
    return flat(uppers, initial), flat(uppers, maintenance)


def _instrument(row: Row, at: str, settle: str) -> Instrument:
    base, quote = word(row, "rootSymbol", at), word(row, "quoteCurrency", at)
    return contract(
        "bitmex",
        word(row, "symbol", at),
        base=base,
        quote=quote,
        settle=settle,
        expiry=iso_day(row, "expiry", at) if row.get("expiry") is not None else None,
    )


ADAPTER = VenueAdapter(
    venue="bitmex",
    title="BitMEX",
    endpoints=(Endpoint(INSTRUMENTS, "GET /api/v1/instrument/active", Purpose.MARGIN),),
    parse=parse,
    closed=f"{CLOSED}; its recordings are read",
)
