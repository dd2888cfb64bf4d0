"""Derive perpetuals: flat initial and maintenance requirements under standard margin."""

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
_KEY = "srm_perp_margin_requirements"
PAGE = 1000


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read ``im_perp_req`` and ``mm_perp_req``, rates of the whole position at mark.

    Instrument lists of before 2026 lack them; then nothing is known of the margins.
    """
    defects: list[Defect] = []
    found = read_rows(
        snapshot.answers(INSTRUMENTS),
        ("result", "instruments"),
        _formula,
        defects,
        symbol_key="instrument_name",
    )
    return formulas.parsed(found, facts, defects)


def _formula(payload: Payload, row: Row, at: str) -> Iterator[formulas.Formula]:
    if word(row, "instrument_type", at) != "perp" or row.get("is_active") is not True:
        return
    id_, base = word(row, "instrument_name", at), word(row, "base_currency", at)
    listed = contract("derive", id_, base=base, quote="USDC", settle="USDC")
    there = f"{at}/perp_details"
    details = mapping(row.get("perp_details"), there)
    unknown = Unknown("the instrument list holds no margin requirements")
    if _KEY not in details:
        positive(details, "max_rate_per_hour", there)
        yield formulas.Formula(
            payload=payload,
            instrument=listed,
            profile=Profile(MarginMode.CROSS),
            at=there,
            columns=(Column("largest funding rate", "/max_rate_per_hour", "rate per hour"),),
            initial=unknown,
            maintenance=unknown,
        )
        return
    there = f"{there}/{_KEY}"
    asked = mapping(details[_KEY], there)
    yield formulas.Formula(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.CROSS, "standard margin"),
        at=there,
        columns=(
            Column("initial", "/im_perp_req", "rate"),
            Column("maintenance", "/mm_perp_req", "rate"),
        ),
        initial=formulas.least(rate(asked, "im_perp_req", there)),
        maintenance=formulas.least(rate(asked, "mm_perp_req", there)),
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
            ask=once(expired="false", instrument_type="perp", page="1", page_size=str(PAGE)),
            next_page=numbered("page", PAGE, "result", "instruments"),
            typed=("expired", "page", "page_size"),
        ),
    ),
    parse=parse,
)
