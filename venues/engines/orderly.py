"""Adapter for brokers on Orderly, whose margin rates rise with notional to the power 4/5."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, positive_number, rate, read_rows, text_value
from venues.parsing import effective_date, formulas

INFO = "v1PublicGetPublicInfo"
EXPONENT = Decimal("0.8")


def parse(venue: str, snapshot: Snapshot, facts: Facts) -> Parsed:
    """Schedules of all contracts, by two formulas in the notional ``N``.

    ``IMR = max(base_imr, imr_factor * N^0.8)``
    ``MMR = max(base_mmr, base_mmr / base_imr * imr_factor * N^0.8)``

    The rates apply to the whole position and are at most 1. Source: Orderly's js-sdk, ``imr.ts``
    and ``positionMMR.ts``. A lower leverage chosen by the account raises IMR further.
    """
    defects: list[Defect] = []

    def build(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
        return _formula(venue, payload, row, pointer)

    contract_formulas = read_rows(snapshot.answers(INFO), ("data", "rows"), build, defects)
    return formulas.build_schedules(contract_formulas, facts, defects)


def _formula(
    venue: str, payload: Payload, row: JsonObject, pointer: str
) -> Iterator[formulas.Formula]:
    if row.get("status") not in ("ACTIVE", None):
        return
    symbol = text_value(row, "symbol", pointer)
    kind, _, pair = symbol.partition("_")
    base, _, quote = pair.rpartition("_")
    if kind != "PERP" or not base:
        reason = f"expected PERP_BASE_QUOTE, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    initial, maintenance = rate(row, "base_imr", pointer), rate(row, "base_mmr", pointer)
    factor = positive_number(row, "imr_factor", pointer)
    yield formulas.Formula(
        payload=payload,
        instrument=contract(venue, symbol, base=base, quote=quote, settle=quote),
        profile=Profile(MarginMode.ANY),
        pointer=pointer,
        columns=(
            Column("initial base", "/base_imr", "rate"),
            Column("maintenance base", "/base_mmr", "rate"),
            Column("initial factor", "/imr_factor", "rate per USD^0.8"),
        ),
        initial=formulas.power_above(initial, factor, EXPONENT),
        maintenance=formulas.power_above(maintenance, maintenance / initial * factor, EXPONENT),
        effective=effective_date.read_effective_date(
            row, "updated_time", effective_date.MILLISECOND
        ),
    )


def build_adapter(
    venue: str, title: str, read: Callable[[Snapshot, Facts], Parsed]
) -> VenueAdapter:
    """Adapter of one broker; all brokers share Orderly's public host and order book."""
    return VenueAdapter(
        venue=venue,
        title=title,
        host="api-evm.orderly.org",
        endpoints=(
            Endpoint("v1PublicGetPublicFutures", "GET /v1/public/futures", Purpose.PRICES),
            Endpoint(INFO, "GET /v1/public/info", Purpose.MARGIN),
        ),
        parse=read,
        order_book="Orderly",
    )
