"""Bitfinex derivatives: the lowest initial and maintenance rates, read from a list by position."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import single_call
from venues.facts import Facts
from venues.fields import build_defect, json_array
from venues.parsing import flat_rates, tier_tables

CONF = "publicGetConfConfig"
INITIAL, MAINTENANCE = flat_rates.PublishedRate("8"), flat_rates.PublishedRate("9")
_MIN_FIELDS = 10
_CURRENCY_CODES = {"UST": "USDT", "EUT": "EURT"}
LOWEST_RATES_ONLY = "lowest rates; the payload does not state whether they rise with size"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads pairs as ``[name, [… initial at 8, maintenance at 9]]``, as in a sample response."""
    defects: list[Defect] = []
    tables: list[tier_tables.TierTable] = []
    for payload in snapshot.answers(CONF):
        try:
            pairs = json_array(json_array(decode(payload), "")[0], "/0")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(payload, error))
            continue
        for index, pair in enumerate(pairs):
            try:
                tables += _tier_table(payload, pair, f"/0/{index}")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
                defects.append(build_defect(payload, error, _name(pair)))
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _name(pair: object) -> str:
    return pair[0] if isinstance(pair, list) and pair and isinstance(pair[0], str) else ""


def _tier_table(payload: Payload, pair: object, pointer: str) -> Iterator[tier_tables.TierTable]:
    name, entries = _name(pair), json_array(pair, pointer)
    base, colon, quote = name.partition(":")
    if name and "F0" not in name:
        return  # a pair of the spot market
    if not colon or not base.endswith("F0") or not quote.endswith("F0"):
        reason = f"expected BASEF0:QUOTEF0, found {name!r}"
        raise UnreadablePayloadError(where=f"{pointer}/0", reason=reason)
    fields_pointer = f"{pointer}/1"
    fields = json_array(entries[1] if len(entries) > 1 else None, fields_pointer)
    if len(fields) < _MIN_FIELDS:
        reason = f"expected at least {_MIN_FIELDS} fields, found {len(fields)}"
        raise UnreadablePayloadError(where=fields_pointer, reason=reason)
    row = {str(index): field for index, field in enumerate(fields)}
    code = quote.removesuffix("F0")
    settle = _CURRENCY_CODES.get(code, code)
    base = base.removesuffix("F0")
    if base.startswith("TEST"):
        return
    instrument = contract("bitfinex", name, base=base, quote=settle, settle=settle)
    yield flat_rates.table_from_rates(
        payload,
        row,
        fields_pointer,
        instrument,
        INITIAL,
        MAINTENANCE,
        mode=MarginMode.ANY,
        unverified=("fields 8 and 9 read as initial and maintenance rate", LOWEST_RATES_ONLY),
        exclusion_reason=LOWEST_RATES_ONLY,
    )


ADAPTER = VenueAdapter(
    venue="bitfinex",
    title="Bitfinex",
    host="api-pub.bitfinex.com",
    endpoints=(
        Endpoint(
            "publicGetStatusDeriv",
            "GET /v2/status/deriv",
            Purpose.PRICES,
            call_plan=single_call(keys="ALL"),
        ),
        Endpoint(
            CONF,
            "GET /v2/conf/{config}",
            Purpose.MARGIN,
            call_plan=single_call(config="pub:info:pair:futures"),
        ),
    ),
    parse=parse,
)
