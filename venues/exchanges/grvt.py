"""GRVT perpetuals: risk brackets by notional, one call per instrument."""

from collections.abc import Iterable

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import call_per_value, field_values, single_call
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    iter_objects,
    json_object,
    number,
    rate,
    upper_bound,
)
from venues.parsing import tier_tables
from venues.parsing.narrow_answers import contract_name
from venues.parsing.units import currency_to_usd

RULES = "publicMarketPostFullV1MarginRules"
INSTRUMENTS = "publicMarketPostFullV1AllInstruments"


_AMOUNT = "cumulative_maintenance_amount"
NO_DEDUCTION = f"MM by continuity at the bounds: the response has no {_AMOUNT}"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads one response per instrument: ``MM = N * rate - cumulative maintenance amount``."""
    defects: list[Defect] = []
    tables: list[tier_tables.TierTable] = []
    for payload in snapshot.answers(RULES):
        try:
            tables.append(_tier_table(payload))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            symbol = dict(payload.call.params).get("instrument", "")
            defects.append(build_defect(payload, error, symbol))
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _tier_table(payload: Payload) -> tier_tables.TierTable:
    document = json_object(decode(payload), "")
    rules = json_object(document.get("result", document), "")
    rules_pointer = "/result" if "result" in document else ""
    id_ = contract_name(payload, rules, rules_pointer, "instrument", "instrument")
    parts = id_.rsplit("_", 2)
    if len(parts) != 3 or parts[2] != "Perp":  # noqa: PLR2004 - base, quote, kind
        reason = f"expected BASE_QUOTE_Perp, found {id_!r}"
        raise UnreadablePayloadError(where=f"{rules_pointer}/instrument", reason=reason)
    instrument = contract("grvt", id_, base=parts[0], quote=parts[1], settle=parts[1])
    tier_rows = list(iter_objects(rules.get("risk_brackets"), f"{rules_pointer}/risk_brackets"))
    has_amounts = any(_AMOUNT in row for _, row in tier_rows)
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS),
        tiers=tuple(_tiers(tier_rows, has_amounts=has_amounts)),
        rows=tuple(pointer for pointer, _ in tier_rows),
        columns=(
            Column("upper", "/notional_cap", "quote currency"),
            Column("lower", "/notional_floor", "quote currency"),
            Column("initial", "/initial_margin_rate", "rate"),
            Column("maintenance", "/maintenance_margin_rate", "rate"),
            *((Column("deduction", f"/{_AMOUNT}", "quote currency"),) if has_amounts else ()),
        ),
        maintenance_doubts=() if has_amounts else (NO_DEDUCTION,),
        usd=currency_to_usd(instrument, parts[1]),
    )


def _tiers(tier_rows: Iterable[tuple[str, JsonObject]], *, has_amounts: bool) -> Iterable[Tier]:
    for pointer, row in tier_rows:
        yield Tier(
            upper=upper_bound(row, "notional_cap", pointer, open_ended_if_missing=True),
            lower=number(row, "notional_floor", pointer),
            initial_rate=rate(row, "initial_margin_rate", pointer),
            maintenance_rate=rate(row, "maintenance_margin_rate", pointer),
            deduction=number(row, _AMOUNT, pointer) if has_amounts else None,
        )


ADAPTER = VenueAdapter(
    venue="grvt",
    title="GRVT",
    host="market-data.grvt.io",
    endpoints=(
        Endpoint(
            INSTRUMENTS,
            "POST /full/v1/all_instruments",
            Purpose.INSTRUMENTS,
            call_plan=single_call(is_active="true"),
            typed=("is_active",),
        ),
        Endpoint(
            RULES,
            "POST /full/v1/margin_rules",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
            call_plan=call_per_value(
                "instrument",
                field_values(
                    INSTRUMENTS,
                    "result",
                    field="instrument",
                    where=lambda row: row.get("kind") == "PERPETUAL",
                ),
            ),
        ),
    ),
    parse=parse,
)
