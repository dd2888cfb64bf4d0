"""Origins of given assumptions, as their cells in a workbook state them."""

from pathlib import Path

from harmonize.cli.stress_given import given_defaults, given_impact
from reports.formats.finding_columns import neutralize_formula


def read(path: Path, option: str) -> str:
    return f"{path}{option}"


def test_the_origin_of_a_given_assumption_is_no_formula_for_a_spreadsheet() -> None:
    impact = given_impact("linear=5e-11", read)
    assert impact is not None
    leverage = given_defaults("5,0.8").leverage
    for origin, expected in (
        (impact.basis, "option --impact-model linear=5e-11"),
        (leverage.basis, "option --leverage"),
    ):
        assert origin == expected
        assert neutralize_formula(origin) == origin
