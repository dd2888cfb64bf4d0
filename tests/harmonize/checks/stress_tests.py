"""Rows of stress for tests of the checks MH551 to MH555."""

from dataclasses import replace

from harmonize.document import (
    EffectCellRow,
    StressEffectRow,
    StressMarketRow,
    StressRow,
    StressStepRow,
    StressVenueRow,
)

VENUE = StressVenueRow(
    venue="okx",
    symbol="BTC/USDT:USDT",
    profile="any",
    observed_at="2026-03-10T00:00:00Z",
    observed_from="2026-03-10T00:00:00Z",
    date_kind="exact",
    open_interest=1e9,
    open_interest_at="2026-03-07T00:00:00Z",
    leverage_mark="measured",
    liquidated=1e8,
    loss=0.0,
    leave_one_out=1e8,
    shapley=1e8,
    is_shapley_exact=True,
    shapley_ratio=1.5,
    overlap=0.89,
    immediate=0.0,
    reverse=(),
)

STEP = StressStepRow(
    venue="okx",
    symbol="BTC/USDT:USDT",
    profile="any",
    observed_at="2026-03-10T00:00:00Z",
    observed_from="2026-03-10T00:00:00Z",
    date_kind="exact",
    notional=1e3,
    margin_rate=0.25,
    scenario="2020-03-12",
    step_minutes=60.0,
    step=0.25,
)


def effect(sign: str) -> StressEffectRow:
    """Returns a change of the liquidated notional by the baseline, with a sign."""
    cells = tuple(
        EffectCellRow(liquidity, behaviour, 1e8, 1e6 * liquidity, 5e5, 2e7, sign)
        for liquidity in (1.0, 4.0, 10.0)
        for behaviour in ("notional kept", "margin kept")
    )
    return StressEffectRow(
        "reference", "harmonized-baseline", "liquidated notional", 0.1, sign, (), cells
    )


ROW = StressRow(
    underlying="BTC",
    shock=0.1,
    scenario="",
    oldest="2026-03-10T00:00:00Z",
    newest="2026-03-10T00:00:00Z",
    is_synthetic=True,
    seeds=40,
    open_interest=1e9,
    market=StressMarketRow(0.02, 1e10, "binance perp BTCUSDT 1d", ("binance",), "2026-03-10"),
    venues=(VENUE,),
    points=(),
    cliffs=(),
    paths=(),
    density=(),
    effects=(effect("depends on"),),
    reactions=(),
    sensitivity=(),
    steps=(STEP,),
    not_observable=(),
    defaults=(),
)
"""A row on which no check reports."""


def with_venue(**changes: object) -> StressRow:
    """Returns the row with another venue."""
    return replace(ROW, venues=(replace(VENUE, **changes),))  # type: ignore[arg-type]
