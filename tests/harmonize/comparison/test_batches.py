"""Underlyings are compared in batches of bounded size, which change no figure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from harmonize.comparison import cross_venue
from harmonize.comparison.cross_venue import CostTerms, spreads_and_indices
from harmonize.comparison.universe import Universe, build_universe
from harmonize.core.schedule import Known, MarginSchedule
from harmonize.numerics.panel import Panel
from harmonize.numerics.segments import Group, Segments, cells
from tests.harmonize.checks.examples import NOW, flat_schedule, of
from tests.support.random_functions import random_functions


def universe() -> Universe:
    """Returns five underlyings on 2 to 9 venues each, with random functions."""
    functions = iter(random_functions(np.random.default_rng(7), 100))
    schedules: list[MarginSchedule] = []
    for asset, count in (("BTC", 9), ("ETH", 4), ("SOL", 7), ("XRP", 2), ("ADA", 5)):
        plain = flat_schedule((50_000, "0.1", "0.05"), asset=asset)
        schedules += [
            replace(
                plain,
                instrument=replace(plain.instrument, venue=f"venue{number}"),
                initial=Known(next(functions)),
                maintenance=Known(next(functions)),
            )
            for number in range(count)
        ]
    case = of(*schedules, rules=("harmonized-baseline",))
    return build_universe(case.schedules, case.rules, (), NOW, {})


def test_the_size_of_batches_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(panel: Panel, groups: Sequence[Group]) -> Segments:
        sizes.append(len(groups))
        return cells(panel, groups)

    monkeypatch.setattr(cross_venue, "cells", counted)
    compared = universe()
    terms = CostTerms((1e4, 1e6), 0.1)
    results, largest = [], []
    for elements in (1 << 17, 500, 1):
        monkeypatch.setattr(cross_venue, "_ELEMENTS", elements)
        results.append(spreads_and_indices(compared.peer_groups, compared.layout, terms))
        largest.append(max(sizes))
        sizes.clear()
    assert results[0] == results[1] == results[2]
    assert len(results[0][0]) == 10
    assert largest[0] == 5 > largest[1] > largest[2] == 1
