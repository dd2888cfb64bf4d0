"""Synthetic audit documents of fictitious venues, with every verdict, status and mark.

`sample` is small, hand-made and contains hostile text. `large` repeats it to the size of a real
audit.
"""

from collections.abc import Iterable
from dataclasses import replace

from harmonize.document import (
    SCHEMA_VERSION,
    AllocationRow,
    ArbitragePoint,
    ArbitrageRow,
    AuditDocument,
    BaselineRow,
    CitationRow,
    ColumnRow,
    Comparison,
    ConversionRow,
    CoverageRow,
    CoverageStatus,
    Curve,
    DefectRow,
    DivergencePoint,
    DivergenceRow,
    EvidenceRow,
    FactorRow,
    Finding,
    FlagRow,
    Headlines,
    Index,
    IndexSummary,
    InputRow,
    Interval,
    Level,
    LiquidationRow,
    LowestMarginShare,
    Member,
    PayloadRow,
    PieceRow,
    RuleSetRow,
    ScheduleRow,
    SnapshotRow,
    Spread,
    SpreadInterval,
    SpreadPoint,
    Status,
    Tool,
    UnobservedRow,
    VenueDistance,
    Verdict,
    WaiverRow,
)

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"
ESCAPE = "RED/USDT\x1b[31m[red]\u202e"

NOTIONAL_GRID = (1e4, 1e5, 1e6, 1e7)
HEAT = 1e6
FRESH, OLD = "2025-11-19T08:30:00Z", "2025-09-03T00:00:00Z"
HASH = "0123456789abcdef" * 4
BASELINE, CAP = "synthetic-baseline", "synthetic-cap"

RATES: dict[str, tuple[float | None, ...]] = {
    # IM at the notional grid; None above the capacity
    "venue-a": (0.008, 0.01, 0.02, 0.05),
    "venue-b": (0.01, 0.01, 0.025, None),
    "venue-c": (0.02, 0.02, 0.04, 0.1),
    "venue-d": (0.05, 0.05, 0.05, 0.05),
    "venue-e": (0.004, 0.02, None, None),
}
REQUIRED: tuple[float | None, ...] = (0.02, 0.02, 0.04, None)
FIGURES = {"initial": 1.0, "maintenance": 0.5}


def rule_sets() -> tuple[RuleSetRow, ...]:
    return (
        RuleSetRow(
            id=BASELINE,
            version="0.1",
            title="Synthetic baseline",
            kind="schedule",
            scope="every account",
            statutory=False,
            tolerance_relative=0.15,
            tolerance_absolute=0.0,
            maintenance_meaning="liquidation trigger",
            citations=(
                CitationRow("Paper on margin, p. 4", "", "primary"),
                CitationRow("A quotation of it", "https://example.org/copy", "secondary"),
                CitationRow("Something heard", "", "unverified"),
                CitationRow("Our computation", "", "derived"),
            ),
            flags=(FlagRow("tiers", "design choice", "nobody prescribes them"),),
            description=f"What it says.\n\n    a = b\n\n{SCRIPT}",
        ),
        RuleSetRow(
            id=CAP,
            version="2.0",
            title="Synthetic leverage cap",
            kind="cap",
            scope="retail clients of nowhere",
            statutory=True,
            tolerance_relative=0.0,
            tolerance_absolute=0.0001,
            maintenance_meaning="margin call",
            citations=(),
            flags=(),
        ),
    )


def snapshot(venue: str, observed_at: str, age_days: float) -> SnapshotRow:
    payload = PayloadRow(
        call="publicGetTiers(symbol=BTC)",
        request="GET /tiers?symbol=BTC",
        sha256=HASH,
        observed_at=observed_at,
        origin="recorded",
        source="https://example.org/recordings",
        date_basis="header of the answer",
        size=12_345,
    )
    return SnapshotRow(
        venue=venue,
        observed_at=observed_at,
        source="recorded",
        sha256=HASH[::-1],
        age_days=age_days,
        stale=age_days > 30,
        complete=venue != "venue-b",
        payloads=(payload, replace(payload, call="publicGetPrices()", origin="market", size=840)),
    )


def schedule(venue: str, symbol: str, underlying: str) -> ScheduleRow:
    piece = PieceRow(0.0, None, 0.0, 0.02, 0.0, 0.0)
    return ScheduleRow(
        venue=venue,
        symbol=symbol,
        underlying=underlying,
        multiplier=1,
        payoff="linear",
        expiry=None,
        profile="cross",
        tier_rule="marginal",
        observed_at=FRESH,
        oldest=FRESH,
        newest=FRESH,
        stale=False,
        origin="recorded",
        capacity=None,
        capacity_status=Status.UNKNOWN,
        capacity_note="not published",
        initial=(piece,),
        initial_status=Status.DERIVED if venue == "venue-c" else Status.KNOWN,
        initial_note="inferred from the page of another contract" if venue == "venue-c" else "",
        maintenance=(replace(piece, upper=1e6, rate=0.01),),
        maintenance_status=Status.KNOWN,
        maintenance_note="",
        maintenance_meaning="margin call" if venue == "venue-d" else "liquidation trigger",
        fee_rule="none",
        fee_rate=None,
        fee_note="",
        notes=(),
        evidence=(
            EvidenceRow(
                HASH,
                ("/data/0",),
                (ColumnRow("rate", "/imr", "fraction"),),
                ConversionRow(
                    "bound × price", (FactorRow("price", 1.0, "USD", HASH, "/p", FRESH),)
                ),
            ),
        ),
    )


def member(venue: str, underlying: str) -> Member:
    is_documented = venue == "venue-d"
    return Member(
        venue=venue,
        symbol=f"{underlying}/USDT",
        profile="cross",
        observed_at=OLD if venue == "venue-b" else FRESH,
        stale=venue == "venue-b",
        origin="documentation" if is_documented else "recorded",
        included=not is_documented,
        exclusion_reason="based on the venue's documentation" if is_documented else "",
    )


def divergence_row(
    venue: str, underlying: str, margin_type: str, verdict: Verdict
) -> DivergenceRow:
    factor = FIGURES[margin_type]
    points = []
    for notional, rate, required in zip(NOTIONAL_GRID, RATES[venue], REQUIRED, strict=True):
        margin = None if rate is None else rate * factor * notional
        required_margin = None if required is None else required * factor * notional
        deviation = (
            None if margin is None or required_margin is None else margin / required_margin - 1
        )
        points.append(
            DivergencePoint(
                notional, margin, required_margin, deviation, above_capacity=rate is None
            )
        )
    evaluated = [point for point in points if point.deviation is not None]
    return DivergenceRow(
        venue=venue,
        symbol=f"{underlying}/USDT",
        profile="cross",
        underlying=underlying,
        rule_set=BASELINE,
        reference_class="A",
        margin_type=margin_type,
        verdict=verdict,
        reason="",
        lowest=min((point.deviation or 0.0 for point in evaluated), default=None),
        lowest_notional=NOTIONAL_GRID[0],
        highest=None,
        highest_notional=None,
        under=(Interval(0.0, 1e5),),
        over=(),
        points=tuple(points),
    )


def divergences(underlying: str) -> tuple[DivergenceRow, ...]:
    verdicts = {
        "venue-a": Verdict.UNDER,
        "venue-b": Verdict.UNDER,
        "venue-c": Verdict.COMPLIANT,
        "venue-d": Verdict.OVER,
        "venue-e": Verdict.UNDER,
    }
    rows = [
        divergence_row(venue, underlying, margin_type, verdict)
        for venue, verdict in verdicts.items()
        for margin_type in FIGURES
    ]
    not_observable = replace(
        divergence_row("venue-e", underlying, "maintenance", Verdict.NOT_OBSERVABLE),
        reason="MM is not published",
        lowest=None,
        points=tuple(DivergencePoint(notional, None, None, None) for notional in NOTIONAL_GRID),
    )
    return (*rows[:-1], not_observable)


def spreads(underlying: str) -> tuple[Spread, ...]:
    return tuple(
        Spread(
            underlying=underlying,
            margin_type=margin_type,
            venues=("venue-a", "venue-b", "venue-c", "venue-e"),
            oldest=OLD,
            newest=FRESH,
            intervals=(
                SpreadInterval(0.0, 5e4, ("venue-e",), ("venue-c",), 0.0, 800.0 * factor),
                SpreadInterval(5e4, 1e6, ("venue-a", "venue-b"), ("venue-c",), 500.0, 2e4 * factor),
                SpreadInterval(1e6, 2e6, ("venue-a",), ("venue-b",), 5e3, 1e4 * factor),
                SpreadInterval(2e6, None, ("venue-a",), ("venue-c",), 4e4 * factor, None),
            ),
            points=(
                SpreadPoint(
                    1e4, 4, ("venue-e",), 40 * factor, ("venue-c",), 200 * factor, 160 * factor
                ),
                SpreadPoint(
                    HEAT, 3, ("venue-a",), 2e4 * factor, ("venue-c",), 4e4 * factor, 2e4 * factor
                ),
            ),
            shares=(LowestMarginShare("venue-a", 0.33), LowestMarginShare("venue-e", 0.23)),
        )
        for margin_type, factor in FIGURES.items()
    )


def indices(underlying: str, value: float) -> tuple[Index, ...]:
    venues = tuple(VenueDistance(venue, 0.4, 1e7) for venue in ("venue-a", "venue-b", "venue-c"))
    return tuple(
        Index(
            underlying,
            margin_type,
            reference,
            value + offset,
            "equal",
            1e4,
            1e7,
            venues,
            OLD,
            FRESH,
        )
        for margin_type in FIGURES
        for reference, offset in ((BASELINE, 0.0), ("median", 10.0))
    )


def curves(underlying: str) -> tuple[Curve, ...]:
    all_curves = []
    for margin_type, factor in FIGURES.items():
        for venue, rates in RATES.items():
            points = [
                (notional, rate * factor)
                for notional, rate in zip(NOTIONAL_GRID, rates, strict=True)
                if rate is not None
            ]
            all_curves.append(
                Curve(
                    underlying,
                    margin_type,
                    venue,
                    is_reference=False,
                    included=venue != "venue-d",
                    notional=(1e3, *(notional for notional, _ in points)),
                    rate=(points[0][1], *(rate for _, rate in points)),
                )
            )
        all_curves.append(
            Curve(
                underlying,
                margin_type,
                BASELINE,
                is_reference=True,
                included=True,
                notional=(1e3, 1e5, 1e5, 1e6),
                rate=(0.02 * factor, 0.02 * factor, 0.03 * factor, 0.04 * factor),
            )
        )
    return tuple(all_curves)


def finding(number: int, level: Level, verdict: Verdict, **changes: object) -> Finding:
    base = Finding(
        code="MH301",
        name="initial-diverges",
        verdict=verdict,
        level=level,
        venue="venue-a",
        symbol="BTC/USDT",
        profile="cross",
        underlying="BTC",
        rule_set=BASELINE,
        message="IM is under the baseline",
        intervals=(Interval(0.0, 1e5), Interval(2.5e5, 1e6)),
        notional=1e4,
        observed=0.008,
        required=0.02,
        deviation=-0.6,
        observed_at=FRESH,
        fingerprint=f"{number:016x}",
    )
    return replace(base, **changes)  # type: ignore[arg-type] # each test changes what it names


def findings() -> tuple[Finding, ...]:
    return (
        finding(
            1,
            Level.WARNING,
            Verdict.UNDER,
            verified="derived",
            remedy="raise tier 1 from 0.8 % to 1.7 %, or lower its bound to $20,000",
            state="worse",
        ),
        finding(2, Level.INFO, Verdict.OVER, venue="venue-d", deviation=1.5, observed=0.05),
        finding(
            3,
            Level.ERROR,
            Verdict.BREACH,
            code="MH401",
            name="initial-below-cap",
            rule_set=CAP,
            symbol=SCRIPT,
            message=f"{SCRIPT} asks too little",
            required=0.5,
            deviation=-0.9996,
            intervals=(Interval(0.0, None),),
        ),
        finding(
            4,
            Level.WARNING,
            Verdict.NOT_OBSERVABLE,
            code="MH201",
            name="maintenance-unknown",
            venue="venue-e",
            symbol=ESCAPE,
            rule_set="",
            message="MM is not published",
            intervals=(),
            notional=None,
            observed=None,
            required=None,
            deviation=None,
        ),
        finding(
            5,
            Level.INFO,
            Verdict.NOT_APPLICABLE,
            code="MH902",
            name="stale",
            venue="venue-b",
            symbol="",
            profile="",
            rule_set="",
            message="the snapshot is old",
            intervals=(Interval(5e6, None),),
            required=None,
            deviation=None,
        ),
        finding(6, Level.INFO, Verdict.COMPLIANT, venue="venue-c", deviation=0.0, observed=0.02),
        finding(7, Level.ERROR, Verdict.UNDER, deviation=-1.0, observed=0.0),
    )


def coverage(underlyings: Iterable[str]) -> tuple[CoverageRow, ...]:
    statuses = {
        "venue-a": (CoverageStatus.OBSERVED, ""),
        "venue-b": (CoverageStatus.STALE, "observed 2025-09-03"),
        "venue-c": (CoverageStatus.OBSERVED, ""),
        "venue-d": (CoverageStatus.DOCUMENTATION, "based on the venue's documentation"),
        "venue-e": (CoverageStatus.NOT_OBSERVABLE, "the snapshot has no mark price"),
    }
    return tuple(
        CoverageRow(venue, underlying, f"{underlying}/USDT", status, reason, FRESH)
        for underlying in underlyings
        for venue, (status, reason) in statuses.items()
        if not (venue == "venue-a" and underlying == "ETH")  # not listed there
    )


def arbitrages() -> tuple[ArbitrageRow, ...]:
    """A split over two venues, and an underlying without a reference."""
    points = tuple(
        ArbitragePoint(
            notional=notional,
            optimal_split=0.008 * notional,
            lower_bound=0.008 * notional,
            best_single=0.01 * notional if notional < 1e6 else None,
            best_single_venues=("venue-a",) if notional < 1e6 else (),
            saving=0.002 * notional if notional < 1e6 else None,
            marginal_rate=0.012 if notional < 1e6 else None,
            allocation=(
                AllocationRow("venue-a", 1, 0.75 * notional, 0.005 * notional),
                AllocationRow("venue-c", 1, 0.25 * notional, 0.003 * notional),
            ),
            reference=0.02 * notional,
            reference_split=0.018 * notional,
            fragmentation=0.002 * notional,
            divergence=0.01 * notional,
            gap=0.012 * notional,
            annual_cost=0.0012 * notional,
        )
        for notional in NOTIONAL_GRID
    )
    without_reference = replace(
        points[0],
        reference=None,
        reference_split=None,
        fragmentation=None,
        divergence=None,
        gap=None,
        annual_cost=None,
    )
    venues = ("venue-a", "venue-c")
    return (
        ArbitrageRow("BTC", "initial", BASELINE, venues, OLD, FRESH, points),
        ArbitrageRow(
            "ETH",
            "initial",
            "",
            venues,
            OLD,
            FRESH,
            (without_reference,),
            "the venues together do not accept $1,000,000",
        ),
    )


def liquidations() -> tuple[LiquidationRow, ...]:
    """Rows at equal leverage, at maximum leverage, and without an observable distance."""
    base = LiquidationRow(
        *(
            "BTC",
            "venue-a",
            "BTC/USDT",
            "cross",
            "linear",
            HEAT,
            10.0,
            "equal",
            0.0955,
            0.0944,
            0.0,
            "",
        ),
        FRESH,
    )
    return (
        base,
        replace(base, venue="venue-b", fee_rate=None, reason="fee add-on excluded: taker fee"),
        replace(
            base,
            venue="venue-c",
            adverse_move_long=None,
            adverse_move_short=None,
            reason="MM is not observable",
        ),
        replace(
            base,
            leverage=125.0,
            leverage_basis="maximum",
            adverse_move_long=0.0041,
            adverse_move_short=0.0,
        ),
        replace(
            base,
            venue="venue-b",
            leverage=20.0,
            leverage_basis="maximum",
            adverse_move_long=None,
            adverse_move_short=0.03,
        ),
    )


def sample() -> AuditDocument:
    """A small document that contains every mark."""
    btc = Comparison("BTC", OLD, FRESH, tuple(member(venue, "BTC") for venue in RATES))
    eth = Comparison("ETH", FRESH, FRESH, tuple(member(v, "ETH") for v in ("venue-b", "venue-c")))
    return AuditDocument(
        schema_version=SCHEMA_VERSION,
        tool=Tool("harmonize", "0.0.0"),
        archive="synthetic archive",
        as_of="2025-11-20",
        stale_after_days=30.0,
        notional_grid=NOTIONAL_GRID,
        heat_map_notional=HEAT,
        snapshots=(
            snapshot("venue-a", FRESH, 0.6),
            snapshot("venue-b", OLD, 78.0),
            snapshot("venue-c", FRESH, 7.5),
        ),
        rule_sets=rule_sets(),
        coverage=(
            *coverage(("BTC", "ETH")),
            CoverageRow("venue-a", SCRIPT, SCRIPT, CoverageStatus.OBSERVED, "", FRESH),
            CoverageRow("venue-e", "BTC", "X", CoverageStatus.NOT_OBSERVABLE, "", FRESH),
        ),
        schedules=(
            *(schedule(venue, "BTC/USDT", "BTC") for venue in RATES if venue != "venue-e"),
            schedule("venue-c", "ETH/USDT", "ETH"),
            schedule("venue-a", SCRIPT, SCRIPT),
        ),
        defects=(DefectRow("venue-c", "/data/7", "no mark price", ESCAPE),),
        unobserved=(
            UnobservedRow("venue-d", "HTTP status 403", "2026-09-25T00:00:00Z", ""),
            UnobservedRow("venue-e", "needs a key", "", "2026-09-01T00:00:00Z"),
        ),
        findings=findings(),
        divergences=(*divergences("BTC"), *divergences("ETH")),
        comparisons=(btc, eth),
        spreads=(*spreads("BTC"), *spreads("ETH")),
        arbitrages=arbitrages(),
        liquidations=liquidations(),
        cost_of_capital=0.1,
        indices=(*indices("BTC", 71.24), *indices("ETH", 48.0)),
        headlines=Headlines(60, spreads("BTC"), (*indices("BTC", 71.24), *indices("ETH", 48.0))),
        index_summaries=(
            IndexSummary("", "initial", BASELINE, 59.0, 2, None, None),
            IndexSummary("venue-a", "initial", BASELINE, 40.0, 5, 31.5, 47.0),
        ),
        curves=curves("BTC"),
        explanations={"instrument-choice": "The most liquid one.\n\nTies go to the first."},
        inputs=(
            InputRow(
                *("var_99_1d", "BTC", 0.081, 0.065, 0.096, 0.95, 1095, FRESH),
                *("derived", "computed here", HASH, "/inputs/0"),
            ),
            InputRow(
                *("adv_30d", "BTC", 5e9, None, None, None, None, FRESH),
                *("given", FORMULA, HASH, "/inputs/1"),
            ),
        ),
        waived=(
            finding(
                9,
                Level.ERROR,
                Verdict.BREACH,
                code="MH401",
                name="initial-below-cap",
                rule_set=CAP,
                venue="venue-d",
                symbol=FORMULA,
                message=f"{FORMULA}, %0A::error::x ]]> | a\nb",
                waiver="@SUM(1): known (risk, until 2027-01-01)",
            ),
        ),
        waivers=(
            WaiverRow(
                where="c.yaml:3",
                codes=("MH401", "MH402"),
                scope="venue venue-d",
                reason="@SUM(1): known",
                owner="risk",
                expires="2027-01-01",
                value=0.01,
                allowed_worsening=0.1,
                status="active",
                findings=1,
            ),
        ),
        baseline=BaselineRow("b.json", OLD, unchanged=3, worse=1, new=0, resolved=2),
    )


def empty() -> AuditDocument:
    """A document of an audit without any data."""
    return replace(
        sample(),
        snapshots=(),
        rule_sets=(),
        coverage=(),
        schedules=(),
        defects=(),
        unobserved=(),
        findings=(),
        divergences=(),
        comparisons=(),
        spreads=(),
        indices=(),
        headlines=Headlines(),
        curves=(),
        explanations={},
    )


def large() -> AuditDocument:
    """A document of the size of a real audit, of the same synthetic venues."""
    base = sample()
    assets = [f"COIN{number:03}" for number in range(400)]
    with_curves = assets[:12]
    codes = [f"MH{number}" for number in range(300, 312)]
    levels = tuple(Level)
    return replace(
        base,
        coverage=coverage(assets),
        schedules=tuple(
            schedule(venue, f"{asset}/USDT", asset)
            for asset in assets
            for venue in RATES
            if venue != "venue-e"
        ),
        findings=tuple(
            finding(
                number,
                levels[number % 3],
                Verdict.UNDER,
                code=codes[number % 12],
                name=f"check-{number % 12}",
                venue=f"venue-{'abcd'[number % 4]}",
                symbol=f"{assets[number % 400]}/USDT",
                deviation=-(number % 97) / 100,
            )
            for number in range(10_000)
        ),
        divergences=tuple(row for asset in assets for row in divergences(asset)),
        comparisons=tuple(
            Comparison(asset, OLD, FRESH, tuple(member(venue, asset) for venue in RATES))
            for asset in assets
        ),
        spreads=tuple(spread for asset in assets for spread in spreads(asset)),
        indices=tuple(
            index for rank, asset in enumerate(assets) for index in indices(asset, 90 - rank / 5)
        ),
        curves=tuple(curve for asset in with_curves for curve in curves(asset)),
    )
