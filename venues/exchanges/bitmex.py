"""BitMEX: risk limits in steps, in the settlement coin. Closed since 2026-09-23."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
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
from venues.fields import JsonObject, iso_date, positive_number, rate, read_rows, text_value
from venues.parsing import formulas
from venues.parsing.listing import has_ended_on
from venues.parsing.units import read_factor

INSTRUMENTS = "publicGetInstrumentActive"

_SETTLEMENT_UNITS = {"XBt": ("XBT", Decimal(10) ** 8), "USDt": ("USDT", Decimal(10) ** 6)}
"""Coin and units per coin of each settlement unit: satoshi, or 10^-6 USDT."""

CLOSED_ON = date(2026, 9, 23)
_NO_PRICE = Unknown("the payload has no XBTUSD price to convert its risk limits")

_BASKET = "BASKET"
_CONTRACT_TYPES = {"FFWCSX", "FFCCSX"}  # perpetuals and futures


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads IM = base IM + steps × base MM and MM = base MM × (1 + steps).

    ``steps = ceil((value - limit) / step)``. Rates apply to the whole position; the user raises the
    risk limit. Source: bitmex.com, "Risk limits examples". Limits in coins become USD at the mark
    price of XBTUSD in the same payload.
    """
    defects: list[Defect] = []
    margin_formulas: list[formulas.Formula] = []
    for payload in snapshot.answers(INSTRUMENTS):
        price = dict(read_rows((payload,), (), _price, [])).get("XBTUSD")

        def build(
            payload: Payload, row: JsonObject, pointer: str, price: Factor | None = price
        ) -> Iterator[formulas.Formula]:
            return _formula(payload, row, pointer, price)

        margin_formulas += read_rows((payload,), (), build, defects)
    return formulas.build_schedules(margin_formulas, facts, defects)


def _price(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Factor]]:
    if row.get("symbol") != "XBTUSD":
        return []
    return [
        ("XBTUSD", read_factor(payload, "mark price of XBTUSD", row, "markPrice", pointer, "USD"))
    ]


def _formula(
    payload: Payload, row: JsonObject, pointer: str, price: Factor | None
) -> Iterator[formulas.Formula]:
    if (
        text_value(row, "typ", pointer) not in _CONTRACT_TYPES
        or text_value(row, "state", pointer) != "Open"
        or has_ended_on(payload, row, "expiry", pointer)
    ):
        return
    unit_code = text_value(row, "settlCurrency", pointer)
    if unit_code not in _SETTLEMENT_UNITS:
        reason = f"expected one of {', '.join(_SETTLEMENT_UNITS)}, found {unit_code!r}"
        raise UnreadablePayloadError(where=f"{pointer}/settlCurrency", reason=reason)
    settle, units_per_coin = _SETTLEMENT_UNITS[unit_code]
    instrument = _instrument(row, pointer, settle)
    formula = formulas.Formula(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        pointer=pointer,
        columns=(
            Column("initial base", "/initMargin", "rate"),
            Column("maintenance base", "/maintMargin", "rate"),
            Column("risk limit", "/riskLimit", unit_code),
            Column("risk step", "/riskStep", unit_code),
        ),
        initial=_NO_PRICE,
        maintenance=_NO_PRICE,
    )
    if settle == "USDT":
        unit = 1 / units_per_coin
        conversion = Conversion(f"{unit_code} / {units_per_coin:f}, at par with USD", ())
    elif price is not None:
        unit = price.value / units_per_coin
        conversion = Conversion(f"{unit_code} / {units_per_coin:f} × price of XBT", (price,))
    else:
        yield formula
        return
    initial, maintenance = _margin_functions(row, pointer, unit)
    yield replace(formula, initial=initial, maintenance=maintenance, conversion=conversion)


def _margin_functions(
    row: JsonObject, pointer: str, unit: Decimal
) -> tuple[MarginFunction, MarginFunction]:
    """Returns IM and MM up to the last step at which IM is at most the whole position."""
    initial_rate = rate(row, "initMargin", pointer)
    maintenance_rate = rate(row, "maintMargin", pointer)
    limit = positive_number(row, "riskLimit", pointer) * unit
    step = positive_number(row, "riskStep", pointer) * unit
    step_count = int((1 - initial_rate) / maintenance_rate) + 1
    uppers = [limit + steps * step for steps in range(step_count)]
    initial_rates = [initial_rate + steps * maintenance_rate for steps in range(step_count)]
    maintenance_rates = [maintenance_rate * (1 + steps) for steps in range(step_count)]
    return flat(uppers, initial_rates), flat(uppers, maintenance_rates)


def _instrument(row: JsonObject, pointer: str, settle: str) -> Instrument:
    # All contracts on baskets share one root symbol; the basket is the underlying.
    base_key = "underlying" if row.get("rootSymbol") == _BASKET else "rootSymbol"
    base, quote = text_value(row, base_key, pointer), text_value(row, "quoteCurrency", pointer)
    return contract(
        "bitmex",
        text_value(row, "symbol", pointer),
        base=base,
        quote=quote,
        settle=settle,
        expiry=iso_date(row, "expiry", pointer) if row.get("expiry") is not None else None,
    )


ADAPTER = VenueAdapter(
    venue="bitmex",
    title="BitMEX",
    endpoints=(Endpoint(INSTRUMENTS, "GET /api/v1/instrument/active", Purpose.MARGIN),),
    parse=parse,
    closure_reason=f"the venue closed on {CLOSED_ON}; only its recordings are read",
    closed_on=CLOSED_ON,
)
