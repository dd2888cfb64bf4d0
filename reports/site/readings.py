"""What the schedules of a venue or a payload have in common: stated once, on the page of the venue."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harmonize.document import ColumnRow, EvidenceRow, ScheduleRow
from harmonize.text import numbers
from reports.site import marks


@dataclass(frozen=True, slots=True)
class Reading:
    """How a payload is read, as far as it is the same for all schedules read from it.

    ``fields`` names the quantities with their keys and units, ``formula`` the conversion into USD.
    """

    fields: str
    formula: str


NO_READING = Reading("", "")


def fields_text(columns: Iterable[ColumnRow]) -> str:
    """Returns the fields of a payload: quantity, key and unit of each."""
    return ", ".join(f"{column.quantity} {column.key} ({column.unit})" for column in columns)


def formula_of(entry: EvidenceRow) -> str:
    """Returns the conversion into USD; empty if there is none, or if it uses a measured price."""
    conversion = entry.conversion
    return "" if conversion is None or conversion.factors else conversion.formula


def readings(rows: Iterable[ScheduleRow]) -> Mapping[str, Reading]:
    """Returns how each payload is read, by its hash; what differs within a payload is empty."""
    fields: defaultdict[str, set[str]] = defaultdict(set)
    formulas: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for entry in row.evidence:
            fields[entry.sha256].add(fields_text(entry.columns))
            is_measured = entry.conversion is not None and bool(entry.conversion.factors)
            formulas[entry.sha256].add("\0" if is_measured else formula_of(entry))
    return {
        sha256: Reading(_only(found), _only(formulas[sha256])) for sha256, found in fields.items()
    }


def _only(texts: set[str]) -> str:
    only = next(iter(texts)) if len(texts) == 1 else ""
    return "" if only == "\0" else only


def terms(row: ScheduleRow) -> tuple[str, ...]:
    """Returns the terms of a schedule that most venues have in common for all, in words."""
    fee = f" {numbers.rate(row.fee_rate)}" if row.fee_rate is not None else ""
    origin = f" {marks.DOCUMENTATION.sign}" if row.origin == "documentation" else ""
    return (
        f"maintenance margin is a {row.maintenance_meaning}",
        f"tiers {row.tier_rule or 'not stated'}",
        f"liquidation fee {row.fee_rule}{fee}",
        f"{row.origin}{origin}",
    )


def common_terms(rows: Iterable[ScheduleRow]) -> Mapping[str, frozenset[str]]:
    """Returns the terms that all schedules of a venue share, per venue."""
    common: dict[str, frozenset[str]] = {}
    for row in rows:
        own = frozenset(terms(row))
        common[row.venue] = common.get(row.venue, own) & own
    return common
