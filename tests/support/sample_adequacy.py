"""Synthetic tests of margins against past prices: every mark, unknowns and hostile names."""

from dataclasses import replace

from harmonize.document import (
    AdequacyRow,
    AdequacySection,
    AuditDocument,
    BreachRow,
    ClearingRow,
    CoverageTest,
    DatedBacktestRow,
    HoldingRow,
    MoveRow,
    UnjudgedRow,
    YearRow,
)
from tests.support.sample_documents import ESCAPE, FORMULA, FRESH, SCRIPT, sample

SERIES = "venue-a perp BTCUSDT 15m"
FILE = "hourly/venue_a.parquet"

BREACH = BreachRow(
    start="2025-10-10T21:00:00Z",
    start_close=112_137.6,
    end="2025-10-10T21:15:00Z",
    end_price=101_516.5,
    price="low",
    loss=0.09471,
    uncovered=0.08971,
    series=SERIES,
    sources=(FILE,),
)


def coverage(seconds: int, breaches: int, observations: int, *worst: BreachRow) -> CoverageTest:
    return CoverageTest(
        seconds=seconds,
        margin_rate=0.005,
        observations=observations,
        breaches=breaches,
        largest_uncovered=0.08971 if breaches else None,
        average_uncovered=0.01234 if breaches else None,
        rate_at_most=None if breaches else 0.0123,
        first="2023-01-01T00:00:00Z",
        last="2025-12-06T00:00:00Z",
        series=SERIES,
        worst=worst,
    )


def unknown(reason: str) -> CoverageTest:
    return CoverageTest(0, None, None, None, None, None, None, "", "", "", (), reason)


def holding(margin: str, rate: float, bound: str, seconds: float, by_root: float) -> HoldingRow:
    """A holding time; the ends of a measured one are 60 seconds away."""
    is_measured = bound == "measured"
    return HoldingRow(
        margin=margin,
        rate=rate,
        bound=bound,
        seconds=seconds,
        shortest_bound=bound,
        shortest=seconds - 60 if is_measured else seconds,
        longest_bound=bound,
        longest=seconds + 60 if is_measured else seconds,
        by_square_root=by_root,
        root_seconds=86_400.0,
        observations=2_155,
        series=(SERIES,),
    )


def unknown_holding(margin: str, reason: str) -> HoldingRow:
    known = holding(margin, 0.01, "", 0.0, 0.0)
    return replace(
        known,
        rate=None,
        seconds=None,
        shortest=None,
        longest=None,
        by_square_root=None,
        root_seconds=None,
        observations=None,
        series=(),
        reason=reason,
    )


def clearing(days: int, breaches: int, observations: int, zone: str) -> ClearingRow:
    return ClearingRow(
        days=days,
        test=coverage(days * 86_400, breaches, observations, replace(BREACH, price="close")),
        zone=zone,
        kupiec=0.0004,
        christoffersen=0.088,
        conditional=0.25,
        shortfall=0.9995,
        move=0.0812,
        move_lower=0.0701,
        move_upper=None,
        under=1.5e6,
        over=0.0,
    )


def verdict(venue: str = "venue-a", side: str = "long", notional: float = 1e6) -> AdequacyRow:
    """A verdict in which everything is known."""
    return AdequacyRow(
        venue=venue,
        symbol="BTC/USDT",
        profile="cross",
        underlying="BTC",
        side=side,
        notional=notional,
        level=0.99,
        observed_at=FRESH,
        observed_from="",
        date_kind="exact",
        initial=0.02,
        maintenance=0.01,
        series=(SERIES,),
        price_reason="perpetual of the venue",
        holding=(
            holding("buffer", 0.01, "measured", 1_200.0, 840.0),
            holding("maintenance", 0.01, "shorter", 900.0, 300.0),
            holding("initial", 0.02, "longer", 432_000.0, 2_160.0),
        ),
        every_window=coverage(900, 5_527, 102_782, BREACH),
        after_liquidation=coverage(900, 273, 680, BREACH),
        close_out_seconds=192.0,
        participation=0.05,
        volume=9e9,
        volume_day="2025-11-18",
        volume_reason="",
        clearing=(
            clearing(1, 514, 2_051, "red"),
            clearing(2, 30, 2_049, "yellow"),
            clearing(5, 0, 2_043, "green"),
        ),
        clearing_reason="",
    )


def without_breach() -> AdequacyRow:
    """A verdict without a breach, on a table of which only the latest possible day is known."""
    return replace(
        verdict("venue-b", "short"),
        observed_at="2025-09-03T00:00:00Z",
        date_kind="no later than",
        after_liquidation=coverage(1_800, 0, 250),
    )


def hostile() -> AdequacyRow:
    """A verdict with hostile names in which little is known."""
    reason = f"{SCRIPT} publishes no MM"
    return replace(
        verdict(SCRIPT),
        symbol=FORMULA,
        profile=ESCAPE,
        underlying=SCRIPT,
        maintenance=None,
        holding=(
            unknown_holding("buffer", reason),
            unknown_holding("maintenance", reason),
            replace(holding("initial", 0.02, "measured", 1_200.0, 840.0), shortest=None),
        ),
        every_window=unknown(reason),
        after_liquidation=unknown(reason),
        close_out_seconds=None,
        volume=None,
        volume_reason="no size verdict: no volume",
        clearing=(),
        clearing_reason=f"IM was not tested {ESCAPE}",
    )


def moves(underlying: str, venues: tuple[str, ...]) -> tuple[MoveRow, ...]:
    known = tuple(
        MoveRow(underlying, venues, side, seconds, move, move * 0.9, move * 1.1, 2_000, SERIES)
        for side in ("long", "short")
        for seconds, move in ((900, 0.005), (3_600, 0.01), (86_400, 0.05))
    )
    few = MoveRow(
        underlying, venues, "long", 432_000, None, None, None, 40, SERIES, "40 observations"
    )
    return (*known, few)


def backtest(measure: str, side: str, notional: float) -> DatedBacktestRow:
    return DatedBacktestRow(
        venue="venue-a",
        symbol="BTC/USDT",
        underlying="BTC",
        side=side,
        measure=measure,
        notional=notional,
        years=(
            YearRow(2023, 400, 100, 0.005, 0.01, 0.05, 0.01),
            YearRow(2024, 20, 3, 0.01, 0.01, 0.02, 0.01),
        ),
        not_observed=1_537,
        worst=(BREACH,),
        seconds=900,
        series=SERIES,
    )


def section() -> AdequacySection:
    return AdequacySection(
        level=0.99,
        rows=(verdict(), without_breach(), hostile(), verdict(notional=1e4)),
        moves=(*moves("BTC", ("venue-a", "venue-b")), *moves(SCRIPT, (SCRIPT,))),
        backtests=tuple(
            backtest(measure, side, size)
            for measure in ("initial over 1 day", "maintenance after a liquidation")
            for side in ("long", "short")
            for size in (1e4, 1e6)
        ),
        unjudged=(
            UnjudgedRow("ETH", "venue-c", "ETH/USDT", None, "only a leverage is published"),
            UnjudgedRow("BTC", "venue-d", FORMULA, 1e6, SCRIPT),
        ),
        without_prices=("ETH", ESCAPE),
    )


def judged_sample() -> AuditDocument:
    """The small document with tests of its margins."""
    return replace(sample(), adequacy=section())
