"""The complete audit document and its JSON form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from harmonize.document.adequacy import (
    AdequacyRow,
    AdequacySection,
    BreachRow,
    ClearingRow,
    CoverageTest,
    DatedBacktestRow,
    HoldingRow,
    MoveRow,
    UnjudgedRow,
    VolatilityRow,
    YearRow,
)
from harmonize.document.arbitrage import ArbitrageRow
from harmonize.document.cross_venue import (
    Comparison,
    Curve,
    Headlines,
    Index,
    IndexSummary,
    Member,
    Spread,
)
from harmonize.document.divergence import DivergenceRow
from harmonize.document.encoding import decoded, encoded
from harmonize.document.encoding_schema import encoded_schema
from harmonize.document.findings import BaselineRow, Finding, WaiverRow
from harmonize.document.history import History
from harmonize.document.liquidation import LiquidationRow
from harmonize.document.provenance import CoverageRow, DefectRow, SnapshotRow, Tool, UnobservedRow
from harmonize.document.rule_sets import InputRow, RuleSetRow
from harmonize.document.schedules import ScheduleRow
from harmonize.document.stress import StressOmittedRow, StressRow
from harmonize.document.thresholds import ThresholdSection
from harmonize.document.upgrade import upgraded

SCHEMA_VERSION = "3.1"


@dataclass(frozen=True, slots=True)
class AuditDocument:
    """One audit. ``notional_grid`` contains the notionals, in USD, at which points are computed.

    ``findings`` are the findings that count; findings waived by the configuration are in ``waived``.
    """

    schema_version: str
    tool: Tool
    archive: str
    as_of: str
    stale_after_days: float
    notional_grid: tuple[float, ...]
    heat_map_notional: float
    snapshots: tuple[SnapshotRow, ...]
    rule_sets: tuple[RuleSetRow, ...]
    coverage: tuple[CoverageRow, ...]
    schedules: tuple[ScheduleRow, ...]
    defects: tuple[DefectRow, ...]
    unobserved: tuple[UnobservedRow, ...]
    findings: tuple[Finding, ...]
    divergences: tuple[DivergenceRow, ...]
    comparisons: tuple[Comparison, ...]
    spreads: tuple[Spread, ...]
    arbitrages: tuple[ArbitrageRow, ...]
    liquidations: tuple[LiquidationRow, ...]
    cost_of_capital: float
    indices: tuple[Index, ...]
    index_summaries: tuple[IndexSummary, ...]
    curves: tuple[Curve, ...]
    explanations: Mapping[str, str]
    inputs: tuple[InputRow, ...] = ()
    waived: tuple[Finding, ...] = ()
    waivers: tuple[WaiverRow, ...] = ()
    baseline: BaselineRow | None = None
    history: History = field(default_factory=History)
    headlines: Headlines = field(default_factory=Headlines)
    adequacy: AdequacySection = field(default_factory=AdequacySection)
    stress: tuple[StressRow, ...] = ()
    stress_omitted: tuple[StressOmittedRow, ...] = ()
    thresholds: ThresholdSection = field(default_factory=ThresholdSection)


def to_json(document: AuditDocument) -> bytes:
    """Returns the document as JSON, encoded as in ``encoding``. Equal documents give equal bytes."""
    from pydantic_core import to_json as dump  # noqa: PLC0415 - only this format needs it

    content = {name: getattr(document, name) for name in _names(AuditDocument)}
    return dump(encoded(content, ROWS), inf_nan_mode="null") + b"\n"


def from_json(text: bytes) -> AuditDocument:
    """Returns a document of version 1.x, 2.x or this one as a document of this version.

    Raises ValueError: ``text`` is not an audit document, or has a later version.
    """
    from pydantic import TypeAdapter  # noqa: PLC0415 - slow to import, and only reading needs it

    document = json.loads(text)
    version = str(document["schema_version"]) if _has_version(document) else ""
    if version.startswith("1."):
        document = upgraded(document)
    elif version in {"3.0", SCHEMA_VERSION}:
        document = decoded(document)
    elif not version.startswith("2."):
        message = f"expected an audit document of version 1.x, 2.x, 3.0 or {SCHEMA_VERSION}, found {version or 'none'}"
        raise ValueError(message)
    return TypeAdapter(AuditDocument).validate_python(
        {**document, "schema_version": SCHEMA_VERSION}
    )


def _has_version(document: object) -> bool:
    return isinstance(document, dict) and "schema_version" in document


def json_schema() -> dict[str, object]:
    """Returns the JSON Schema (2020-12) of the encoded document."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    schema = TypeAdapter(AuditDocument).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **encoded_schema(schema)}


def _names(row: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(row))


ROWS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "schedules": _names(ScheduleRow),
        "coverage": _names(CoverageRow),
        "divergences": _names(DivergenceRow),
        "findings": _names(Finding),
        "waived": _names(Finding),
        "comparisons": _names(Comparison),
        "members": _names(Member),
        "adequacy": _names(AdequacySection),
        "rows": _names(AdequacyRow),
        "holding_times": _names(HoldingRow),
        "clearing_horizons": _names(ClearingRow),
        "tests": _names(CoverageTest),
        "breaches": _names(BreachRow),
        "moves": _names(MoveRow),
        "backtests": _names(DatedBacktestRow),
        "years": _names(YearRow),
        "unjudged": _names(UnjudgedRow),
        "volatilities": _names(VolatilityRow),
    }
)
"""Fields of the rows of each encoded collection."""
