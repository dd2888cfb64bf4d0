"""Effects with intervals: a sign only where seeds, liquidity and behaviour agree."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

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
from harmonize.stress.effects import Effect, Metric, Sign, effects, effects_of_all
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


def test_a_sign_that_depends_states_on_what() -> None:
    # At 20 % a cap at 10x liquidates the same traders; only a cut notional makes less of them.
    effect = of(run(leverage_cap(10.0), shocks=[0.2]), Metric.LIQUIDATED, 0.2)
    assert (effect.sign, effect.depends_on) == (Sign.DEPENDS, ("behaviour",))


def test_a_sign_that_differs_by_liquidity_and_seed_says_so() -> None:
    # Stricter terms prevent losses in a liquid market, and cause them where sales move the price.
    effect = of(run(adopt("b"), shocks=[0.1]), Metric.LOSS, 0.1)
    signs = {
        cell.liquidity: cell.sign
        for cell in effect.cells
        if cell.behaviour is Behaviour.NOTIONAL_KEPT
    }
    assert signs == {1.0: Sign.LESS, 4.0: Sign.DEPENDS, 10.0: Sign.MORE}
    assert (effect.sign, effect.depends_on) == (Sign.DEPENDS, ("sample", "liquidity"))


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
