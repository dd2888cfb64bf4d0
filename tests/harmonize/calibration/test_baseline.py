"""A new version of classes from small evidence, decision by decision."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import numpy as np
import pytest

from harmonize.calibration.baseline import BaselineCalibration, ClassTerms, calibrate_classes
from harmonize.calibration.evidence import AssetEvidence, MeasuredInput, PriceWindow
from harmonize.market.prices import PriceSeries
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import MeasuredFormula, ReferenceSchedule
from rules.loader import load
from tests.harmonize.market.small import identity, series

DAY = datetime(2026, 3, 3, tzinfo=UTC)
BOUNDS = (D(100_000), D(1_000_000))


def formula() -> MeasuredFormula:
    requirement = load("harmonized-baseline").requirement
    assert isinstance(requirement, ReferenceSchedule)
    assert requirement.measured is not None
    return requirement.measured


def terms(**assets: tuple[str, ...]) -> list[ClassTerms]:
    rates = {"A": "0.1", "B": "0.125", "C": "0.2", "D": "0.25", "E": "0.333333", "F": "0.5"}
    return [
        ClassTerms(name, assets.get(name, ()), D(rate), D(75_000_000), BOUNDS)
        for name, rate in rates.items()
    ]


def calm(asset: str, size: int = 1_200) -> PriceSeries:
    closes = np.cumprod(1 + np.tile([0.01, -0.01], size // 2))
    return series(closes.tolist(), of=identity(f"{asset}USDT"))


def evidence(asset: str, q: str = "", s: str = "", adv: str = "") -> AssetEvidence:
    """An asset with calm prices and the stated inputs; without q and s it has no prices."""
    values = {"var_99_1d_1095d": q, "var_99_1d_worst_365d": s, "adv_30d_median": adv}
    prices = calm(asset)
    window = PriceWindow(prices.id, DAY.date(), DAY.date(), 1, "0" * 64)
    inputs = {
        name: MeasuredInput(Input(name, asset, D(value), DAY), window)
        for name, value in values.items()
        if value
    }
    return AssetEvidence(asset, prices if q else None, 1_199 if q else 0, inputs)


def by_class(calibration: BaselineCalibration) -> dict[str, tuple[str, ...]]:
    return {class_.before.name: class_.assets for class_ in calibration.classes}


def test_assets_move_and_classes_without_assets_are_not_written() -> None:
    found = calibrate_classes(
        formula(),
        terms(A=("BTC",), C=("SOL", "TRX"), D=("NEAR",), F=("NEW",)),
        [
            evidence("BTC", "0.08", "0.14", "9e9"),
            evidence("SOL", "0.12", "0.3", "2e9"),
            evidence("TRX", "0.07", "0.08", "48e6"),
            evidence("NEAR", "0.15", "0.19", "30e6"),
            evidence("NEW", "0.19", "0.19", "2e9"),
        ],
    )
    assert by_class(found) == {
        "A": ("BTC",),
        "C": ("SOL", "NEW"),
        "D": ("TRX",),
        "E": ("NEAR",),
    }
    (third,) = [class_ for class_ in found.classes if class_.before.name == "C"]
    assert (third.joined, third.left) == (("NEW",), ("TRX",))
    assert third.median_adv == D("2e9")


def test_v1_is_the_formula_of_the_rule_set() -> None:
    found = calibrate_classes(
        formula(), terms(A=("BTC",)), [evidence("BTC", "0.08", "0.16", "9e9")]
    )
    assert found.rates["BTC"].value == D("0.1")  # 0.75 * 0.08 + 0.25 * 0.16
    (class_,) = found.classes
    assert (class_.v1, class_.rate and class_.rate.percentile) == (D("0.1"), D("0.1"))
    above = calibrate_classes(
        formula(), terms(A=("BTC",)), [evidence("BTC", "0.08", "0.17", "9e9")]
    )
    assert above.classes[0].v1 == D("0.125")


def test_a_rate_does_not_fall_while_a_member_is_unmeasured() -> None:
    classes = terms(D=("X", "Y"))
    first = evidence("X", "0.1", "0.1", "50e6")
    found = calibrate_classes(formula(), classes, [first, evidence("Y")])
    (kept,) = found.classes
    assert (kept.v1, kept.kept) == (D("0.25"), "not lowered to 10.0 %: Y not measured")
    both = calibrate_classes(formula(), classes, [first, evidence("Y", "0.1", "0.1", "50e6")])
    assert (both.classes[0].v1, both.classes[0].kept) == (D("0.1"), "")
    higher = evidence("X", "0.2", "0.23", "1e9")
    raised = calibrate_classes(formula(), terms(C=("X", "Y")), [higher, evidence("Y")])
    assert raised.classes[0].v1 == D("0.25")


def test_classes_that_cannot_be_measured_keep_their_rate() -> None:
    found = calibrate_classes(formula(), terms(E=("X",), F=("Y",)), [evidence("X"), evidence("Y")])
    assert [(class_.v1, class_.kept) for class_ in found.classes] == [
        (D("0.333333"), "no member was measured"),
        (D("0.5"), "a class of short histories; its rate is not calibrated"),
    ]
    wild = evidence("X", "0.3", "0.3", "9e6")
    closes = np.cumprod(np.tile([1.7, 1 / 1.7], 600))
    wild = replace(wild, daily=series(closes.tolist(), of=identity("XUSDT")))
    (class_,) = calibrate_classes(formula(), terms(E=("X",)), [wild]).classes
    assert class_.v1 == D("0.333333")
    assert class_.kept == "no leverage covers every member; a person decides"


def test_other_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="classes: expected A, B, C, D, E, F, found A; calibrate"):
        calibrate_classes(formula(), terms()[:1], [])
