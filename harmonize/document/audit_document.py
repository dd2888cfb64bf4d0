"""The audit document as a whole, and its JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harmonize.document.arbitrage import ArbitrageRow
from harmonize.document.cross_venue import Comparison, Curve, Index, IndexSummary, Spread
from harmonize.document.divergence import DivergenceRow
from harmonize.document.findings import BaselineRow, Finding, WaiverRow
from harmonize.document.history import History
from harmonize.document.liquidation import LiquidationRow
from harmonize.document.provenance import CoverageRow, DefectRow, SnapshotRow, Tool, UnobservedRow
from harmonize.document.rule_sets import InputRow, RuleSetRow
from harmonize.document.schedules import ScheduleRow

SCHEMA_VERSION = "1.4"


@dataclass(frozen=True, slots=True)
class AuditDocument:
    """One audit. ``ladder`` are the notionals, in USD, at which points are given.

    ``findings`` are those that count; what the configuration waives stands in ``waived``.
    """

    schema_version: str
    tool: Tool
    archive: str
    as_of: str
    stale_after_days: float
    ladder: tuple[float, ...]
    heat_notional: float
    snapshots: tuple[SnapshotRow, ...]
    rule_sets: tuple[RuleSetRow, ...]
    coverage: tuple[CoverageRow, ...]
    schedules: tuple[ScheduleRow, ...]
    defects: tuple[DefectRow, ...]
    unobserved: tuple[UnobservedRow, ...]
    findings: tuple[Finding, ...]
    divergences: tuple[DivergenceRow, ...]
    comparisons: tuple[Comparison, ...]
    gaps: tuple[Spread, ...]
    arbitrages: tuple[ArbitrageRow, ...]
    liquidations: tuple[LiquidationRow, ...]
    hurdle_rate: float
    indices: tuple[Index, ...]
    index_summaries: tuple[IndexSummary, ...]
    curves: tuple[Curve, ...]
    explanations: Mapping[str, str]
    inputs: tuple[InputRow, ...] = ()
    waived: tuple[Finding, ...] = ()
    waivers: tuple[WaiverRow, ...] = ()
    baseline: BaselineRow | None = None
    past: History = field(default_factory=History)


def to_json(document: AuditDocument) -> bytes:
    """Write the document as JSON, byte for byte the same for the same document."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy; only this format needs it

    return TypeAdapter(AuditDocument).dump_json(document) + b"\n"


def from_json(text: bytes) -> AuditDocument:
    """Read a document back. Raises ValueError: not an audit document of this version."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    return TypeAdapter(AuditDocument).validate_json(text)


def json_schema() -> dict[str, object]:
    """Give the document's JSON Schema (2020-12)."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    schema = TypeAdapter(AuditDocument).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
