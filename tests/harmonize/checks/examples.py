"""For every check something that it finds and something that it lets pass; built, not recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from harmonize.audit.assemble import AuditOptions, Reading, audit
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
from harmonize.document import AuditDocument
from harmonize.history.diff import Observed, changes
from harmonize.history.recent import Dated, InStress, RecentHistory, Unchanged
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import RuleSet
from harmonize.policy.waiver import Waiver
from rules import loader

NOW = datetime(2026, 3, 10, tzinfo=UTC)
D = Decimal


def flat_schedule(*rows: tuple[object, str, str], asset: str = "BTC") -> MarginSchedule:
    """A schedule of flat tiers: upper bound, IM rate, MM rate."""
    uppers = [D(str(upper)) for upper, _, _ in rows]
    initial = [D(one) for _, one, _ in rows]
    maintenance = [D(one) for _, _, one in rows]
    lowers = [D(0), *uppers]
    return MarginSchedule(
        instrument=contract("okx", f"{asset}-SWAP", base=asset, quote="USDT", settle="USDT"),
        profile=Profile(MarginMode.ANY),
        observed_at=NOW,
        dates=(NOW,),
        origin=Origin.LIVE,
        rule=TierRule.FLAT,
        tiers=tuple(
            Tier(upper, one, other, lower)
            for upper, one, other, lower in zip(uppers, initial, maintenance, lowers, strict=False)
        ),
        initial=Known(flat(uppers, initial)),
        maintenance=Known(flat(uppers, maintenance)),
        capacity=Known(uppers[-1]) if uppers[-1].is_finite() else Unknown("none is published"),
        meaning=MaintenanceMeaning.LIQUIDATION,
        fee=FeeAddOn("none", Known(D(0))),
        evidence=(),
    )


SOUND = flat_schedule((20_000, "0.52", "0.27"), (50_000, "0.6", "0.3"))
"""Nothing to find: above every minimum, and 50 % over no reference."""

NEAR = flat_schedule((50_000, "0.1", "0.05"))
"""About what the baseline asks of BTC."""

BROAD = flat_schedule((20_000_000, "0.1", "0.05"))
DEAR = flat_schedule((20_000_000, "0.2", "0.1"))
STEEP = flat_schedule((60_000, "0.1", "0.05"), (1_000_000, "0.5", "0.2"))

LAX = flat_schedule((20_000, "0.01", "0.005"), (50_000, "0.02", "0.01"))


def snapshot(origin: Origin = Origin.LIVE, *, days: int = 0, complete: bool = True) -> Snapshot:
    """A snapshot of the venue, so many days before the audit."""
    when = NOW - timedelta(days=days)
    provenance = Provenance(origin, "built by a test", "the test")
    payload = Payload.of("okx", Call("get"), when, provenance, b"{}")
    return Snapshot("okx", when, (payload,), complete)


@dataclass(frozen=True)
class Case:
    """What is audited."""

    schedules: tuple[MarginSchedule, ...] = (SOUND,)
    rules: tuple[RuleSet, ...] = ()
    snapshots: tuple[Snapshot, ...] = (snapshot(),)
    defects: tuple[Defect, ...] = ()
    unobserved: tuple[Unobserved, ...] = ()
    inputs: tuple[Input, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    lately: RecentHistory = field(default_factory=RecentHistory)

    def audited(self, options: Mapping[str, Mapping[str, float]] | None = None) -> AuditDocument:
        """Audit it."""
        reading = Reading(
            "a test",
            tuple(("0" * 64, one) for one in self.snapshots),
            self.schedules,
            self.defects,
            self.unobserved,
            self.inputs,
            lately=self.lately,
        )
        chosen = AuditOptions(NOW, check_options=options or {}, waivers=self.waivers)
        return audit(reading, self.rules, chosen)


def of(
    *schedules: MarginSchedule, rules: tuple[str, ...] = (), inputs: tuple[Input, ...] = ()
) -> Case:
    """A case of schedules against packs."""
    return Case(schedules, tuple(map(loader.load, rules)), inputs=inputs)


def pair(one: MarginSchedule, other: MarginSchedule | None = None, *, days: int = 0) -> Case:
    """A case of two venues against the baseline, the other one observed so many days before."""
    second = one if other is None else other
    instrument = replace(second.instrument, venue="bybit")
    dates = (NOW - timedelta(days=days),)
    return of(one, replace(second, instrument=instrument, dates=dates), rules=BASELINE)


def after(before: MarginSchedule, now: MarginSchedule, *, effective: str = "") -> Case:
    """A schedule observed an hour before the audit, a day after another, against the baseline."""
    when = NOW - timedelta(hours=1)
    was = replace(before, observed_at=when - timedelta(days=1))
    now = replace(now, observed_at=when)
    whole = frozenset({"okx"})
    found = changes(Observed((was,), whole), Observed((now,), whole), (1e4, 1e5))
    lately = RecentHistory(changes=tuple(Dated(one, effective) for one in found))
    return replace(of(now, rules=BASELINE), lately=lately)


def stressed(*found: InStress) -> Case:
    """A case of tightenings about windows of stress."""
    return Case(lately=RecentHistory(in_stress=found))


def since(days: float) -> Case:
    """A schedule that has stood unchanged for so many days."""
    stands = Unchanged("okx", "BTC/USDT:USDT", "any", NOW - timedelta(days=days))
    return Case(lately=RecentHistory(unchanged=(stands,), observed={"okx": (NOW,)}))


def nights(*hours: float) -> Case:
    """A venue that was observed so many hours before the audit."""
    return Case(
        lately=RecentHistory(observed={"okx": tuple(NOW - timedelta(hours=one) for one in hours)})
    )


NIGHTLY = tuple(24.0 * night for night in range(12))
CRASH = InStress(
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
"""Three schedules of OKX in a window of stress."""

HALF = flat_schedule((50_000, "0.05", "0.025"))
"""Half of what NEAR asks."""


def with_(schedule: MarginSchedule = SOUND, **figures: object) -> Case:
    """A case of one schedule with some figures changed."""
    return of(replace(schedule, **figures))  # type: ignore[arg-type]


def changed(rule_set: str, change: Callable[[RuleSet], RuleSet]) -> Case:
    """A case of a lax schedule against a pack with something changed."""
    return Case((LAX,), (change(loader.load(rule_set)),))


def measured(name: str, value: str, *, days: int = 0, spread: str = "0.01") -> Input:
    """An input of BTC with its interval."""
    low, high = D(value) - D(spread), D(value) + D(spread)
    when = NOW - timedelta(days=days)
    return Input(name, "BTC", D(value), when, low, high, D("0.95"), 1095, "derived")


def priced(days: int) -> tuple[Evidence, ...]:
    """Evidence of bounds that were converted with a price of so many days before."""
    factor = Factor("mark price", D(1), "USD", "0", "/p", NOW - timedelta(days=days), Origin.LIVE)
    column = Column("bound", "/b", "contracts")
    return (Evidence("0", ("/0",), (column,), Conversion("contracts × price", (factor,))),)


def scoped(**parts: object) -> Callable[[RuleSet], RuleSet]:
    """Change selectors of a rule set."""
    return lambda one: replace(one, scope=replace(one.scope, **parts))  # type: ignore[arg-type]


def waiver(codes: tuple[str, ...] = ("MH401",), **parts: object) -> Waiver:
    """A waiver for a year, with some parts changed."""
    one = Waiver("c.yaml:1", codes, "known", "risk", date(2027, 1, 1))
    return replace(one, **parts)  # type: ignore[arg-type]


def waived(**parts: object) -> Case:
    """A lax schedule against the European cap, and a waiver."""
    return Case((LAX,), (loader.load("esma-retail"),), waivers=(waiver(**parts),))  # type: ignore[arg-type]


def minus(tiers: tuple[Tier, ...], **changes: object) -> tuple[Tier, ...]:
    """Tiers whose second one has something changed."""
    return (tiers[0], replace(tiers[1], **changes))  # type: ignore[arg-type]


GUESS = Derived(SOUND.initial.value, "read as dollars", verified=False)  # type: ignore[union-attr]
STEP = Derived(SOUND.initial.value, "converted", verified=True)  # type: ignore[union-attr]
BASELINE = ("harmonized-baseline",)
CFTC = ("cftc-dco",)
Q = "var_99_1d_1095d"
FEE = FeeAddOn("to close", Known(D("0.3")))
INPUT = (measured(Q, "0.081"),)
FLAT_DEDUCTION = replace(SOUND, rule=TierRule.MARGINAL, tiers=minus(SOUND.tiers, deduction=D(5)))
RIGHT_DEDUCTION = replace(
    SOUND, rule=TierRule.MARGINAL, tiers=minus(SOUND.tiers, deduction=D("0.03") * 20_000)
)
CLOSE = flat_schedule((20_000, "0.52", "0.5"), (50_000, "0.6", "0.58"))
THIN = flat_schedule((50_000, "0.9", "0.1"))
SMALL_HEAD = flat_schedule((5_000, "0.52", "0.27"), (50_000, "0.6", "0.3"))
OPEN = flat_schedule((20_000, "0.1", "0.05"), (INFINITY, "0.15", "0.1"))
OPEN_DEAR = flat_schedule((20_000, "0.52", "0.27"), (INFINITY, "0.6", "0.3"))
BIG = flat_schedule((2_000_000, "0.52", "0.27"))
RISING = flat_schedule((1_000, "0.52", "0.27"), (2_000_000, "0.6", "0.3"))
OTHER = flat_schedule((20_000, "0.52", "0.27"), asset="NEWCOIN")
CALL = replace(SOUND, meaning=MaintenanceMeaning.CALL)
FINE = Case()

CASES: Mapping[str, tuple[Case, Case]] = MappingProxyType(
    {
        # what is found, what is let pass
        "MH101": (with_(tiers=minus(SOUND.tiers, lower=D(25_000))), FINE),
        "MH102": (with_(maintenance=Known(flat([D(50_000)], [D("0.55")]))), FINE),
        "MH103": (of(flat_schedule((20_000, "0.6", "0.3"), (50_000, "0.55", "0.3"))), FINE),
        "MH104": (FINE, of(flat_schedule((50_000, "0.52", "0.27")))),
        "MH105": (FINE, of(flat_schedule((50_000, "0.52", "0.27")))),
        "MH106": (of(FLAT_DEDUCTION), of(RIGHT_DEDUCTION)),
        "MH107": (of(CLOSE), FINE),
        "MH108": (of(flat_schedule((20_000, "0.6", "0.3"), (50_000, "0.6", "0.3"))), FINE),
        "MH109": (of(BIG), of(RISING)),
        "MH110": (of(OPEN), of(OPEN_DEAR)),
        "MH111": (of(SMALL_HEAD), FINE),
        "MH112": (with_(fee=FEE), with_(fee=FeeAddOn("to close", Known(D("0.1"))))),
        "MH113": (with_(capacity=Known(D(40_000))), FINE),
        "MH114": (of(THIN), FINE),
        "MH201": (with_(maintenance=Unknown("not published")), FINE),
        "MH202": (with_(initial=Unknown("not published")), FINE),
        "MH203": (with_(capacity=Unknown("not published")), FINE),
        "MH204": (with_(initial=STEP), with_(initial=GUESS)),
        "MH205": (with_(rule=None), FINE),
        "MH206": (with_(initial=GUESS), with_(initial=STEP)),
        "MH207": (with_(origin=Origin.DOCUMENTATION), FINE),
        "MH208": (with_(exclusion_reason="the first tier alone"), FINE),
        "MH209": (
            with_(fee=FeeAddOn("to close", Unknown("by account"))),
            with_(fee=FeeAddOn("none", Unknown("by account"))),
        ),
        "MH210": (with_(evidence=priced(0)), FINE),
        "MH211": (with_(dates=(NOW - timedelta(days=3), NOW)), with_(dates=(NOW, NOW))),
        "MH212": (with_(capacity=Unknown("not published")), FINE),
        "MH301": (of(LAX, rules=BASELINE), of(SOUND, rules=("esma-retail",))),
        "MH302": (of(LAX, rules=BASELINE), of(CALL, rules=BASELINE)),
        "MH303": (of(LAX, rules=CFTC, inputs=INPUT), of(LAX, rules=CFTC)),
        "MH304": (
            of(replace(LAX, meaning=MaintenanceMeaning.CALL), rules=CFTC, inputs=INPUT),
            of(LAX, rules=CFTC, inputs=INPUT),
        ),
        "MH305": (of(OTHER, rules=BASELINE), of(SOUND, rules=BASELINE)),
        "MH306": (of(CALL, rules=BASELINE), of(SOUND, rules=BASELINE)),
        "MH307": (of(SOUND, rules=CFTC), of(SOUND, rules=CFTC, inputs=INPUT)),
        "MH308": (
            of(SOUND, rules=CFTC, inputs=(measured(Q, "0.081", days=31),)),
            of(SOUND, rules=CFTC, inputs=(measured(Q, "0.081", days=30),)),
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
        "MH601": (after(HALF, NEAR), after(NEAR, HALF)),
        "MH602": (after(NEAR, HALF), after(HALF, NEAR)),
        "MH603": (after(HALF, NEAR), after(HALF, NEAR, effective="2026-03-09T23:00:00Z")),
        "MH604": (stressed(CRASH), stressed()),
        "MH605": (since(366), since(365)),
        "MH606": (nights(*NIGHTLY[:4], *NIGHTLY[6:], 288, 312), nights(*NIGHTLY)),
        "MH701": (pair(LAX), pair(SOUND)),
        "MH702": (pair(BROAD, DEAR), pair(BROAD)),
        "MH703": (pair(LAX), pair(NEAR)),
        "MH704": (pair(LAX, SOUND), pair(LAX)),
        "MH705": (pair(STEEP), pair(BROAD)),
        "MH706": (pair(LAX), pair(NEAR)),
        "MH707": (pair(SOUND, days=31), pair(SOUND, days=30)),
        "MH801": (waived(expires=date(2026, 3, 9)), waived(expires=date(2026, 3, 10))),
        "MH802": (waived(venues=("bybit",)), waived()),
        "MH803": (waived(value=0.02, may_worsen=0.4), waived(value=0.02, may_worsen=0.5)),
        "MH804": (waived(expires=date(2026, 3, 23)), waived(expires=date(2026, 3, 24))),
        "MH811": (of(SOUND, rules=("vara-retail",)), of(SOUND, rules=("esma-retail",))),
        "MH812": (of(SOUND, rules=("vara-retail",)), of(SOUND, rules=("esma-retail",))),
        "MH813": (
            changed("esma-retail", scoped(jurisdictions=("JP",))),
            of(LAX, rules=("esma-retail",)),
        ),
        "MH901": (Case(defects=(Defect("okx", "/data/3", "no number"),)), FINE),
        "MH902": (Case(snapshots=(snapshot(days=31),)), Case(snapshots=(snapshot(days=30),))),
        "MH903": (Case(unobserved=(Unobserved("bybit", "HTTP 403", NOW),)), FINE),
        "MH904": (Case(snapshots=(snapshot(complete=False),)), FINE),
        "MH905": (Case(snapshots=(snapshot(Origin.RECORDED),)), FINE),
        "MH906": (Case(()), FINE),
    }
)

TUNED: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        # options under which what is found is let pass
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
        "MH707": {"days": 31},
        "MH804": {"days": 13},
    }
)
