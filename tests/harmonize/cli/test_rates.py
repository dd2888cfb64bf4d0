"""Rates on the command line: digits are not grouped, as in the files of stress."""

import pytest
import typer

from harmonize.cli.cross_venue import parse_rate


@pytest.mark.parametrize(
    ("text", "rate"), [("10%", 0.1), ("0.1", 0.1), ("1e-3", 0.001), ("0", 0.0), ("100%", 1.0)]
)
def test_a_rate_is_a_share_or_a_percentage(text: str, rate: float) -> None:
    assert parse_rate(text, "--shock") == pytest.approx(rate)


@pytest.mark.parametrize(
    "text",
    [
        "1_0%",
        "0.1_0",
        "0_1",
        "_10%",
        "1__0%",
        "\u0661%",
        "",
        "%",
        "10%%",
        "nan",
        "inf",
        "-1%",
        "101%",
    ],
)
def test_other_text_is_refused_with_an_example(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as raised:
        parse_rate(text, "--shock")
    assert raised.value.exit_code == 2
    expected = "error: --shock: expected a rate from 0 to 100 %, such as 10% or 0.1, found "
    assert capsys.readouterr().err == f"{expected}{text!r}\n"
