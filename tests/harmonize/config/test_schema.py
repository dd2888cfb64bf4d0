"""The configuration and files of inputs: values, and errors with their location."""

from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest

from harmonize.config import inputs_file, schema
from rules.loader import RuleError

OPTIONS = {
    "MH401": {},
    "MH111": {"least_notional": "USD"},
    "MH113": {"least_share": "of IM"},
    "MH801": {},
}
CONFIG = """\
rules: [esma-retail, mine.yaml]
inputs: inputs.yaml
checks:
  MH111: {least_notional: 25_000}
jurisdictions:
  okx: [SC]
waivers:
  - codes: [MH401]
    scope: {venues: [okx], underlyings: [BTC]}
    reason: Known
    owner: risk@example.org
    expires: 2027-01-01
    value: 0.8%
    may_worsen: 10%
"""
INPUTS = """\
source: computed from closes
verified: derived
inputs:
  - {name: var_99, underlying: BTC, value: 8.6%, lower: 7%, upper: 17%, confidence: 95%, observations: 365, observed_at: 2026-03-03}
  - {name: adv, underlying: BTC, value: 5_000_000_000, observed_at: 2026-03-03}
"""


def test_a_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / ".harmonize.yaml"
    path.write_text(CONFIG)
    configuration = schema.load(path, OPTIONS)
    assert configuration.rules == ("esma-retail", "mine.yaml")
    assert configuration.checks == {"MH111": {"least_notional": D(25_000)}}
    assert configuration.jurisdictions == {"okx": ("SC",)}
    (waiver,) = schema.waivers(configuration, path)
    assert waiver.where == f"{path}:8"
    assert (waiver.codes, waiver.venues, waiver.underlyings) == (("MH401",), ("okx",), ("BTC",))
    assert (waiver.value, waiver.may_worsen, waiver.expires) == (0.008, 0.1, date(2027, 1, 1))


def test_an_empty_configuration_has_no_waivers(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("{}")
    assert schema.waivers(schema.load(path, OPTIONS), path) == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MH111:", "MH999:", "c.yaml:4:10: checks.MH999: unknown check MH999; see `harmonize explain`"),
        ("MH111:", "MH112:", "c.yaml:4:10: checks.MH112: unknown check MH112; use one of MH111, MH113"),
        (
            "least_notional",
            "least",
            "c.yaml:4:18: checks.MH111.least: unknown option of MH111; use one of least_notional",
        ),
        ("25_000", "many", "c.yaml:4:27: checks.MH111.least_notional: expected a number such as"),
        (
            "MH111: {least_notional: 25_000}",
            "MH113: {least_share: 50}",
            "c.yaml:4:24: checks.MH113.least_share: expected a share of IM of at most 1, found 50; for 50 % write 50% or 0.5",
        ),
        ("[SC]", "[Seychelles]", "c.yaml:6:9: jurisdictions.okx[0]: expected two capital letters, such as JP"),
        ("[SC]", "[]", "c.yaml:6:8: jurisdictions.okx: empty; add an entry"),
        ("[MH401]", "[]", "c.yaml:8:12: waivers[0].codes: empty; add an entry"),
        ("[MH401]", "[MH4xx]", "c.yaml:8:13: waivers[0].codes[0]: expected a check code"),
        ("[MH401]", "[MH409]", "c.yaml:8:13: waivers[0].codes[0]: unknown check MH409; use one of MH401"),
        ("[MH401]", "[MH801]", "c.yaml:8:13: waivers[0].codes[0]: MH801 concerns waivers"),
        ("    owner: risk@example.org\n", "", "c.yaml:8:5: waivers[0].owner: missing; add it"),
        ("    reason: Known\n", "", "c.yaml:8:5: waivers[0].reason: missing; add it"),
        ("2027-01-01", "soon", "c.yaml:12:14: waivers[0].expires: expected a date such as 2026-11-20"),
        ("    value: 0.8%\n", "", "c.yaml:8:5: waivers[0].value: missing; add it, because may_worsen is a share of it"),
        ("may_worsen: 10%", "may_worsen: 1000%", "c.yaml:14:17: waivers[0].may_worsen: expected a number from 0 to 1"),
        ("venues: [okx]", "venue: [okx]", "c.yaml:9:13: waivers[0].scope.venue: unknown field; did you mean venues?"),
        ("waivers:", "waiver:", "c.yaml:7:1: waiver: unknown field; did you mean waivers?"),
    ],
)  # fmt: skip
def test_an_error_in_a_configuration_is_reported_with_its_location(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert old in CONFIG
    Path("c.yaml").write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(RuleError) as raised:
        schema.load(Path("c.yaml"), OPTIONS)
    assert str(raised.value).startswith(message)


def test_inputs_are_read_exactly(tmp_path: Path) -> None:
    path = tmp_path / "inputs.yaml"
    path.write_text(INPUTS)
    first, second = inputs_file.load(path)
    assert (first.value, first.lower, first.upper) == (D("0.086"), D("0.07"), D("0.17"))
    assert (first.confidence, first.observations, first.origin) == (D("0.95"), 365, "derived")
    assert first.source == "computed from closes"
    assert second.value == 5_000_000_000
    assert second.pointer == "inputs.yaml: inputs[1]"


def test_a_value_names_the_prices_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "inputs.yaml"
    prices = f"value: 8.6%, prices: spot BTCUSDT, first_day: 2025-03-02, last_day: 2026-03-03, sha256: '{'0a' * 32}'"
    path.write_text(INPUTS.replace("value: 8.6%", prices))
    first, second = inputs_file.load(path)
    assert (
        first.source
        == f"computed from closes; spot BTCUSDT; 2025-03-02 to 2026-03-03; sha256 {'0a' * 32}"
    )
    assert second.source == "computed from closes"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 8.6%", "value: 8.6%, sha256: 0A", "i.yaml:4:58: inputs[0].sha256: expected a SHA-256 of 64 hexadecimal digits in lower case, found '0A'"),
        ("verified: derived", "verified: sure", "i.yaml:2:11: verified: expected 'primary'"),
        ("value: 8.6%", "value: 0", "i.yaml:4:44: inputs[0].value: expected a number above 0, found 0"),
        ("value: 8.6%", "value: 18%", "i.yaml:4:5: inputs[0]: the interval 0.07 to 0.17 does not contain 0.18; correct"),
        ("value: 8.6%", "value: 8.6", "i.yaml:4:44: inputs[0].value: 8.6: a move of 860 %? write 0.086 or 8.6%"),
        ("upper: 17%", "upper: 17", "i.yaml:4:68: inputs[0].upper: 17: a move of 1700 %? write 0.17 or 17%"),
        ("5_000_000_000", "-5", "i.yaml:5:41: inputs[1].value: expected an amount in USD of at least 0, found -5"),
        ("underlying: BTC, value: 8.6%", "underlying: ' BTC', value: 8.6%", "i.yaml:4:32: inputs[0].underlying: expected an asset such as BTC, found ' BTC'"),
        ("lower: 7%, ", "", "i.yaml:4:5: inputs[0]: expected lower, upper and confidence together; correct"),
        ("name: adv", "name: var_99", "i.yaml:5:5: inputs[1]: duplicates var_99 of BTC on the same day; remove one of them"),
        ("name: adv", "name: ADV", "i.yaml:5:12: inputs[1].name: expected lower-case words"),
        ("observed_at: 2026-03-03}\n  -", "}\n  -", "i.yaml:4:5: inputs[0].observed_at: missing"),
        ("source: computed from closes\n", "", "i.yaml:1:1: source: missing; add it"),
    ],
)  # fmt: skip
def test_an_error_in_a_file_of_inputs_is_reported_with_its_location(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert old in INPUTS
    Path("i.yaml").write_text(INPUTS.replace(old, new, 1))
    with pytest.raises(RuleError) as raised:
        inputs_file.load(Path("i.yaml"))
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("load", [lambda path: schema.load(path, OPTIONS), inputs_file.load])
def test_a_missing_or_malformed_file_is_reported(load: object, tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no such file"):
        load(tmp_path / "none.yaml")  # type: ignore[operator]
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(RuleError, match="invalid YAML"):
        load(tmp_path / "bad.yaml")  # type: ignore[operator]
