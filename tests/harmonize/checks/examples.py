"""One failing and one passing case per check, built by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from harmonize.audit.assemble import AuditOptions, PriceTests, Reading, audit
from harmonize.core.instrument import contract
from harmonize.core.payload import (
    Call,
    Column,
    Conversion,
    Defect,
    Evidence,
    Factor,
    Origin,
    Payload,
    Provenance,
    Remark,
    RemarkKind,
    Snapshot,
    Unobserved,
)
from harmonize.core.schedule import (
    INFINITY,
    Derived,
    FeeAddOn,
    Known,
    MaintenanceMeaning,
    MarginMode,
    MarginSchedule,
    Profile,
    Tier,
    TierRule,
    Unknown,
    flat,
)
from harmonize.document import (
    AdequacyRow,
    AdequacySection,
    AuditDocument,
    StressRow,
    ThresholdSection,
)
from harmonize.history.diff import ObservedSchedules, find_changes
from harmonize.history.recent import DatedChange, RecentHistory, StressTightening, UnchangedSchedule
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import RuleSet
from harmonize.policy.waiver import Waiver
from rules import loader
from tests.harmonize.checks import price_tests, stress_tests
from tests.harmonize.checks.price_tests import (
    ROW,
    clearing,
    holding,
    past,
    sized,
    with_clearing,
    with_holding,
)
from tests.support.sample_thresholds import evidence, signals
from venues.completeness import as_partial

NOW = datetime(2026, 3, 10, tzinfo=UTC)
D = Decimal


def flat_schedule(*rows: tuple[object, str, str], asset: str = "BTC") -> MarginSchedule:
    """Returns a schedule of flat tiers, each given as upper bound, IM rate and MM rate."""
    uppers = [D(str(upper)) for upper, _, _ in rows]
    initial = [D(rate) for _, rate, _ in rows]
    maintenance = [D(rate) for _, _, rate in rows]
    lowers = [D(0), *uppers]
    return MarginSchedule(
        instrument=contract("okx", f"{asset}-SWAP", base=asset, quote="USDT", settle="USDT"),
        profile=Profile(MarginMode.ANY),
        observed_at=NOW,
        dates=(NOW,),
        origin=Origin.LIVE,
        rule=TierRule.FLAT,
        tiers=tuple(
            Tier(upper, initial_rate, maintenance_rate, lower)
            for upper, initial_rate, maintenance_rate, lower in zip(
                uppers, initial, maintenance, lowers, strict=False
            )
        ),
        initial=Known(flat(uppers, initial)),
        maintenance=Known(flat(uppers, maintenance)),
        capacity=Known(uppers[-1]) if uppers[-1].is_finite() else Unknown("none is published"),
        meaning=MaintenanceMeaning.LIQUIDATION,
        fee=FeeAddOn("none", Known(D(0))),
        evidence=(),
    )


SOUND = flat_schedule((20_000, "0.52", "0.27"), (50_000, "0.6", "0.3"))
"""Schedule without findings: above every minimum, and at most 50 % above any reference."""

NEAR = flat_schedule((50_000, "0.1", "0.05"))
"""Close to the requirement of the baseline for BTC."""

LARGE_CAPACITY = flat_schedule((20_000_000, "0.1", "0.05"))
HIGH_MARGIN = flat_schedule((20_000_000, "0.2", "0.1"))
STEEP = flat_schedule((60_000, "0.1", "0.05"), (1_000_000, "0.5", "0.2"))

LAX = flat_schedule((20_000, "0.01", "0.005"), (50_000, "0.02", "0.01"))


def dated(expiry: date) -> MarginSchedule:
    """Returns a schedule without other findings, of a contract with an expiry."""
    instrument = contract(
        "okx", f"BTC-{expiry}", base="BTC", quote="USDT", settle="USDT", expiry=expiry
    )
    return replace(SOUND, instrument=instrument)


def snapshot(origin: Origin = Origin.LIVE, *, days: int = 0, complete: bool = True) -> Snapshot:
    """Returns a snapshot of OKX, observed a number of days before the audit."""
    observed_at = NOW - timedelta(days=days)
    provenance = Provenance(origin, "built by a test", "the test")
    payload = Payload.of("okx", Call("get"), observed_at, provenance, b"{}")
    return Snapshot("okx", observed_at, (payload,), complete)


@dataclass(frozen=True)
class Case:
    """Input of one audit."""

    schedules: tuple[MarginSchedule, ...] = (SOUND,)
    rules: tuple[RuleSet, ...] = ()
    snapshots: tuple[Snapshot, ...] = (snapshot(),)
    defects: tuple[Defect, ...] = ()
    unobserved: tuple[Unobserved, ...] = ()
    inputs: tuple[Input, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    lately: RecentHistory = field(default_factory=RecentHistory)
    remarks: tuple[Remark, ...] = ()
    adequacy: AdequacySection = field(default_factory=AdequacySection)
    stress: tuple[StressRow, ...] = ()
    thresholds: ThresholdSection = field(default_factory=ThresholdSection)

    def audited(self, options: Mapping[str, Mapping[str, float]] | None = None) -> AuditDocument:
        """Returns the audit of this input."""
        reading = Reading(
            "a test",
            tuple(("0" * 64, snapshot) for snapshot in self.snapshots),
            self.schedules,
            self.defects,
            self.unobserved,
            self.inputs,
            recent_history=self.lately,
            remarks=self.remarks,
        )
        chosen = AuditOptions(NOW, check_options=options or {}, waivers=self.waivers)
        tests = PriceTests(self.adequacy, self.thresholds, self.stress)
        return audit(reading, self.rules, chosen, tests=tests)


def of(
    *schedules: MarginSchedule, rules: tuple[str, ...] = (), inputs: tuple[Input, ...] = ()
) -> Case:
    """Returns a case of schedules against bundled rule sets."""
    return Case(schedules, tuple(map(loader.load, rules)), inputs=inputs)


def two_venues(
    schedule: MarginSchedule, other: MarginSchedule | None = None, *, days: int = 0
) -> Case:
    """Returns a case of OKX and Bybit against the baseline.

    Bybit has the other schedule (by default the same one), observed a number of days earlier.
    """
    second = schedule if other is None else other
    instrument = replace(second.instrument, venue="bybit")
    dates = (NOW - timedelta(days=days),)
    return of(schedule, replace(second, instrument=instrument, dates=dates), rules=BASELINE)


def priced(*rows: AdequacyRow) -> Case:
    """Returns a case of tests against past prices, by the limits of the baseline."""
    return replace(of(SOUND, rules=(*BASELINE, "emir-ccp")), adequacy=price_tests.section(*rows))


def stressed(row: StressRow) -> Case:
    """Returns a case of a fall on the schedule without other findings."""
    return replace(of(SOUND, rules=BASELINE), stress=(row,))


def signalled(code: str = "", day: str = "2026-03-10") -> Case:
    """Returns a case of one signal that is on before a day; without a code, of none."""
    return replace(of(SOUND), thresholds=signals(code, evidence(day)))


def loosened_at(volatility: float) -> Case:
    """Returns a case of a reduced margin, with a volatility that was 50 % before."""
    return replace(after_change(SOUND, NEAR), adequacy=price_tests.section(recent=volatility))


def three_venues(schedule: MarginSchedule) -> Case:
    """Returns a case of the same schedule on OKX, Bybit and Gate against the baseline."""
    copies = (
        replace(schedule, instrument=replace(schedule.instrument, venue=venue))
        for venue in ("okx", "bybit", "gate")
    )
    return of(*copies, rules=BASELINE)


def observed_apart(schedule: MarginSchedule, *, days: float) -> Case:
    """Returns a case of OKX and Bybit, where the schedule was observed a number of days earlier."""
    observed_at = NOW - timedelta(days=days)
    instrument = replace(schedule.instrument, venue="bybit")
    earlier = replace(
        schedule, instrument=instrument, observed_at=observed_at, dates=(observed_at,)
    )
    return of(schedule, earlier)


def after_change(before: MarginSchedule, after: MarginSchedule, *, effective: str = "") -> Case:
    """Returns a case of one changed schedule against the baseline.

    The second observation is an hour before the audit, the first a day earlier.
    """
    observed_at = NOW - timedelta(hours=1)
    before = replace(before, observed_at=observed_at - timedelta(days=1))
    after = replace(after, observed_at=observed_at)
    complete = frozenset({"okx"})
    differences = find_changes(
        ObservedSchedules((before,), complete), ObservedSchedules((after,), complete), (1e4, 1e5)
    )
    dated = tuple(DatedChange(difference, effective) for difference in differences)
    return replace(of(after, rules=BASELINE), lately=RecentHistory(changes=dated))


def in_stress(*tightenings: StressTightening) -> Case:
    """Returns a case of tightenings around stress windows."""
    return Case(lately=RecentHistory(in_stress=tightenings))


def unchanged_for(days: float) -> Case:
    """Returns a case of a schedule that has not changed for a number of days."""
    unchanged = UnchangedSchedule("okx", "BTC/USDT:USDT", "any", NOW - timedelta(days=days))
    return Case(lately=RecentHistory(unchanged=(unchanged,), observed={"okx": (NOW,)}))


def observed_before(*hours: float) -> Case:
    """Returns a case of a venue that was observed a number of hours before the audit."""
    times = tuple(NOW - timedelta(hours=hour) for hour in hours)
    return Case(lately=RecentHistory(observed={"okx": times}))


NIGHTLY = tuple(24.0 * night for night in range(12))
CRASH = StressTightening(
    venue="okx",
    window="BTC −16 %",
    first="2025-10-10",
    last="2025-10-11",
    since="2025-10-10T01:00:00Z",
    until="2025-10-11T01:00:00Z",
    tightened=3,
    largest=0.5,
    symbol="BTC/USDT:USDT",
)
"""Three schedules of OKX that tightened around a stress window."""

HALF = flat_schedule((50_000, "0.05", "0.025"))
"""Half of the margin of NEAR."""


def with_fields(schedule: MarginSchedule = SOUND, **fields: object) -> Case:
    """Returns a case of one schedule with changed fields."""
    return of(replace(schedule, **fields))  # type: ignore[arg-type]


def with_rule_set(rule_set: str, change: Callable[[RuleSet], RuleSet]) -> Case:
    """Returns a case of LAX against a changed bundled rule set."""
    return Case((LAX,), (change(loader.load(rule_set)),))


def measured(name: str, value: str, *, days: int = 0, spread: str = "0.01") -> Input:
    """Returns a measured input of BTC with its confidence interval."""
    lower, upper = D(value) - D(spread), D(value) + D(spread)
    observed_at = NOW - timedelta(days=days)
    return Input(name, "BTC", D(value), observed_at, lower, upper, D("0.95"), 1095, "derived")


def price_evidence(days: int) -> tuple[Evidence, ...]:
    """Returns evidence of bounds converted with a price of a number of days before the audit."""
    factor = Factor("mark price", D(1), "USD", "0", "/p", NOW - timedelta(days=days), Origin.LIVE)
    column = Column("bound", "/b", "contracts")
    return (Evidence("0", ("/0",), (column,), Conversion("contracts × price", (factor,))),)


def scoped(**selectors: object) -> Callable[[RuleSet], RuleSet]:
    """Returns a function that changes selectors in the scope of a rule set."""
    return lambda rule_set: replace(
        rule_set,
        scope=replace(rule_set.scope, **selectors),  # type: ignore[arg-type]
    )


def waiver(codes: tuple[str, ...] = ("MH401",), **fields: object) -> Waiver:
    """Returns a waiver until 2027-01-01, with changed fields."""
    default = Waiver("c.yaml:1", codes, "known", "risk", date(2027, 1, 1))
    return replace(default, **fields)  # type: ignore[arg-type]


def waived(**fields: object) -> Case:
    """Returns a case of LAX against the European cap, with a waiver."""
    return Case((LAX,), (loader.load("esma-retail"),), waivers=(waiver(**fields),))  # type: ignore[arg-type]


def with_second_tier(tiers: tuple[Tier, ...], **fields: object) -> tuple[Tier, ...]:
    """Returns the first two tiers, the second with changed fields."""
    return (tiers[0], replace(tiers[1], **fields))  # type: ignore[arg-type]


UNVERIFIED = Derived(SOUND.initial.value, "read as dollars", verified=False)  # type: ignore[union-attr]
DERIVED = Derived(SOUND.initial.value, "converted", verified=True)  # type: ignore[union-attr]
BASELINE = ("harmonized-baseline",)
CFTC = ("cftc-dco",)
QUANTILE = "var_99_1d_1095d"
FEE = FeeAddOn("to close", Known(D("0.3")))
INPUTS = (measured(QUANTILE, "0.081"),)
WRONG_DEDUCTION = replace(
    SOUND, rule=TierRule.MARGINAL, tiers=with_second_tier(SOUND.tiers, deduction=D(5))
)
CORRECT_DEDUCTION = replace(
    SOUND, rule=TierRule.MARGINAL, tiers=with_second_tier(SOUND.tiers, deduction=D("0.03") * 20_000)
)
LOW_BUFFER = flat_schedule((20_000, "0.52", "0.5"), (50_000, "0.6", "0.58"))
LOW_MAINTENANCE = flat_schedule((50_000, "0.9", "0.1"))
SMALL_FIRST_TIER = flat_schedule((5_000, "0.52", "0.27"), (50_000, "0.6", "0.3"))
OPEN_ENDED = flat_schedule((20_000, "0.1", "0.05"), (INFINITY, "0.15", "0.1"))
OPEN_HIGH_RATE = flat_schedule((20_000, "0.52", "0.27"), (INFINITY, "0.6", "0.3"))
CONSTANT_RATE = flat_schedule((2_000_000, "0.52", "0.27"))
RISING_RATE = flat_schedule((1_000, "0.52", "0.27"), (2_000_000, "0.6", "0.3"))
UNLISTED = flat_schedule((20_000, "0.52", "0.27"), asset="NEWCOIN")
MARGIN_CALL = replace(SOUND, meaning=MaintenanceMeaning.CALL)
SOUND_CASE = Case()

CLUSTERED = clearing(1, 20, p_value=0.009, after_breach=0.2, after_calm=0.01)

CASES: Mapping[str, tuple[Case, Case]] = MappingProxyType(
    {
        # code: failing case, passing case
        "MH101": (with_fields(tiers=with_second_tier(SOUND.tiers, lower=D(25_000))), SOUND_CASE),
        "MH102": (with_fields(maintenance=Known(flat([D(50_000)], [D("0.55")]))), SOUND_CASE),
        "MH103": (of(flat_schedule((20_000, "0.6", "0.3"), (50_000, "0.55", "0.3"))), SOUND_CASE),
        "MH104": (SOUND_CASE, of(flat_schedule((50_000, "0.52", "0.27")))),
        "MH105": (SOUND_CASE, of(flat_schedule((50_000, "0.52", "0.27")))),
        "MH106": (of(WRONG_DEDUCTION), of(CORRECT_DEDUCTION)),
        "MH107": (of(LOW_BUFFER), SOUND_CASE),
        "MH108": (of(flat_schedule((20_000, "0.6", "0.3"), (50_000, "0.6", "0.3"))), SOUND_CASE),
        "MH109": (of(CONSTANT_RATE), of(RISING_RATE)),
        "MH110": (of(OPEN_ENDED), of(OPEN_HIGH_RATE)),
        "MH111": (of(SMALL_FIRST_TIER), SOUND_CASE),
        "MH112": (with_fields(fee=FEE), with_fields(fee=FeeAddOn("to close", Known(D("0.1"))))),
        "MH113": (with_fields(capacity=Known(D(40_000))), SOUND_CASE),
        "MH114": (of(LOW_MAINTENANCE), SOUND_CASE),
        "MH201": (with_fields(maintenance=Unknown("not published")), SOUND_CASE),
        "MH202": (with_fields(initial=Unknown("not published")), SOUND_CASE),
        "MH203": (with_fields(capacity=Unknown("not published")), SOUND_CASE),
        "MH204": (with_fields(initial=DERIVED), with_fields(initial=UNVERIFIED)),
        "MH205": (with_fields(rule=None), SOUND_CASE),
        "MH206": (with_fields(initial=UNVERIFIED), with_fields(initial=DERIVED)),
        "MH207": (with_fields(origin=Origin.DOCUMENTATION), SOUND_CASE),
        "MH208": (with_fields(exclusion_reason="the first tier alone"), SOUND_CASE),
        "MH209": (
            with_fields(fee=FeeAddOn("to close", Unknown("by account"))),
            with_fields(fee=FeeAddOn("none", Unknown("by account"))),
        ),
        "MH210": (with_fields(evidence=price_evidence(0)), SOUND_CASE),
        "MH211": (with_fields(dates=(NOW - timedelta(days=3), NOW)), with_fields(dates=(NOW, NOW))),
        "MH212": (with_fields(capacity=Unknown("not published")), SOUND_CASE),
        "MH301": (of(LAX, rules=BASELINE), of(SOUND, rules=("esma-retail",))),
        "MH302": (of(LAX, rules=BASELINE), of(MARGIN_CALL, rules=BASELINE)),
        "MH303": (of(LAX, rules=CFTC, inputs=INPUTS), of(LAX, rules=CFTC)),
        "MH304": (
            of(replace(LAX, meaning=MaintenanceMeaning.CALL), rules=CFTC, inputs=INPUTS),
            of(LAX, rules=CFTC, inputs=INPUTS),
        ),
        "MH305": (of(UNLISTED, rules=BASELINE), of(SOUND, rules=BASELINE)),
        "MH306": (of(MARGIN_CALL, rules=BASELINE), of(SOUND, rules=BASELINE)),
        "MH307": (of(SOUND, rules=CFTC), of(SOUND, rules=CFTC, inputs=INPUTS)),
        "MH308": (
            of(SOUND, rules=CFTC, inputs=(measured(QUANTILE, "0.081", days=31),)),
            of(SOUND, rules=CFTC, inputs=(measured(QUANTILE, "0.081", days=30),)),
        ),
        "MH309": (of(LAX, rules=BASELINE), of(SOUND, rules=BASELINE)),
        "MH401": (of(LAX, rules=("esma-retail",)), of(SOUND, rules=("esma-retail",))),
        "MH402": (of(LAX, rules=("esma-retail",)), of(SOUND, rules=("esma-retail",))),
        "MH403": (of(SOUND, rules=("uk-fca",)), of(SOUND, rules=("esma-retail",))),
        "MH404": (
            Case(
                (replace(SOUND, maintenance=Unknown("not published")),),
                (loader.load("esma-retail"),),
            ),
            of(SOUND, rules=("esma-retail",)),
        ),
        "MH405": (of(SOUND, rules=("jvcea-corporate",)), of(SOUND, rules=("cftc-dco-observed",))),
        "MH501": (
            priced(with_holding(ROW, holding("maintenance", 59.0))),
            priced(with_holding(ROW, holding("maintenance", 60.0))),
        ),
        "MH502": (
            priced(replace(ROW, every_window=past(101))),
            priced(replace(ROW, every_window=past(100))),
        ),
        "MH503": (
            priced(replace(ROW, after_liquidation=past(31, 300))),
            priced(replace(ROW, after_liquidation=past(30, 300))),
        ),
        "MH504": (
            priced(with_clearing(ROW, clearing(2, 40))),
            priced(with_clearing(ROW, clearing(2, 10))),
        ),
        "MH505": (
            priced(with_clearing(ROW, CLUSTERED)),
            priced(with_clearing(ROW, replace(CLUSTERED, christoffersen=0.01))),
        ),
        "MH506": (
            priced(sized(1e4, 0.05, 0.1), sized(1e7, 0.09, 12.0)),
            priced(sized(1e4, 0.05, 0.1), sized(1e7, 0.1, 12.0)),
        ),
        "MH507": (loosened_at(0.56), loosened_at(0.55)),
        "MH551": (
            stressed(replace(stress_tests.ROW, steps=(replace(stress_tests.STEP, step=0.2501),))),
            stressed(stress_tests.ROW),
        ),
        "MH552": (
            stressed(stress_tests.with_venue(shapley_ratio=1.6, shapley_ratio_low=1.51)),
            stressed(stress_tests.with_venue(shapley_ratio=1.6, shapley_ratio_low=1.5)),
        ),
        "MH553": (stressed(stress_tests.with_venue(overlap=0.9)), stressed(stress_tests.ROW)),
        "MH554": (
            stressed(replace(stress_tests.ROW, effects=(stress_tests.effect("more"),))),
            stressed(stress_tests.ROW),
        ),
        "MH555": (
            stressed(stress_tests.with_venue(leverage_mark="assumed")),
            stressed(stress_tests.ROW),
        ),
        "MH508": (
            priced(replace(ROW, every_window=past(None))),
            priced(sized(1e4, 0.05, 0.1)),
        ),
        **{
            code: (signalled(code), signalled())
            for code in ("MH511", "MH512", "MH513", "MH514", "MH515")
        },
        "MH601": (after_change(HALF, NEAR), after_change(NEAR, HALF)),
        "MH602": (after_change(NEAR, HALF), after_change(HALF, NEAR)),
        "MH603": (
            after_change(HALF, NEAR),
            after_change(HALF, NEAR, effective="2026-03-09T23:00:00Z"),
        ),
        "MH604": (in_stress(CRASH), in_stress()),
        "MH605": (unchanged_for(366), unchanged_for(365)),
        "MH606": (observed_before(*NIGHTLY[:4], *NIGHTLY[6:], 288, 312), observed_before(*NIGHTLY)),
        "MH701": (two_venues(LAX), two_venues(SOUND)),
        "MH702": (two_venues(LARGE_CAPACITY, HIGH_MARGIN), two_venues(LARGE_CAPACITY)),
        "MH703": (two_venues(LAX), two_venues(NEAR)),
        "MH704": (two_venues(LAX, SOUND), two_venues(LAX)),
        "MH705": (two_venues(STEEP), two_venues(LARGE_CAPACITY)),
        "MH706": (three_venues(LAX), two_venues(LAX)),
        "MH707": (two_venues(SOUND, days=31), two_venues(SOUND, days=30)),
        "MH801": (waived(expires=date(2026, 3, 9)), waived(expires=date(2026, 3, 10))),
        "MH802": (waived(venues=("bybit",)), waived()),
        "MH803": (waived(value=0.02, may_worsen=0.4), waived(value=0.02, may_worsen=0.5)),
        "MH804": (waived(expires=date(2026, 3, 23)), waived(expires=date(2026, 3, 24))),
        "MH811": (of(SOUND, rules=("vara-retail",)), of(SOUND, rules=("esma-retail",))),
        "MH812": (of(SOUND, rules=("vara-retail",)), of(SOUND, rules=("esma-retail",))),
        "MH813": (
            with_rule_set("esma-retail", scoped(jurisdictions=("JP",))),
            of(LAX, rules=("esma-retail",)),
        ),
        "MH901": (Case(defects=(Defect("okx", "/data/3", "no number"),)), SOUND_CASE),
        "MH902": (Case(snapshots=(snapshot(days=31),)), Case(snapshots=(snapshot(days=30),))),
        "MH903": (Case(unobserved=(Unobserved("bybit", "HTTP 403", NOW),)), SOUND_CASE),
        "MH904": (Case(snapshots=(snapshot(complete=False),)), SOUND_CASE),
        "MH905": (Case(snapshots=(snapshot(Origin.RECORDED),)), SOUND_CASE),
        "MH906": (Case(()), SOUND_CASE),
        "MH907": (
            Case(remarks=(Remark("okx", "get: x", "field x", RemarkKind.UNKNOWN_FIELD),)),
            SOUND_CASE,
        ),
        "MH908": (
            Case(snapshots=(as_partial(snapshot(), "89 of 90 contracts are gone"),)),
            Case(snapshots=(snapshot(complete=False),)),
        ),
        "MH909": (
            Case(remarks=(Remark("okx", "BTC", "exactly twice", RemarkKind.DOUBLED, "BTC"),)),
            Case(remarks=(Remark("okx", "get: x", "field x", RemarkKind.UNKNOWN_FIELD),)),
        ),
        "MH910": (
            observed_apart(flat_schedule((50_000, "0.1", "0.05"), asset="PUMP"), days=454),
            observed_apart(flat_schedule((50_000, "0.1", "0.05"), asset="PUMP"), days=60),
        ),
        "MH911": (of(dated(NOW.date())), of(dated(NOW.date() + timedelta(days=1)))),
    }
)

TUNED: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        # options under which the failing case of a check passes
        "MH107": {"least_buffer": 0.03},
        "MH109": {"from_notional": 5e6},
        "MH110": {"least_rate": 0.15},
        "MH111": {"least_notional": 5_000},
        "MH113": {"tolerance": 0.21},
        "MH114": {"least_share": 0.1},
        "MH211": {"days": 3},
        "MH212": {"least_share": 0.0},
        "MH309": {"least_minutes": 3},
        "MH601": {"days": 0.01, "rise": 1.1},
        "MH602": {"days": 0.01},
        "MH603": {"days": 0.01},
        "MH605": {"days": 366},
        "MH606": {"days": 1, "hours": 73, "least": 20},
        "MH507": {"rise": 0.2},
        "MH552": {"share_ratio": 2.0},
        "MH553": {"overlap": 0.95},
        "MH707": {"days": 31},
        "MH804": {"days": 13},
    }
)
