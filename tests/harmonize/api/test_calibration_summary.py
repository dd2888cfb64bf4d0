"""The lines on margins, unmeasured inputs and days in the summary of a calibration."""

from datetime import date
from types import SimpleNamespace
from typing import cast

import pytest

from harmonize.adequacy.measured_inputs import VOLUME, NotMeasured
from harmonize.api.calibrate import Calibration
from harmonize.api.calibration_margins import MarginsInForce
from harmonize.api.calibration_summary import same_day_text, summary_lines, unmeasured_text
from harmonize.calibration.evidence import AssetEvidence, MeasuredInput

MEASURED = {"move": cast(MeasuredInput, object())}


def model(*evidence: AssetEvidence, as_of: str = "2026-03-25") -> Calibration:
    review = SimpleNamespace(made_on=date(2026, 3, 3))
    day = date.fromisoformat(as_of)
    own = SimpleNamespace(evidence=evidence, classes=None, review=review, as_of=day)
    return cast(Calibration, own)


def evidence(asset: str, *missing: str, is_measured: bool = True) -> AssetEvidence:
    refused = tuple(NotMeasured(name, asset, "no candles") for name in missing)
    return AssetEvidence(asset, None, 0, MEASURED if is_measured else {}, refused)


def test_an_asset_without_a_part_of_its_inputs_is_named_with_that_part() -> None:
    calibration = model(
        evidence("NONE", VOLUME, "move", is_measured=False),
        evidence("ZEC", VOLUME),
        evidence("BTC"),
        evidence("ODD", "move"),
        evidence("UNI", VOLUME),
    )
    assert unmeasured_text(calibration) == "NONE; move of ODD; volume of ZEC, UNI"
    assert list(summary_lines(calibration, []))[-1] == (
        "Not measured: NONE; move of ODD; volume of ZEC, UNI."
    )
    assert unmeasured_text(model(evidence("BTC"))) == ""
    assert list(summary_lines(model(evidence("BTC")), []))[-1] == "Every input was measured."


def test_margins_that_rise_and_fall_are_counted_with_the_largest_in_percentage_points() -> None:
    margins = [
        MarginsInForce("A", None, 0.10, None, 0.05),
        MarginsInForce("B", 0.2, 0.20, 0.25, 0.10),
        MarginsInForce("C", None, 0.30, None, 0.27),
        MarginsInForce("D", 0.2, 0.20, 0.2, 0.19),
        MarginsInForce("E", 0.2, 0.20, 0.2, 0.24),
        MarginsInForce("F", 0.2, 0.20, 0.2, 0.200000001),  # equal as printed
        MarginsInForce("G", None, None, 0.2, 0.2),
        MarginsInForce("H", 0.2, 0.2, None, None),
    ]
    with_inputs, without, _ = summary_lines(model(), margins)
    assert with_inputs == (
        "Margins once inputs.yaml is added, against those in force: 4 fall (most: B from 20.0 % to 10.0 %, A from 10.0 % to "
        "5.0 %, C from 30.0 % to 27.0 %), 1 rise (E from 20.0 % to 24.0 %), 1 unchanged, 1 new (G), 1 without a margin now (H)."
    )
    assert without == (
        "Margins without any inputs, against those without any before: 0 fall, 1 rise (B from 20.0 % to 25.0 %), 3 unchanged, "
        "1 new (G), 1 without a margin now (H)."
    )


@pytest.mark.parametrize(("as_of", "is_stated"), [("2026-03-03", True), ("2026-03-04", False)])
def test_prices_to_the_day_of_the_last_version_prove_no_move(as_of: str, is_stated: bool) -> None:  # noqa: FBT001 - a parameter
    text = same_day_text(model(as_of=as_of))
    assert ("no difference of rates is a move of the market" in text) is is_stated
    assert bool(text) is is_stated
