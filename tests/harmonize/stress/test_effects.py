"""Effects with intervals: a sign only where seeds, liquidity and behaviour agree."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

from harmonize.stress.book import Book, synthetic_book
from harmonize.stress.counterfactuals import (
    Behaviour,
    adopt,
    apply,
    leverage_cap,
    maintenance_multiple,
    unchanged,
)
from harmonize.stress.curve import curve
from harmonize.stress.effects import (
    Effect,
    EffectCell,
    Metric,
    Sign,
    _cells,
    _effect,
    effects,
    effects_of_all,
)
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import Impact, SquareRootImpact
from harmonize.stress.thresholds import thresholds
from tests.harmonize.stress.markets import flat_margins

VENUES = {"a": flat_margins(0.004, 0.008), "b": flat_margins(0.02, 0.04, "b")}
IMPACTS: dict[float, Impact] = {
    multiple: SquareRootImpact(0.03 * multiple, 2e10) for multiple in (1.0, 4.0, 10.0)
}


def make_book(seed: int | None) -> Book:
    return synthetic_book("BTC", {"a": 1e9, "b": 5e8}, VENUES, rows=400, seed=seed)


run = partial(effects, make_book, impacts=IMPACTS, seeds=8)


def of(found: tuple[Effect, ...], metric: Metric, shock: float) -> Effect:
    return next(one for one in found if one.metric is metric and one.shock == shock)


def test_every_liquidity_and_behaviour_has_its_change() -> None:
    found = run(leverage_cap(10.0), shocks=[0.05, 0.1])
    assert len(found) == len(Metric) * 2
    effect = of(found, Metric.LIQUIDATED, 0.05)
    cells = {(cell.liquidity, cell.behaviour): cell for cell in effect.cells}
    assert set(cells) == {(multiple, way) for multiple in IMPACTS for way in Behaviour}
    book = make_book(None)
    outcomes = (unchanged(book), apply(book, leverage_cap(10.0), Behaviour.MARGIN_KEPT))
    before, after = (
        curve(thresholds(part.positions, part.falls), IMPACTS[4.0], [0.05]).liquidated[0]
        for part in outcomes
    )
    cell = cells[4.0, Behaviour.MARGIN_KEPT]
    assert cell.before == pytest.approx(before)
    assert cell.change == pytest.approx(after - before)
    assert cell.low <= cell.high


def test_a_sign_is_stated_where_all_agree() -> None:
    less = of(run(leverage_cap(10.0), shocks=[0.05]), Metric.LIQUIDATED, 0.05)
    more = of(run(maintenance_multiple(3.0), shocks=[0.1]), Metric.LIQUIDATED, 0.1)
    assert (less.sign, less.depends_on) == (Sign.LESS, ())
    assert (more.sign, more.depends_on) == (Sign.MORE, ())


def test_a_rule_without_effect_has_no_change() -> None:
    found = run(maintenance_multiple(1.0), shocks=[0.05])
    assert {effect.sign for effect in found} == {Sign.NONE}


@pytest.mark.parametrize("metric", [Metric.LIQUIDATED, Metric.MOVE])
def test_a_leverage_cap_raises_neither_and_its_sign_says_so(metric: Metric) -> None:
    # At 20 % a cap at 10x liquidates the same traders; only a cut notional makes less of them.
    effect = of(run(leverage_cap(10.0), shocks=[0.2]), metric, 0.2)
    assert {cell.sign for cell in effect.cells} == {Sign.NONE, Sign.LESS}
    assert (effect.sign, effect.depends_on) == (Sign.NOT_MORE, ())
    unchanged_ = [cell for cell in effect.cells if cell.sign is Sign.NONE]
    assert {(cell.change, cell.low, cell.high) for cell in unchanged_} == {(0.0, 0.0, 0.0)}


@pytest.mark.parametrize(
    ("interval", "sign"),
    [
        ((-3.0, -2.0, -1.0), Sign.LESS),
        ((-3.0, -2.0, 1e-5), Sign.NOT_MORE),
        ((-3.0, 1e-5, 0.0), Sign.NOT_MORE),
        ((1e-5, -1e-5, 0.0), Sign.NONE),
        ((-1e-5, 2.0, 3.0), Sign.NOT_LESS),
        ((1.0, 2.0, 3.0), Sign.MORE),
        ((-1.0, 2.0, 3.0), Sign.DEPENDS),
        ((-3.0, 1.0, -2.0), Sign.DEPENDS),  # the book without randomness is more
    ],
)
def test_an_interval_that_ends_at_zero_has_a_sign(
    interval: tuple[float, float, float], sign: Sign
) -> None:
    low, change, high = interval
    key = (1.0, Behaviour.MARGIN_KEPT)
    base, *sampled = (
        {key: (np.zeros((1, 1)), np.full((1, 1), own))}
        for own in (change, *[low] * 10, *[high] * 10)
    )
    (cell,) = _cells(base, sampled, (0, 0), 1e-3)
    assert cell.sign is sign
    stated = [0.0 if abs(own) < 1e-3 else own for own in (min(low, high), change, max(low, high))]
    assert [cell.low, cell.change, cell.high] == stated


@pytest.mark.parametrize(
    ("cells", "sign", "reasons"),
    [
        ("less, no change", Sign.NOT_MORE, ()),
        ("not more, less", Sign.NOT_MORE, ()),
        ("more, no change", Sign.NOT_LESS, ()),
        ("not less, more", Sign.NOT_LESS, ()),
        ("not less, not more", Sign.DEPENDS, ("liquidity",)),
        ("less, depends on", Sign.DEPENDS, ("sample", "liquidity")),
        ("depends on, depends on", Sign.DEPENDS, ("sample",)),
    ],
)
def test_signs_of_cells_together(cells: str, sign: Sign, reasons: tuple[str, ...]) -> None:
    made = [
        EffectCell(liquidity, Behaviour.MARGIN_KEPT, 1.0, 0.0, 0.0, 0.0, Sign(own))
        for liquidity, own in enumerate(cells.split(", "))
    ]
    found = _effect("x", Metric.MOVE, 0.1, made)
    assert (found.sign, found.depends_on) == (sign, reasons)


def test_a_sign_that_differs_by_liquidity_and_seed_says_so() -> None:
    # Stricter terms prevent losses in a liquid market, and cause them where sales move the price.
    effect = of(run(adopt("b"), shocks=[0.1]), Metric.LOSS, 0.1)
    kept, cut = (
        {cell.liquidity: cell.sign for cell in effect.cells if cell.behaviour is way}
        for way in Behaviour
    )
    assert kept == {1.0: Sign.LESS, 4.0: Sign.DEPENDS, 10.0: Sign.MORE}
    assert cut == {1.0: Sign.LESS, 4.0: Sign.LESS, 10.0: Sign.DEPENDS}
    # At 4x and 10x the sample decides for one reaction of traders and not for the other.
    assert (effect.sign, effect.depends_on) == (
        Sign.DEPENDS,
        ("sample", "liquidity", "behaviour"),
    )


def test_other_processes_give_the_same_effects() -> None:
    expected = run(maintenance_multiple(1.5), shocks=[0.1])
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        assert run(maintenance_multiple(1.5), shocks=[0.1], mapper=executor.map) == expected


def test_equal_arguments_give_equal_effects() -> None:
    assert run(leverage_cap(10.0), shocks=[0.1]) == run(leverage_cap(10.0), shocks=[0.1])


@pytest.mark.parametrize(("seeds", "impacts"), [(0, IMPACTS), (2, {})])
def test_an_experiment_has_seeds_and_impacts(seeds: int, impacts: dict[float, Impact]) -> None:
    with pytest.raises(
        StressInputError, match="effects: expected at least one seed and one impact"
    ):
        effects(make_book, leverage_cap(10.0), impacts, [0.1], seeds=seeds)


def test_several_changes_have_the_effects_of_each_alone() -> None:
    changes = [leverage_cap(10.0), maintenance_multiple(1.5)]
    together = effects_of_all(make_book, changes, IMPACTS, [0.05, 0.1], seeds=3)
    alone = [effects(make_book, own, IMPACTS, [0.05, 0.1], seeds=3) for own in changes]
    assert list(together) == alone
    assert together[0] != together[1]
