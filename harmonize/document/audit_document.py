"""The complete audit document and its JSON form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from harmonize.document.arbitrage import ArbitrageRow
from harmonize.document.cross_venue import (
    Comparison,
    Curve,
    Headlines,
    Index,
    IndexSummary,
    Spread,
)
from harmonize.document.divergence import DivergenceRow
from harmonize.document.findings import BaselineRow, Finding, WaiverRow
from harmonize.document.history import History
from harmonize.document.liquidation import LiquidationRow
from harmonize.document.provenance import CoverageRow, DefectRow, SnapshotRow, Tool, UnobservedRow
from harmonize.document.rule_sets import InputRow, RuleSetRow
from harmonize.document.schedules import ScheduleRow
from harmonize.document.upgrade import upgraded

SCHEMA_VERSION = "2.1"


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


def to_json(document: AuditDocument) -> bytes:
    """Returns the document as JSON. Equal documents give equal bytes."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - slow to import, and only this format needs it

    return TypeAdapter(AuditDocument).dump_json(document) + b"\n"


def from_json(text: bytes) -> AuditDocument:
    """Returns a document of version 1.x or 2.x as a document of this version.

    Raises ValueError: ``text`` is not an audit document, or has a later version.
    """
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    document = json.loads(text)
    version = str(document["schema_version"]) if _has_version(document) else ""
    if version.startswith("1."):
        document = upgraded(document)
    elif not version.startswith("2."):
        message = f"expected an audit document of version 1.x or 2.x, found {version or 'none'}"
        raise ValueError(message)
    return TypeAdapter(AuditDocument).validate_python(document)


def _has_version(document: object) -> bool:
    return isinstance(document, dict) and "schema_version" in document


def json_schema() -> dict[str, object]:
    """Returns the JSON Schema (2020-12) of the document."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    schema = TypeAdapter(AuditDocument).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
