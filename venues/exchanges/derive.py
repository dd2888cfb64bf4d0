"""Derive perpetuals: flat initial and maintenance rates under standard margin."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import MarginMode, Profile, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import numbered, once
from venues.facts import Facts
from venues.fields import Row, mapping, positive, rate, read_rows, word
from venues.parsing import formulas

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
    return formulas.parsed(margin_formulas, facts, defects)


def _formula(payload: Payload, row: Row, pointer: str) -> Iterator[formulas.Formula]:
    if word(row, "instrument_type", pointer) != "perp" or row.get("is_active") is not True:
        return
    id_, base = word(row, "instrument_name", pointer), word(row, "base_currency", pointer)
    instrument = contract("derive", id_, base=base, quote="USDC", settle="USDC")
    details_pointer = f"{pointer}/perp_details"
    details = mapping(row.get("perp_details"), details_pointer)
    no_requirements = Unknown("the instrument list contains no margin requirements")
    if _REQUIREMENTS not in details:
        positive(details, "max_rate_per_hour", details_pointer)
        yield formulas.Formula(
            payload=payload,
            instrument=instrument,
            profile=Profile(MarginMode.CROSS),
            at=details_pointer,
            columns=(Column("highest funding rate", "/max_rate_per_hour", "rate per hour"),),
            initial=no_requirements,
            maintenance=no_requirements,
        )
        return
    requirements_pointer = f"{details_pointer}/{_REQUIREMENTS}"
    requirements = mapping(details[_REQUIREMENTS], requirements_pointer)
    yield formulas.Formula(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS, "standard margin"),
        at=requirements_pointer,
        columns=(
            Column("initial", "/im_perp_req", "rate"),
            Column("maintenance", "/mm_perp_req", "rate"),
        ),
        initial=formulas.least(rate(requirements, "im_perp_req", requirements_pointer)),
        maintenance=formulas.least(rate(requirements, "mm_perp_req", requirements_pointer)),
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
            ask=once(expired="false", instrument_type="perp", page="1", page_size=str(PAGE_SIZE)),
            next_page=numbered("page", PAGE_SIZE, "result", "instruments"),
            typed=("expired", "page", "page_size"),
        ),
    ),
    parse=parse,
)
