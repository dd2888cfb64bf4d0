"""A finding as a flat row, with a description of every column, for tables of any program."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from harmonize.document import AuditDocument, Finding, Interval
from harmonize.text.sanitize import plain

CellValue = str | float | None


class Column(NamedTuple):
    """Column with its name, unit (empty for text) and meaning."""

    name: str
    unit: str
    meaning: str

    @property
    def is_numeric(self) -> bool:
        """Whether the column contains numbers."""
        return bool(self.unit)


COLUMNS = (
    Column("code", "", "Code of the check; `harmonize explain CODE` describes it"),
    Column("name", "", "Name of the check"),
    Column("level", "", "error, warning or info"),
    Column("verdict", "", "under, over, breach, prohibited, not applicable, not observable"),
    Column("state", "", "With a baseline: new or worse; otherwise empty"),
    Column("venue", "", "Venue, by its ccxt id; empty for findings on a rule set"),
    Column("symbol", "", "Unified symbol of the contract"),
    Column("profile", "", "Margin mode and account class of the schedule"),
    Column("underlying", "", "Underlying asset, under one name for all venues"),
    Column("rule_set", "", "Rule set that the schedule was compared with"),
    Column("margin_type", "", "initial or maintenance margin, capacity, or empty"),
    Column("notional_usd", "USD", "Position notional of the rates"),
    Column("observed_rate", "share of notional", "Observed margin at that notional; 0.01 is 1 %"),
    Column(
        "required_rate", "share of notional", "Margin that the rule set requires at that notional"
    ),
    Column("verified", "", "Verification of the source of the required rate"),
    Column("deviation", "share", "Observed over required, less 1; -0.2 is 20 % below"),
    Column("intervals_usd", "", "Ranges of notional concerned in USD, as lower-upper"),
    Column("message", "", "The finding in words"),
    Column("remedy", "", "Smallest change of the published tiers that would comply"),
    Column("observed_at", "", "When the margin was observed, UTC; the latest possible time"),
    Column("observed_from", "", "Earliest possible time of the observation; empty if not known"),
    Column("date_kind", "", "exact, no later than, between, or derived (from prices)"),
    Column("waiver", "", "Owner, reason and expiry of the waiver; empty if the finding counts"),
    Column("fingerprint", "", "Identifier of the finding, the same in every audit"),
)

_FORMULA = re.compile(r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@lru_cache(maxsize=65536)
def neutralize_formula(text: str) -> str:
    """Returns text that is safe in a spreadsheet: a quote precedes anything that looks like a formula.

    Source: OWASP, CSV injection.
    """
    printable = plain(text)
    return f"'{printable}" if _FORMULA.match(printable) else printable


def finding_rows(document: AuditDocument) -> Iterator[tuple[CellValue, ...]]:
    """Yields the findings and then the waived findings, in the order of `COLUMNS`."""
    for finding in (*document.findings, *document.waived):
        yield finding_row(finding)


def finding_row(finding: Finding) -> tuple[CellValue, ...]:
    """Returns the values of one finding in the order of `COLUMNS`."""
    return (
        finding.code,
        finding.name,
        finding.level.value,
        finding.verdict.value,
        finding.state,
        finding.venue,
        finding.symbol,
        finding.profile,
        finding.underlying,
        finding.rule_set,
        finding.margin_type,
        finding.notional,
        finding.observed,
        finding.required,
        finding.verified,
        finding.deviation,
        "; ".join(map(_range_text, finding.intervals)),
        finding.message,
        finding.remedy,
        finding.observed_at,
        finding.observed_from,
        finding.date_kind,
        finding.waiver,
        finding.fingerprint,
    )


def _range_text(interval: Interval) -> str:
    upper = "" if interval.upper is None else f"{interval.upper:.15g}"
    return f"{interval.lower:.15g}-{upper}"
