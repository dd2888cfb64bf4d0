"""Tests of margins against past prices, made by hand: verdicts on OKX BTC as rows of the document."""

from dataclasses import replace

from harmonize.document import (
    AdequacyRow,
    AdequacySection,
    BreachRow,
    ClearingRow,
    CoverageTest,
    HoldingRow,
    VolatilityRow,
)

HOUR = 3_600.0

BREACH = BreachRow(
    start="2025-10-10T20:00:00Z",
    start_close=100.0,
    end="2025-10-10T21:00:00Z",
    end_price=90.0,
    price="low",
    loss=0.1,
    uncovered=0.05,
    series="okx perp BTC-USDT-SWAP 1h",
    sources=("a test",),
)


def past(breaches: int | None, observations: int = 10_000, *, seconds: int = 3_600) -> CoverageTest:
    """Returns a test with so many breaches; None: not observable."""
    is_known = breaches is not None
    return CoverageTest(
        seconds=seconds,
        margin_rate=0.05,
        observations=observations if is_known else None,
        breaches=breaches,
        largest_uncovered=0.05 if breaches else None,
        average_uncovered=0.01 if breaches else None,
        rate_at_most=0.0003 if breaches == 0 else None,
        first="2025-01-01T00:00:00Z",
        last="2026-01-01T00:00:00Z",
        series=BREACH.series if is_known else "",
        worst=(BREACH,) if breaches else (),
        reason="" if is_known else "3 observations, 100 are required",
    )


def holding(margin: str, minutes: float | None, bound: str = "measured") -> HoldingRow:
    """Returns a holding time in minutes; None: not observable."""
    is_known = minutes is not None
    seconds = minutes * 60 if minutes is not None else None
    return HoldingRow(
        margin=margin,
        rate=0.05,
        bound=bound if is_known else "",
        seconds=seconds,
        shortest_bound=bound if is_known else "",
        shortest=seconds,
        longest_bound=bound if is_known else "",
        longest=seconds,
        by_square_root=seconds,
        root_seconds=86_400.0 if is_known else None,
        observations=1_000 if is_known else None,
        series=(BREACH.series,) if is_known else (),
        reason="" if is_known else "no moves",
    )


def clearing(  # noqa: PLR0913 - the parts of a result
    days: int = 1,
    breaches: int | None = 0,
    observations: int = 1_000,
    *,
    p_value: float | None = 0.5,
    after_breach: float | None = None,
    after_calm: float | None = None,
) -> ClearingRow:
    """Returns a result of IM over a number of days."""
    return ClearingRow(
        days=days,
        test=past(breaches, observations, seconds=days * 86_400),
        zone="green" if breaches is not None else "",
        kupiec=p_value,
        christoffersen=p_value,
        conditional=p_value,
        shortfall=p_value,
        move=0.08,
        move_lower=0.07,
        move_upper=0.1,
        under=None,
        over=None,
        after_breach=after_breach,
        after_calm=after_calm,
    )


ROW = AdequacyRow(
    venue="okx",
    symbol="BTC/USDT:USDT",
    profile="any",
    underlying="BTC",
    side="long",
    notional=10_000.0,
    level=0.99,
    observed_at="2026-03-10T00:00:00Z",
    observed_from="2026-03-10T00:00:00Z",
    date_kind="exact",
    initial=0.1,
    maintenance=0.05,
    series=(BREACH.series,),
    price_reason="perpetual of the venue",
    holding=tuple(holding(margin, 1_440.0) for margin in ("buffer", "maintenance", "initial")),
    every_window=past(0),
    after_liquidation=past(0, 300),
    close_out_seconds=None,
    participation=0.05,
    volume=None,
    volume_day="",
    volume_reason="no size verdict: no volume",
    clearing=tuple(clearing(days) for days in (1, 2, 5)),
    clearing_reason="",
)
"""A verdict within every limit of the bundled rule sets."""


def with_holding(row: AdequacyRow, *changed: HoldingRow) -> AdequacyRow:
    """Returns a row with other holding times."""
    by_margin = {own.margin: own for own in (*row.holding, *changed)}
    return replace(row, holding=tuple(by_margin.values()))


def with_clearing(row: AdequacyRow, *changed: ClearingRow) -> AdequacyRow:
    """Returns a row with other results of IM."""
    by_days = {own.days: own for own in (*row.clearing, *changed)}
    return replace(row, clearing=tuple(by_days.values()))


def sized(notional: float, maintenance: float, hours: float, *, holds: float = 60.0) -> AdequacyRow:
    """Returns a row of a size with an MM that holds so many minutes, and a close-out in hours."""
    row = replace(
        ROW,
        notional=notional,
        maintenance=maintenance,
        close_out_seconds=hours * HOUR,
        volume=1e9,
        volume_reason="",
    )
    return with_holding(row, replace(holding("maintenance", holds), rate=maintenance))


def section(*rows: AdequacyRow, recent: float | None = None, last: str = "") -> AdequacySection:
    """Returns the tests of some positions; ``recent`` is the volatility after one of 50 %."""
    volatilities = (
        ()
        if recent is None
        else (
            VolatilityRow(
                "BTC", ("okx",), BREACH.series, last or "2026-03-10T00:00:00Z", recent, 0.5
            ),
        )
    )
    return AdequacySection(level=0.99, rows=rows, volatilities=volatilities)
