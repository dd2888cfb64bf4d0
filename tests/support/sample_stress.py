"""Synthetic stress of two underlyings: a cliff, signs, unknown values and hostile names."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harmonize.document import (
    AuditDocument,
    CliffRow,
    EffectCellRow,
    ReverseStressRow,
    StressAbsentRow,
    StressBinRow,
    StressChangedCliffRow,
    StressChangedPointRow,
    StressDefaultRow,
    StressEffectRow,
    StressMarketRow,
    StressOmittedRow,
    StressPathRow,
    StressPointRow,
    StressReactionRow,
    StressRow,
    StressSensitivityRow,
    StressValidationRow,
    StressVenueRow,
)
from tests.support.sample_documents import FORMULA, FRESH, SCRIPT, sample

LIQUIDITIES = (1.0, 4.0, 10.0)
SHOCKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
BEHAVIOURS = ("notional kept", "margin kept")
BINS = 100


def venue(name: str, interest: float, leverage_mark: str = "assumed") -> StressVenueRow:
    return StressVenueRow(
        venue=name,
        symbol="BTC/USDT",
        profile="cross",
        observed_at=FRESH,
        observed_from=FRESH,
        date_kind="exact",
        open_interest=interest,
        open_interest_at=FRESH,
        leverage_mark=leverage_mark,
        liquidated=interest / 10,
        loss=1.5e6,
        leave_one_out=interest / 9,
        shapley=interest / 11,
        is_shapley_exact=True,
        shapley_ratio=0.9876,
        overlap=0.9433,
        immediate=0.0,
        reverse=tuple(
            ReverseStressRow(own, shock)
            for own, shock in zip(LIQUIDITIES, (None, 0.0654, 0.0321), strict=True)
        ),
    )


def point(liquidity: float, shock: float) -> StressPointRow:
    move = min(shock * (1.0 + liquidity / 20.0), 0.9)
    return StressPointRow(
        liquidity=liquidity,
        shock=shock,
        move=move,
        amplification=move / shock,
        liquidated=1.234e9 * move,
        share=move,
        loss=3.21e7 * liquidity,
        liquidated_low=1.1e9 * move,
        liquidated_high=1.4e9 * move,
    )


def changed(rule_set: str) -> list[StressChangedPointRow]:
    return [
        StressChangedPointRow(
            "reference", rule_set, behaviour, own, shock, shock * (1.0 + own / 40.0), 1e8, 1e6
        )
        for behaviour in BEHAVIOURS
        for own in LIQUIDITIES
        for shock in SHOCKS
    ]


def effect(rule_set: str, metric: str, sign: str, *depends_on: str) -> StressEffectRow:
    size = 0.0123 if metric == "move" else 4.56e8
    return StressEffectRow(
        what_if="reference",
        rule_set=rule_set,
        metric=metric,
        shock=0.1,
        sign=sign,
        depends_on=depends_on,
        cells=tuple(
            EffectCellRow(own, behaviour, 2 * size, -size, -1.5 * size, -0.5 * size, "less")
            for own in LIQUIDITIES
            for behaviour in BEHAVIOURS
        ),
    )


def sensitivity() -> tuple[StressSensitivityRow, ...]:
    return (
        StressSensitivityRow("leverage, median", 1.36e8, 4.56e7, 7.89e8, "assumed"),
        StressSensitivityRow("open interest", 1.36e8, 6.8e7, 2.72e8, "measured"),
        StressSensitivityRow("time to sell", 1.36e8, 1.36e8, 1.36e8, "assumed"),
    )


def stress(underlying: str, venues: Sequence[str], rule_sets: Sequence[str]) -> StressRow:
    """A stress in which everything is known; the first venue has a measured leverage."""
    rows = [
        venue(name, 1e9 / number, "assumed" if number > 1 else "measured")
        for number, name in enumerate(venues, start=1)
    ]
    return StressRow(
        underlying=underlying,
        shock=0.1,
        scenario="",
        oldest="2025-11-01T00:00:00Z",
        newest=FRESH,
        is_synthetic=True,
        seeds=40,
        open_interest=sum(row.open_interest for row in rows),
        market=StressMarketRow(
            *(0.0321, 9e9, "venue-a perp 1d", ("venue-a",), FRESH),
            volume_last="2025-11-03T00:00:00Z",
            price=80_000.0,
        ),
        venues=tuple(rows),
        points=tuple(point(own, shock) for own in LIQUIDITIES for shock in SHOCKS),
        cliffs=(CliffRow(10.0, 0.055, 0.0611, 0.0888, 2.34e8),),
        paths=(),
        density=tuple(
            StressBinRow(name, 0.005 * step, 0.005 * (step + 1), 1e6 * (step % 7 + 1))
            for name in venues
            for step in range(1, BINS)
        ),
        effects=tuple(
            own
            for name in rule_sets
            for own in (
                effect(name, "liquidated notional", "less"),
                effect(name, "move", "less"),
                effect(name, "loss beyond margin", "depends on", "sample", "behaviour"),
            )
        ),
        reactions=tuple(
            StressReactionRow("reference", name, 1.11e7, 2.22e8, 0.0) for name in rule_sets
        ),
        sensitivity=sensitivity(),
        steps=(),
        not_observable=(
            StressAbsentRow("venue-x", "open interest is not observed"),
            StressAbsentRow("venue-z", "open interest is not observed"),
            StressAbsentRow("venue-y", "margins are not observed"),
        ),
        defaults=(
            StressDefaultRow(
                "effective leverage", "lognormal", "assumed", "Venue A, May 2025: a sample"
            ),
            StressDefaultRow("impact exponent", "½", "sourced", "Tóth et al. 2011"),
            StressDefaultRow("open interest", "2 venues", "measured", "table of the package"),
        ),
        changed=tuple(own for name in rule_sets for own in changed(name)),
        changed_cliffs=tuple(
            StressChangedCliffRow("reference", name, "notional kept", k, 0.047, 0.047, after, 1e9)
            for name in rule_sets
            for k, after in ((4.0, 0.071), (10.0, 0.127))
        ),
        validation=(
            StressValidationRow(
                *(underlying, "venue-a", 49, 1e9, 2.6e8, 0.26, 0.64, 44.3, ""),
                (10.0, 25.0, 50.0, 100.0),
                "the source names no venue",
            ),
        ),
        limits=("Amplification is not identified.", "Other venues are unvalidated."),
    )


def without_curve(underlying: str) -> StressRow:
    """A stress without volatility and volume: no curve, and nothing that follows from it."""
    known = stress(underlying, ["venue-a"], [])
    unknown: dict[str, Any] = dict.fromkeys(
        ("liquidated", "loss", "leave_one_out", "shapley", "shapley_ratio")
    )
    return replace(
        known,
        open_interest=5e7,
        market=StressMarketRow(None, None, "", (), "", f"no candles of {SCRIPT}"),
        venues=tuple(replace(own, reverse=(), **unknown) for own in known.venues),
        points=(),
        cliffs=(),
        sensitivity=(),
        validation=(),
    )


def replayed() -> StressPathRow:
    return StressPathRow("2025-10-10", None, 0.1474, 0.1474, 3.3e8, 0.12, 4.4e6)


def hostile(row: StressRow) -> StressRow:
    """The same with hostile names and words."""
    defaults = tuple(
        replace(own, basis=FORMULA) if own.mark == "sourced" else own for own in row.defaults
    )
    absent = tuple(
        replace(own, venue=SCRIPT) if own.venue == "venue-z" else own for own in row.not_observable
    )
    limits = (*row.limits, f"{SCRIPT} is unvalidated.")
    return replace(row, defaults=defaults, not_observable=absent, limits=limits)


def stressed_sample() -> AuditDocument:
    """The sample document with one underlying in full and one without a curve."""
    rule_sets = [rule_set.id for rule_set in sample().rule_sets[:2]]
    full = stress("BTC", ("venue-a", "venue-b", SCRIPT), rule_sets)
    omitted = (StressOmittedRow("HYPE", 9.33e8, f"no rule set of {SCRIPT} has a class for it"),)
    return replace(sample(), stress=(without_curve("ETH"), hostile(full)), stress_omitted=omitted)
