"""The audit document: the typed and versioned input of all renderers.

Amounts are in US dollars, and rates are plain numbers (0.01 is 1 %). A deviation is observed /
required − 1 (−0.2 is 20 % below the reference). Times are ISO 8601 in UTC. A number that is
``None`` is not observable or does not exist; the status, reason or note beside it states which. An
open-ended upper bound is ``None``. In JSON, large collections are tables; ``decoded`` gives their rows.
"""

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
from harmonize.document.arbitrage import AllocationRow, ArbitragePoint, ArbitrageRow
from harmonize.document.audit_document import (
    SCHEMA_VERSION,
    AuditDocument,
    from_json,
    json_schema,
    to_json,
)
from harmonize.document.cross_venue import (
    Comparison,
    Curve,
    Headlines,
    Index,
    IndexSummary,
    LowestMarginShare,
    Member,
    Spread,
    SpreadInterval,
    SpreadPoint,
    VenueDistance,
)
from harmonize.document.divergence import DivergencePoint, DivergenceRow
from harmonize.document.encoding import decoded
from harmonize.document.findings import BaselineRow, Finding, Interval, Level, Verdict, WaiverRow
from harmonize.document.liquidation import LiquidationRow
from harmonize.document.provenance import (
    CoverageRow,
    CoverageStatus,
    DefectRow,
    PayloadRow,
    SnapshotRow,
    Tool,
    UnobservedRow,
)
from harmonize.document.rule_sets import (
    CitationRow,
    FlagRow,
    InputRow,
    ParameterRow,
    RequirementRow,
    RuleSetRow,
)
from harmonize.document.schedules import (
    ColumnRow,
    ConversionRow,
    EvidenceRow,
    FactorRow,
    PieceRow,
    ScheduleRow,
    Status,
)

__all__ = [
    "SCHEMA_VERSION",
    "AdequacyRow",
    "AdequacySection",
    "AllocationRow",
    "ArbitragePoint",
    "ArbitrageRow",
    "AuditDocument",
    "BaselineRow",
    "BreachRow",
    "CitationRow",
    "ClearingRow",
    "ColumnRow",
    "Comparison",
    "ConversionRow",
    "CoverageRow",
    "CoverageStatus",
    "CoverageTest",
    "Curve",
    "DatedBacktestRow",
    "DefectRow",
    "DivergencePoint",
    "DivergenceRow",
    "EvidenceRow",
    "FactorRow",
    "Finding",
    "FlagRow",
    "Headlines",
    "HoldingRow",
    "Index",
    "IndexSummary",
    "InputRow",
    "Interval",
    "Level",
    "LiquidationRow",
    "LowestMarginShare",
    "Member",
    "MoveRow",
    "ParameterRow",
    "PayloadRow",
    "PieceRow",
    "RequirementRow",
    "RuleSetRow",
    "ScheduleRow",
    "SnapshotRow",
    "Spread",
    "SpreadInterval",
    "SpreadPoint",
    "Status",
    "Tool",
    "UnjudgedRow",
    "UnobservedRow",
    "VenueDistance",
    "Verdict",
    "VolatilityRow",
    "WaiverRow",
    "YearRow",
    "decoded",
    "from_json",
    "json_schema",
    "to_json",
]
