"""Paths of a stress: a scenario's fall by step, with partial liquidation and auto-deleveraging if on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harmonize.api.errors import RequestError
from harmonize.api.stress_case import StressCase
from harmonize.document.stress import StressPathRow
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import Impact, LinearImpact
from harmonize.stress.paths import (
    PathResult,
    PathTerms,
    deleverage,
    run_path,
    settle,
    to_deleverage,
)
from harmonize.stress.positions import Floats
from harmonize.stress.scenario import Scenario, Series
from harmonize.stress.slices import check_slices, sliced_thresholds
from harmonize.stress.thresholds import Direction, Thresholds


@dataclass(frozen=True, slots=True)
class SliceRow:
    """Path on which positions are liquidated in slices, beside whole liquidations on the same path.

    Liquidated notional and loss beyond margin, in USD. ``liquidity`` is None without impact.
    """

    underlying: str
    scenario: str
    liquidity: float | None
    slices: int
    liquidated: float
    whole_liquidated: float
    loss: float
    whole_loss: float


@dataclass(frozen=True, slots=True)
class DeleveragingRow:
    """Auto-deleveraging on one venue after a path; amounts in USD. ``liquidity`` is None without impact.

    ``haircut`` is the part of the ``loss`` beyond margin that no stated fund pays. ``closed`` is the
    notional of bankrupt longs and, equal to it, of shorts that are closed against each other at the
    bankruptcy price, out of ``shorts``. ``least_leverage`` is the least effective leverage of a short
    that is closed; None without one.
    """

    underlying: str
    scenario: str
    liquidity: float | None
    venue: str
    loss: float
    paid_by_fund: float
    haircut: float
    closed: float
    shorts: float
    least_leverage: float | None


@dataclass(frozen=True, slots=True)
class SwitchedPaths:
    """What the switches of the paths do; empty if they are off."""

    slices: tuple[SliceRow, ...] = ()
    deleveraging: tuple[DeleveragingRow, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulatedPaths:
    """Outcome of a scenario's path under each liquidity, and of its switches; empty without one."""

    rows: tuple[StressPathRow, ...] = ()
    switched: SwitchedPaths = field(default_factory=SwitchedPaths)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Path under one liquidity, with what insurance funds pay and the haircuts left by venue."""

    liquidity: float | None
    result: PathResult
    paid: Floats
    haircuts: Floats


def check_switches(slices: int, *, is_deleveraged: bool, has_path: bool) -> None:
    """Raises RequestError: a number of slices that cannot be simulated, or a switch without a path."""
    try:
        check_slices(slices, "--slices")
    except StressInputError as error:
        raise RequestError(str(error)) from None
    names = ("--slices",) * (slices > 1) + ("--deleverage",) * is_deleveraged
    if names and not has_path:
        message = f"{names[0]}: acts on the path of a scenario alone; add --scenario, such as -10%"
        raise RequestError(message)


def joined(parts: Iterable[SwitchedPaths]) -> SwitchedPaths:
    """Returns the rows of several underlyings as one."""
    listed = tuple(parts)
    return SwitchedPaths(
        tuple(row for own in listed for row in own.slices),
        tuple(row for own in listed for row in own.deleveraging),
    )


def simulated_paths(case: StressCase) -> SimulatedPaths:
    """Returns the outcome of the scenario's path: without impact if it contains its own cascade.

    Raises StressInputError: input that cannot be simulated, or fewer shorts than auto-deleveraging closes.
    """
    scenario = case.scenario
    if scenario is None:
        return SimulatedPaths()
    book = case.book()
    given = sliced_thresholds(book.positions, book.margins, case.slices)
    outcomes = tuple(_outcomes(case, scenario, given))
    slices: tuple[SliceRow, ...] = ()
    if case.slices > 1:
        whole = sliced_thresholds(book.positions, book.margins, 1)
        slices = tuple(_slice_rows(case, outcomes, _outcomes(case, scenario, whole)))
    deleveraging = tuple(_deleveraging_rows(case, given, outcomes)) if case.is_deleveraged else ()
    return SimulatedPaths(
        tuple(_path_row(case, scenario, given, outcome) for outcome in outcomes),
        SwitchedPaths(slices, deleveraging),
    )


def _outcomes(case: StressCase, scenario: Scenario, given: Thresholds) -> Iterator[_Outcome]:
    path = scenario.path(case.underlying)
    used: list[tuple[float | None, Impact]] = [*case.impacts.items()]
    if scenario.contains_its_cascade and not case.with_impact:
        used = [(None, LinearImpact(0.0))]
    terms = PathTerms(
        case.defaults.release_steps(scenario.step_minutes), case.defaults.closing_steps.value
    )
    funds = [case.funds.get(venue, 0.0) for venue in given.venues]
    for liquidity, impact in used:
        result = run_path(given, impact, path, terms)
        yield _Outcome(liquidity, result, *settle(result.beyond_margin, funds))


def _path_row(
    case: StressCase, scenario: Scenario, given: Thresholds, outcome: _Outcome
) -> StressPathRow:
    total, result = float(given.open_interest.sum()), outcome.result
    liquidated = float(result.liquidated.sum())
    return StressPathRow(
        scenario.id,
        outcome.liquidity,
        max(scenario.path(case.underlying)),
        float(result.move.max()),
        liquidated,
        liquidated / total if total else 0.0,
        float(result.beyond_margin.sum()),
        _largest(scenario.implied_volatility, case.underlying),
        _largest(scenario.volume, case.underlying),
        float(outcome.paid.sum()) if case.funds else None,
        float(outcome.haircuts.sum()) if case.funds else None,
    )


def _largest(series: Series, underlying: str) -> float | None:
    """Returns the largest number of a column of a path; None if the scenario does not state it."""
    return max(series[underlying]) if underlying in series else None


def _slice_rows(
    case: StressCase, sliced: Iterable[_Outcome], whole: Iterable[_Outcome]
) -> Iterator[SliceRow]:
    for own, other in zip(sliced, whole, strict=True):
        yield SliceRow(
            case.underlying,
            case.scenario.id if case.scenario else "",
            own.liquidity,
            case.slices,
            float(own.result.liquidated.sum()),
            float(other.result.liquidated.sum()),
            float(own.result.beyond_margin.sum()),
            float(other.result.beyond_margin.sum()),
        )


def _deleveraging_rows(
    case: StressCase, given: Thresholds, outcomes: Iterable[_Outcome]
) -> Iterator[DeleveragingRow]:
    shorts = _shorts(case)
    leverage = shorts.notional / shorts.margin
    for outcome in outcomes:
        amount = to_deleverage(given, outcome.result, outcome.haircuts)
        try:
            closed = deleverage(shorts, leverage, amount)
        except StressInputError as error:
            message = f"--deleverage: {case.underlying} on {error}"
            raise StressInputError(message) from None
        for code, (venue, rows) in enumerate(zip(shorts.venues, shorts.rows, strict=True)):
            reached = leverage[rows][closed[rows] > 0.0]
            yield DeleveragingRow(
                case.underlying,
                case.scenario.id if case.scenario else "",
                outcome.liquidity,
                venue,
                float(outcome.result.beyond_margin[code]),
                float(outcome.paid[code]),
                float(outcome.haircuts[code]),
                float(closed[rows].sum()),
                float(shorts.notional[rows].sum()),
                float(reached.min()) if reached.size else None,
            )


def _shorts(case: StressCase) -> Thresholds:
    """Returns the shorts of the venues of the case, in the same order."""
    book = (case.make_shorts or case.make_book)(None, case.defaults)
    return sliced_thresholds(book.positions, book.margins, 1, Direction.RISE)
