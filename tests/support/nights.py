"""Sample nights for tests of notices and pages."""

from dataclasses import replace

from harmonize.document import Finding, Level, Verdict
from harmonize.document.change import Change, ChangeKind, MarginChange
from harmonize.document.night import Night, VenueNight

FINDING = Finding(
    code="MH401",
    name="initial-below-cap",
    verdict=Verdict.BREACH,
    level=Level.ERROR,
    venue="okx",
    symbol="BTC/USDT:USDT",
    profile="isolated",
    underlying="BTC",
    rule_set="esma-retail",
    message="IM is 1 % at $1, 50 % is asked",
    intervals=(),
    notional=1.0,
    observed=0.01,
    required=0.5,
    deviation=-0.98,
    observed_at="2026-11-20T01:15:00Z",
    fingerprint="f1",
    state="new",
)
RISE = MarginChange("initial", ((0.0, None),), (), 0.25, 50_000.0, None, None)
CHANGE = Change(
    venue="bybit",
    symbol="ETH/USDT:USDT",
    profile="isolated",
    underlying="ETH",
    kind=ChangeKind.TIGHTER,
    before="2026-11-19T01:15:00Z",
    after="2026-11-20T01:15:00Z",
    moved=(RISE,),
)
QUIET_NIGHT = Night(
    night="2026-11-20",
    as_of="2026-11-20T01:15:00Z",
    version="0.3.0",
    venues=(VenueNight("okx", "gathered", "2026-11-20T01:15:00Z", ""),),
    changes=(),
    new_findings=(),
    errors=(),
    counts={"error": 0, "warning": 0, "info": 0},
    exit_code=0,
)
ALERT_NIGHT = replace(
    QUIET_NIGHT,
    changes=(CHANGE,),
    new_findings=(FINDING,),
    errors=("gate: did not answer",),
    counts={"error": 1, "warning": 0, "info": 0},
    exit_code=3,
)
