"""Content of the packs, compared with their sources."""

from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from math import sqrt
from typing import Any

import pytest
import yaml

from harmonize.core.schedule import INFINITY, MaintenanceMeaning, MarginFunction
from harmonize.policy.rule_set import (
    AdequacyLimits,
    Cap,
    ReferenceClass,
    ReferenceSchedule,
    RuleSet,
    Tolerance,
    Verified,
)
from rules import loader

D = Decimal
ROUNDING = 0.000_05  # half of the fourth decimal, to which the tiers are published
PI = 0.05


def _text(pack: str) -> str:
    return files("rules").joinpath(f"{pack}.yaml").read_text(encoding="utf-8")


def _classes() -> dict[str, dict[str, Any]]:
    """Classes of the baseline, as parsed by another YAML reader."""
    return dict(yaml.safe_load(_text("harmonized-baseline"))["requirement"]["classes"])


def _amount(number: Any) -> float:
    return float(str(number).replace("_", ""))


def _formula(size_class: dict[str, Any], days: float, notional: float) -> float:
    """``N * min(1, v1 * sqrt(days + N / (3 * pi * ADV)))``, in USD."""
    depth = 3 * PI * _amount(size_class["adv_ref"])
    return notional * min(1.0, float(size_class["v1"]) * sqrt(days + notional / depth))


def _sum_over_slices(size_class: dict[str, Any], rate: str, notional: float) -> float:
    total = lower = 0.0
    for tier in size_class["tiers"]:
        upper = _amount(tier["upper"])
        total += max(0.0, min(notional, upper) - lower) * tier[rate]
        lower = upper
    assert notional <= lower, "the tiers end before the position"
    return total


def _margin_at(function: MarginFunction, notional: Decimal) -> Decimal:
    """Returns the exact margin, in USD, from the pieces."""
    piece = next(piece for piece in function.pieces if notional <= piece.upper)
    assert piece.coefficient == 0
    return piece.fixed + piece.rate * notional


def _reference(name: str) -> ReferenceClass:
    requirement = loader.load("harmonized-baseline").requirement
    assert isinstance(requirement, ReferenceSchedule)
    return next(class_ for class_ in requirement.classes if class_.name == name)


def _defined(function: MarginFunction | None) -> MarginFunction:
    assert function is not None
    return function


CLASSES = ["A", "B", "C", "D", "E", "F"]


def test_the_packs_are_complete_and_sorted() -> None:
    ids = [rule_set.id for rule_set in loader.load_packs()]
    assert ids == [
        "asic-retail",
        "b3-retail",
        "cftc-dco",
        "cftc-dco-observed",
        "disclosure",
        "emir-ccp",
        "emir-ccp-floor10y",
        "emir-ccp-stress25",
        "esma-retail",
        "harmonized-baseline",
        "jfsa-retail",
        "jvcea-corporate",
        "mas",
        "uk-fca",
        "umr-schedule",
        "vara-retail",
    ]
    assert ids == list(loader.pack_ids())


def test_esma_requires_half_and_closes_out_at_half_of_it() -> None:
    rules = loader.load("esma-retail")
    assert rules.requirement == Cap(Decimal("0.5"), Decimal("0.25"))
    assert rules.meaning is MaintenanceMeaning.LIQUIDATION
    assert rules.statutory
    assert rules.scope.account_classes == ("retail",)
    assert rules.scope.text.startswith("EU/EEA: ")
    assert rules.tolerance == Tolerance(relative=Decimal(0), absolute=Decimal("0.0001"))
    assert rules.kind == "cap"


def test_jfsa_requires_half_for_initial_and_maintenance() -> None:
    rules = loader.load("jfsa-retail")
    assert rules.requirement == Cap(Decimal("0.5"), Decimal("0.5"))
    assert rules.meaning is MaintenanceMeaning.CALL
    assert rules.statutory
    assert rules.scope.account_classes == ("retail",)
    assert rules.tolerance == Tolerance(relative=Decimal(0), absolute=Decimal("0.0001"))


def test_the_baseline_is_a_benchmark_not_law() -> None:
    rules = loader.load("harmonized-baseline")
    assert not rules.statutory
    assert rules.meaning is MaintenanceMeaning.LIQUIDATION
    assert rules.scope.account_classes == ()
    assert rules.tolerance == Tolerance(relative=Decimal("0.15"), absolute=Decimal(0))
    assert rules.kind == "schedule"


def _marks(rules: RuleSet) -> dict[str, Verified]:
    return {citation.reference: citation.verified for citation in rules.citations}


def test_an_unread_source_is_not_marked_primary() -> None:
    assert _marks(loader.load("esma-retail")) == {
        "ESMA Decision (EU) 2018/796, OJ L 136, 1.6.2018": Verified.PRIMARY,
        "ESMA public statement ESMA35-243228190-8024, 24 February 2026": Verified.SECONDARY,
        "Art 1(a) of the national measures and ESMA_QA_1990, a contract for difference is no "
        "future": Verified.SECONDARY,
    }
    assert list(_marks(loader.load("jfsa-retail")).values()) == [
        Verified.SECONDARY,
        Verified.PRIMARY,
    ]
    baseline = _marks(loader.load("harmonized-baseline"))
    assert baseline["Tiers, v1 and classes of this rule set"] is Verified.DERIVED
    assert baseline["17 CFR 39.13(g)(2)(ii), one day of risk for futures"] is Verified.SECONDARY


def test_caveats_of_the_packs() -> None:
    flags = {
        rule_set.id: {flag.field: flag.status for flag in rule_set.flags}
        for rule_set in loader.load_packs()
    }
    assert all(flags.values())
    chosen = ("esma-retail", "jfsa-retail", "harmonized-baseline")
    assert {id_: flags[id_] for id_ in chosen} == {
        "esma-retail": {
            "contracts": "secondary",
            "in_force": "unverified",
            "national successor measures": "unverified",
            "maintenance": "primary",
        },
        "jfsa-retail": {
            "article of the derivatives order": "unverified",
            "maintenance": "primary",
        },
        "harmonized-baseline": {
            "requirement": "derived",
            "cross_venue": "design choice",
            "adequacy": "design choice",
            "adv_ref": "design choice",
            "pi": "design choice",
            "v1": "calibrated",
            "assets": "dated",
        },
    }


def test_limits_on_tests_against_prices_are_in_the_packs_whose_sources_state_them() -> None:
    limits = {
        rule_set.id: rule_set.adequacy for rule_set in loader.load_packs() if rule_set.adequacy
    }
    assert limits == {
        "emir-ccp": AdequacyLimits(coverage_2d=D("0.99"), coverage_significance=D("0.05")),
        "cftc-dco": AdequacyLimits(coverage_1d=D("0.99"), coverage_significance=D("0.05")),
        "harmonized-baseline": AdequacyLimits(
            buffer_minutes=D(60),
            maintenance_minutes=D(60),
            initial_minutes=D(240),
            close_out_share=D("0.01"),
            liquidation_share=D("0.1"),
            clustering_significance=D("0.01"),
            size_exponent=D("0.5"),
        ),
    }


def test_an_unlisted_asset_has_no_reference() -> None:
    requirement = loader.load("harmonized-baseline").requirement
    assert isinstance(requirement, ReferenceSchedule)
    assert requirement.class_of("HYPE") is None
    assert yaml.safe_load(_text("harmonized-baseline"))["requirement"]["unlisted"] == (
        "not observable"
    )


@pytest.mark.parametrize(
    ("name", "v1", "volume", "last", "assets"),
    [
        ("A", 0.10, 5e9, 500e6, "BTC"),
        ("B", 0.125, 3e9, 500e6, "ETH"),
        ("C", 0.20, 400e6, 100e6, "SOL XRP BNB DOGE ADA LINK LTC AVAX TRX SUI ZEC"),
        ("D", 0.25, 75e6, 25e6, "NEAR AAVE UNI DOT APT ARB OP ONDO CRV LDO SNX HBAR SEI"),
        ("E", 0.333333, 25e6, 5e6, "PEPE PENGU ENA"),
        ("F", 0.50, 5e6, 1e6, "FARTCOIN"),
    ],
)
def test_the_classes_are_those_of_the_calibration(
    name: str, v1: float, volume: float, last: float, assets: str
) -> None:
    size_class = _classes()[name]
    assert size_class["v1"] == v1
    assert _amount(size_class["adv_ref"]) == volume
    assert _amount(size_class["tiers"][-1]["upper"]) == last
    assert tuple(assets.split()) == _reference(name).assets


def test_the_lists_are_dated() -> None:
    text = _text("harmonized-baseline")
    assert "October 2025 to March 2026" in text


def _disagreements() -> Iterator[str]:
    """Yields each published marginal rate that differs from its formula, to four decimals."""
    for name, size_class in _classes().items():
        for rate, days in (("initial_rate", 1.0), ("maintenance_rate", 0.25)):
            lower = 0.0
            for tier in size_class["tiers"]:
                upper = _amount(tier["upper"])
                margin = _formula(size_class, days, upper) - _formula(size_class, days, lower)
                expected = margin / (upper - lower)
                if abs(tier[rate] - expected) > ROUNDING + 1e-12:
                    yield f"{name} to {upper:,.0f} {rate}: {tier[rate]} against {expected:.7f}"
                lower = upper


def test_published_rates_are_the_formula_rounded_to_four_decimals() -> None:
    assert list(_disagreements()) == []


@pytest.mark.parametrize(
    ("name", "notional", "initial_percent", "maintenance_percent"),
    [
        ("A", 100e6, 10.6, 6.2),
        ("A", 500e6, 12.9, 9.6),
        ("C", 1e6, 20.2, 10.3),
        ("C", 10e6, 21.6, 12.9),
        ("C", 100e6, 32.7, 27.7),
        ("D", 1e6, 26.1, 14.6),
        ("D", 10e6, 34.4, 26.7),
        ("E", 1e6, 37.5, 24.0),
    ],
)
def test_margins_equal_the_published_averages(
    name: str, notional: float, initial_percent: float, maintenance_percent: float
) -> None:
    size_class = _classes()[name]
    reference = _reference(name)
    for rate, percent, function in (
        ("initial_rate", initial_percent, reference.initial),
        ("maintenance_rate", maintenance_percent, _defined(reference.maintenance)),
    ):
        margin = _sum_over_slices(size_class, rate, notional)
        assert abs(100 * margin / notional - percent) <= 0.05
        assert float(_margin_at(function, Decimal(notional))) == pytest.approx(margin, rel=1e-12)


@pytest.mark.parametrize("name", CLASSES)
def test_at_small_size_maintenance_is_half_of_initial(name: str) -> None:
    reference = _reference(name)
    share = _margin_at(_defined(reference.maintenance), Decimal(1)) / _margin_at(
        reference.initial, Decimal(1)
    )
    assert abs(share - Decimal("0.5")) < Decimal("0.011")


@pytest.mark.parametrize("name", CLASSES)
def test_margins_are_continuous_and_end_at_the_whole_position(name: str) -> None:
    reference = _reference(name)
    for function in (reference.initial, _defined(reference.maintenance)):
        for piece, following in pairwise(function.pieces):
            assert (
                piece.fixed + piece.rate * piece.upper
                == following.fixed + following.rate * piece.upper
            )
        last = function.pieces[-1]
        assert last.upper == INFINITY
        assert last.rate == 1
        assert abs(last.fixed) < Decimal("0.000001")  # USD


@pytest.mark.parametrize("name", CLASSES)
def test_marginal_rates_rise_up_to_the_whole_position(name: str) -> None:
    reference = _reference(name)
    for function in (reference.initial, _defined(reference.maintenance)):
        rates = [piece.rate for piece in function.pieces[:-1]]
        assert rates == sorted(rates)


@pytest.mark.parametrize("name", CLASSES)
def test_chords_above_the_last_tier_are_within_half_a_percent(name: str) -> None:
    """The largest error in the packs is 0.47 % (A, maintenance); it is never negative."""
    size_class, reference = _classes()[name], _reference(name)
    last_bound = _amount(size_class["tiers"][-1]["upper"])
    for function, days in ((reference.initial, 1.0), (_defined(reference.maintenance), 0.25)):
        lower = 0.0
        for piece in function.pieces[:-1]:
            upper = float(piece.upper)
            if lower >= last_bound:
                assert upper / lower <= 1.25
                for step in range(1, 33):
                    notional = lower + (upper - lower) * step / 32
                    margin = float(piece.fixed) + float(piece.rate) * notional
                    error = margin / _formula(size_class, days, notional) - 1
                    assert -0.0002 < error < 0.0047
                assert abs(error) < 1e-12, "a bound is on the formula"
            lower = upper


@pytest.mark.parametrize("name", CLASSES)
def test_tiers_are_above_the_formula_between_their_bounds_by_seven_percent_at_most(
    name: str,
) -> None:
    size_class = _classes()[name]
    for rate, days in (("initial_rate", 1.0), ("maintenance_rate", 0.25)):
        for step in range(1, 2001):
            notional = _amount(size_class["tiers"][-1]["upper"]) * 0.995**step
            error = (
                _sum_over_slices(size_class, rate, notional) / _formula(size_class, days, notional)
                - 1
            )
            assert -0.001 < error < 0.072


@pytest.mark.parametrize("name", CLASSES)
def test_maintenance_never_exceeds_initial(name: str) -> None:
    reference = _reference(name)
    bounds = {
        piece.upper
        for function in (reference.initial, _defined(reference.maintenance))
        for piece in function.pieces
    } - {INFINITY}
    for bound in bounds:  # both are straight between bounds
        allowed = Decimal("1e-15") * bound
        assert (
            _margin_at(_defined(reference.maintenance), bound)
            <= _margin_at(reference.initial, bound) + allowed
        )
