"""Derive perpetuals: flat initial and maintenance rates under standard margin."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import MarginMode, Profile, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import next_by_page, single_call
from venues.facts import Facts
from venues.fields import JsonObject, json_object, positive_number, rate, read_rows, text_value
from venues.parsing import formulas
from venues.parsing.listing import SECOND, has_ended

INSTRUMENTS = "publicPostGetAllInstruments"
_REQUIREMENTS = "srm_perp_margin_requirements"
PAGE_SIZE = 1000


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads ``im_perp_req`` and ``mm_perp_req``, rates on the whole position at the mark price.

    Instrument lists before 2026 lack both fields; margins are then unknown.
    """
    defects: list[Defect] = []
    margin_formulas = read_rows(
        snapshot.answers(INSTRUMENTS),
        ("result", "instruments"),
        _formula,
        defects,
        symbol_key="instrument_name",
    )
    return formulas.build_schedules(margin_formulas, facts, defects)


def _formula(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
    if text_value(row, "instrument_type", pointer) != "perp" or row.get("is_active") is not True:
        return
    if has_ended(payload, row, "scheduled_deactivation", pointer, SECOND):
        return
    id_, base = (
        text_value(row, "instrument_name", pointer),
        text_value(row, "base_currency", pointer),
    )
    instrument = contract("derive", id_, base=base, quote="USDC", settle="USDC")
    details_pointer = f"{pointer}/perp_details"
    details = json_object(row.get("perp_details"), details_pointer)
    no_requirements = Unknown("the instrument list contains no margin requirements")
    if _REQUIREMENTS not in details:
        positive_number(details, "max_rate_per_hour", details_pointer)
        yield formulas.Formula(
            payload=payload,
            instrument=instrument,
            profile=Profile(MarginMode.CROSS),
            pointer=details_pointer,
            columns=(Column("highest funding rate", "/max_rate_per_hour", "rate per hour"),),
            initial=no_requirements,
            maintenance=no_requirements,
        )
        return
    requirements_pointer = f"{details_pointer}/{_REQUIREMENTS}"
    requirements = json_object(details[_REQUIREMENTS], requirements_pointer)
    yield formulas.Formula(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS, "standard margin"),
        pointer=requirements_pointer,
        columns=(
            Column("initial", "/im_perp_req", "rate"),
            Column("maintenance", "/mm_perp_req", "rate"),
        ),
        initial=formulas.single_rate(rate(requirements, "im_perp_req", requirements_pointer)),
        maintenance=formulas.single_rate(rate(requirements, "mm_perp_req", requirements_pointer)),
    )


ADAPTER = VenueAdapter(
    venue="derive",
    title="Derive",
    host="api.derive.xyz",
    endpoints=(
        Endpoint(
            INSTRUMENTS,
            "POST /v3/public/get_all_instruments",
            Purpose.MARGIN,
            calls=Calls.PAGES,
            call_plan=single_call(
                expired="false", instrument_type="perp", page="1", page_size=str(PAGE_SIZE)
            ),
            next_page=next_by_page("page", PAGE_SIZE, "result", "instruments"),
            typed=("expired", "page", "page_size"),
        ),
    ),
    parse=parse,
)
