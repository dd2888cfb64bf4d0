"""Rows of a stress on one underlying: curve, cliffs, paths, contributions, density, effects."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from math import isfinite
from typing import Any

import numpy as np

from harmonize.api.stress_case import BookMaker, Impacts, NamedChange, StressCase, default_rows
from harmonize.api.stress_inputs import TermsByVenue
from harmonize.api.stress_paths import SimulatedPaths, simulated_paths
from harmonize.api.stress_references import threshold_rows
from harmonize.api.stress_sensitivity import sensitivity_rows
from harmonize.api.stress_validation import limit_sentences, validate
from harmonize.api.stress_venues import (
    Samples,
    least_sampled,
    venue_figures,
    withheld_intervals,
    withheld_sentences,
)
from harmonize.core.schedule import MarginSchedule, Unknown
from harmonize.document.stress import (
    CliffRow,
    EffectCellRow,
    StressAbsentRow,
    StressBinRow,
    StressChangedCliffRow,
    StressChangedPointRow,
    StressEffectRow,
    StressPointRow,
    StressReactionRow,
    StressRow,
    StressStepRow,
    StressVenueRow,
)
from harmonize.stress.book import Book
from harmonize.stress.counterfactuals import Behaviour, apply, unchanged
from harmonize.stress.curve import cliffs, curve
from harmonize.stress.defaults import DEFAULTS, StressDefaults
from harmonize.stress.density import density
from harmonize.stress.effects import INTERVAL, Effect, Mapper, effects_of_all
from harmonize.stress.positions import Floats
from harmonize.stress.scenario import ScenarioKind, bundled_scenarios
from harmonize.stress.thresholds import Thresholds, thresholds
from harmonize.text.messages import iso_utc

SHOCKS = (0.01, 0.02, 0.05, 0.10, 0.20, 0.30)
"""Shocks of every curve."""

SMALLEST = DEFAULTS.sizes.value.smallest
"""Notional, in USD, at which a venue's largest leverage is read: its smallest positions have it."""

_DENSITY_UP_TO = 0.5


def stress_row(
    case: StressCase, mapper: Mapper = map, paths: SimulatedPaths | None = None
) -> StressRow:
    """Returns the stress of one underlying; ``paths`` are simulated if they are not given.

    Raises StressInputError: input that cannot be simulated.
    """
    book, impacts = case.book(), case.impacts
    paths = simulated_paths(case) if paths is None else paths
    validated = (case.underlying,) if case.is_synthetic else ()
    validation = validate(validated, {case.underlying: case.terms}, case.defaults)
    given = _longs(book)
    schedules = [case.terms[venue].schedule for venue in book.positions.venues]
    times = sorted(iso_utc(schedule.observed_at) for schedule in schedules)
    shocks = np.array(sorted({*SHOCKS, case.shock}))
    samples = _samples(case, impacts)
    least = least_sampled(case, given)
    points = tuple(_points(given, impacts, shocks, samples, least))
    at_shock = tuple(point for point in points if point.shock == case.shock)
    venues = tuple(_venue_rows(case, given, impacts, samples))
    changed = tuple(_changed_books(case, book)) if impacts else ()
    return StressRow(
        underlying=case.underlying,
        shock=case.shock,
        scenario=case.scenario.id if case.scenario else "",
        oldest=times[0],
        newest=times[-1],
        is_synthetic=case.is_synthetic,
        seeds=case.seeds,
        open_interest=float(given.open_interest.sum()),
        market=case.market,
        venues=venues,
        points=points,
        cliffs=tuple(_cliffs(given, impacts)),
        paths=paths.rows,
        density=tuple(_bins(case, given)),
        effects=tuple(_effects(case, impacts, mapper)),
        reactions=tuple(_reactions(case, book)),
        sensitivity=tuple(sensitivity_rows(case)),
        steps=tuple(step_rows(case.underlying, case.terms)),
        not_observable=tuple(
            StressAbsentRow(venue.venue, venue.reason) for venue in book.not_observable
        ),
        defaults=default_rows(case),
        changed=tuple(_changed_points(changed, impacts, shocks)),
        changed_cliffs=tuple(_changed_cliffs(changed, impacts)),
        validation=validation,
        limits=(
            *withheld_sentences(venues),
            *withheld_intervals(points, least),
            *limit_sentences(case.underlying, validation, at_shock, has_accounts=case.has_accounts),
        ),
        thresholds=tuple(threshold_rows(book, case.references)),
    )


def _longs(book: Book) -> Thresholds:
    outcome = unchanged(book)
    return thresholds(outcome.positions, outcome.falls)


def _venue_rows(
    case: StressCase, given: Thresholds, impacts: Impacts, samples: Samples
) -> Iterator[StressVenueRow]:
    figures = venue_figures(case, given, impacts, samples)
    overlap = density(given, is_smooth=case.is_synthetic).overlap
    immediate = given.immediate_notional
    for code, venue in enumerate(given.venues):
        near = case.open_interest.get(venue) if case.is_synthetic else None
        mark = case.defaults.leverage_mark(venue, case.underlying).value
        yield StressVenueRow(
            venue=venue,
            **_identity(case.terms[venue].schedule),
            open_interest=float(given.open_interest[code]),
            open_interest_at=near.observed_at if near else "",
            leverage_mark=mark if case.is_synthetic else "given",
            overlap=_number(overlap[code]),
            immediate=float(immediate[code]),
            **figures[code],
        )


def _identity(schedule: MarginSchedule) -> dict[str, Any]:
    """Returns the fields of a row that identify a schedule and date it."""
    return {
        "symbol": schedule.instrument.symbol,
        "profile": str(schedule.profile),
        "observed_at": iso_utc(schedule.observed_at),
        "observed_from": schedule.precision.earliest_text(schedule.observed_at),
        "date_kind": schedule.precision.kind.value,
    }


def _number(value: float) -> float | None:
    """Returns a number; None for NaN and infinity, which JSON does not have."""
    return float(value) if isfinite(value) else None


def _points(
    given: Thresholds, impacts: Impacts, shocks: Floats, samples: Samples, least: float
) -> Iterator[StressPointRow]:
    """Yields the curve; what is liquidated below ``least``, in USD, has no interval."""
    sampled = _sampled(impacts, shocks, samples)
    total = float(given.open_interest.sum())
    for liquidity, impact in impacts.items():
        outcome = curve(given, impact, shocks)
        for column, shock in enumerate(shocks.tolist()):
            liquidated = float(outcome.liquidated[column])
            is_known = bool(sampled) and not 0.0 < liquidated < least
            low, high = sampled[liquidity][:, column] if is_known else (None, None)
            yield StressPointRow(
                liquidity,
                shock,
                float(outcome.move[column]),
                _number(outcome.amplification[column]),
                liquidated,
                liquidated / total if total else 0.0,
                float(outcome.loss[column]),
                None if low is None else float(low),
                None if high is None else float(high),
            )


def _samples(case: StressCase, impacts: Impacts) -> Samples:
    """Returns the positions of every seed; none of given positions, or without an impact."""
    if not case.is_synthetic or not impacts:
        return ()
    return tuple(_longs(case.book(seed)) for seed in range(case.seeds))


def _sampled(impacts: Impacts, shocks: Floats, samples: Samples) -> dict[float, Floats]:
    """Returns by liquidity the interval of the liquidated notional: two rows, a column per shock."""
    if not samples:
        return {}
    return {
        liquidity: np.quantile(
            [curve(given, impact, shocks).liquidated for given in samples], INTERVAL, axis=0
        )
        for liquidity, impact in impacts.items()
    }


def _cliffs(given: Thresholds, impacts: Impacts) -> Iterator[CliffRow]:
    for liquidity, impact in impacts.items():
        for cliff in cliffs(given, impact):
            after = _number(cliff.move_after)
            yield CliffRow(liquidity, cliff.shock, cliff.move_before, after, cliff.notional)


def _bins(case: StressCase, given: Thresholds) -> Iterator[StressBinRow]:
    distribution = density(given, _DENSITY_UP_TO, is_smooth=case.is_synthetic)
    for code, column in zip(
        *(part.tolist() for part in np.nonzero(distribution.notional)), strict=True
    ):
        yield StressBinRow(
            given.venues[code],
            float(distribution.edges[column]),
            float(distribution.edges[column + 1]),
            float(distribution.notional[code, column]),
        )


def _effects(case: StressCase, impacts: Impacts, mapper: Mapper) -> Iterator[StressEffectRow]:
    if not impacts or not case.changes:
        return
    make = partial(_seeded, case.make_book, case.defaults)
    shocks = sorted({*case.effect_shocks, case.shock})
    seeds = case.seeds if case.is_synthetic else 1
    what_ifs = [change.what_if for change in case.changes]
    by_change = effects_of_all(make, what_ifs, impacts, shocks, seeds=seeds, mapper=mapper)
    for change, own in zip(case.changes, by_change, strict=True):
        for effect in own:
            yield _effect_row(change, effect)


def _seeded(make_book: BookMaker, defaults: StressDefaults, seed: int | None) -> Book:
    return make_book(seed, defaults)


def _effect_row(change: NamedChange, effect: Effect) -> StressEffectRow:
    cells = tuple(
        EffectCellRow(
            cell.liquidity,
            cell.behaviour.value,
            cell.before,
            cell.change,
            cell.low,
            cell.high,
            cell.sign.value,
        )
        for cell in effect.cells
    )
    return StressEffectRow(
        change.specification,
        change.rule_set,
        effect.metric.value,
        effect.shock,
        effect.sign.value,
        effect.depends_on,
        cells,
    )


def _reactions(case: StressCase, book: Book) -> Iterator[StressReactionRow]:
    for change in case.changes:
        kept = apply(book, change.what_if, Behaviour.NOTIONAL_KEPT)
        cut = apply(book, change.what_if, Behaviour.MARGIN_KEPT)
        yield StressReactionRow(
            change.specification,
            change.rule_set,
            float(kept.top_up.sum()),
            float(cut.closed.sum()),
            float(kept.immediate.sum()),
        )


def _changed_books(case: StressCase, book: Book) -> Iterator[tuple[NamedChange, str, Thresholds]]:
    """Yields every change of rules and reaction with the longs under it, without randomness."""
    for change, behaviour in product(case.changes, Behaviour):
        outcome = apply(book, change.what_if, behaviour)
        yield change, behaviour.value, thresholds(outcome.positions, outcome.falls)


def _changed_points(
    changed: Sequence[tuple[NamedChange, str, Thresholds]], impacts: Impacts, shocks: Floats
) -> Iterator[StressChangedPointRow]:
    """Yields the curve under every change of rules and reaction."""
    for (change, behaviour, given), (liquidity, impact) in product(changed, impacts.items()):
        result = curve(given, impact, shocks)
        for column, shock in enumerate(shocks.tolist()):
            yield StressChangedPointRow(
                change.specification,
                change.rule_set,
                behaviour,
                liquidity,
                shock,
                float(result.move[column]),
                float(result.liquidated[column]),
                float(result.loss[column]),
            )


def _changed_cliffs(
    changed: Sequence[tuple[NamedChange, str, Thresholds]], impacts: Impacts
) -> Iterator[StressChangedCliffRow]:
    """Yields the cliffs under every change of rules and reaction."""
    for change, behaviour, given in changed:
        for cliff in _cliffs(given, impacts):
            yield StressChangedCliffRow(
                change.specification,
                change.rule_set,
                behaviour,
                cliff.liquidity,
                cliff.shock,
                cliff.before,
                cliff.after,
                cliff.notional,
            )


def step_rows(underlying: str, terms: TermsByVenue) -> Iterator[StressStepRow]:
    """Yields per venue its largest leverage and the largest step of a bundled recorded path.

    Margin of an inverse contract is in coins, which lose value with the price: it is lost earlier.
    """
    steps = [
        (scenario.largest_step(underlying), scenario)
        for scenario in bundled_scenarios().values()
        if scenario.kind is ScenarioKind.RECORDED and underlying in scenario.falls
    ]
    if not steps:
        return
    step, scenario = max(steps, key=lambda pair: pair[0])
    for venue, venue_terms in sorted(terms.items()):
        if isinstance(venue_terms.margins, Unknown):
            continue
        rate = float(venue_terms.margins.initial_margin(np.array([SMALLEST]))[0]) / SMALLEST
        yield StressStepRow(
            venue=venue,
            **_identity(venue_terms.schedule),
            notional=SMALLEST,
            margin_rate=rate,
            scenario=scenario.id,
            step_minutes=scenario.step_minutes,
            step=step,
            bankrupt_at=rate / (1.0 + rate) if venue_terms.margins.is_inverse else rate,
        )
