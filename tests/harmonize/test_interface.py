"""``import harmonize as hz``: nothing is loaded until it is used, and every error is in words."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import matplotlib.figure
import numpy as np
import pytest

import harmonize as hz
from harmonize.api.analysis import Audit, Rows
from harmonize.api.html_table import html_table

NOTEBOOK = Path(__file__).parents[2] / "docs" / "example.ipynb"
SMALL = {"venues": ("okx", "mexc"), "underlyings": "BTC", "rules": "esma-retail"}


@pytest.fixture(scope="module")
def audited() -> Audit:
    return hz.audit(**SMALL)  # type: ignore[arg-type]


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_the_import_loads_no_other_module_of_the_package() -> None:
    code = "import sys, harmonize; print([x for x in sys.modules if x.startswith('harmonize.')])"
    assert python(code) == "[]"


def test_audit_is_a_function_whatever_was_imported_before() -> None:
    code = "import harmonize.audit.assemble, harmonize as hz; print(callable(hz.audit), hz.compare)"
    assert python(code).startswith("True <function compare")
    assert {"audit", "compare", "RequestError"} <= set(dir(hz))
    with pytest.raises(AttributeError, match="module 'harmonize' has no attribute 'nothing'"):
        _ = hz.nothing


def test_an_audit_has_its_rows_as_data_frames(audited: Audit) -> None:
    frame = audited.findings.to_pandas()
    assert len(frame) == len(audited.findings) == len(audited.document.findings)
    assert set(frame["rule_set"]) >= {"esma-retail"}
    assert audited.findings[0] == audited.document.findings[0]
    assert audited.findings[:2] == audited.document.findings[:2]
    for rows in (audited.schedules, audited.divergences, audited.coverage):
        assert len(rows.to_pandas()) == len(rows) > 0
    assert repr(audited.findings) == f"<{len(audited.findings)} findings>"
    assert repr(audited).startswith("<Audit as of 2026-11-29: ")


def test_a_comparison_is_that_of_the_command(audited: Audit) -> None:
    compared = audited.compare("btc", 5e6)
    assert compared == audited.compare("BTC", "5m")
    assert [rule.id for rule in compared.rule_sets] == ["esma-retail"]
    frame = compared.to_pandas()
    assert list(frame["venue"]) == [venue.venue for venue in compared.venues]
    assert frame["margin_usd"].tolist() == [venue.margin for venue in compared.venues]
    alone = hz.compare("BTC", "5m", venues=("okx", "mexc"))
    assert [venue.margin for venue in alone.venues] == [venue.margin for venue in compared.venues]
    assert [rule.id for rule in alone.rule_sets] == ["harmonized-baseline"]
    past = hz.compare("ETH", "5m", venues="binance", as_of="2023-03-01")
    assert past == hz.compare("ETH", "5m", venues="binance", as_of=date(2023, 3, 1))
    assert past.venues[0].rate == 0.05


def test_a_plot_has_a_line_per_venue_with_its_rates(audited: Audit) -> None:
    figure = audited.plot("BTC")
    assert isinstance(figure, matplotlib.figure.Figure)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"okx", "mexc"}
    notionals, shares = (
        np.asarray(x, dtype=float).tolist()
        for x in (lines["mexc"].get_xdata(), lines["mexc"].get_ydata())
    )
    for notional, share in zip(notionals[::5], shares[::5], strict=True):
        at_bound = (notional, notional * 1.001)  # at a bound the line has both margins
        rates = [hz.compare("BTC", size, venues="mexc").venues[0].rate for size in at_bound]
        assert any(share == pytest.approx(100 * rate) for rate in rates)
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_what_a_notebook_shows_is_short_and_inert(audited: Audit) -> None:
    hostile = replace(audited.findings[0], venue="<script>alert(1)</script>", message="\x1b[31m")
    rows = Rows("findings", (hostile,) * 30, ("venue", "message"))
    html = rows._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "\x1b" not in html
    assert html.count("<tr>") == 21
    assert "<p>and 10 more</p>" in html
    assert "MH401" in audited._repr_html_()
    compared = audited.compare("BTC", "5m")._repr_html_()
    assert compared.startswith("<table><caption>BTC, initial margin of $5m, as of 2026-11-29")
    assert "more" not in html_table("x", ("a",), [("1",)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: hz.audit(venues="binnance"), "unknown venue binnance; did you mean binance"),
        (lambda _: hz.audit(as_of="yesterday"), "as_of: expected a date such as 2026-08-01"),
        (lambda _: hz.compare("ETH", "5 m"), "notional: expected an amount in USD such as 5m"),
        (lambda _: hz.compare("ETH", -1), "notional: expected an amount in USD above 0, found -1"),
        (lambda a: a.compare("BTC", 1, "both"), "margin type: expected initial or maintenance"),
        (lambda a: a.compare("BTCC"), "underlying BTCC: no schedule was observed; did you mean"),
        (
            lambda a: a.compare("BTC", figure="maintenance"),
            "compare: unknown argument figure; use margin_type",
        ),
        (
            lambda _: cast("Any", hz.compare)("BTC", venue="okx"),
            "compare: unknown argument venue; did you mean v",
        ),
        (
            lambda _: cast("Any", hz.audit)(zzz=1),
            "audit: unknown argument zzz; use archive, venues, underlyings",
        ),
        (lambda a: a.plot("BTCC"), "no venue has a known initial margin on BTCC; did you mean BTC"),
        (lambda a: a.plot("BTC", "both"), "margin type: expected initial or maintenance"),
    ],
)
def test_an_error_is_one_line_in_words(audited: Audit, call: Any, message: str) -> None:
    with pytest.raises(hz.RequestError) as caught:
        call(audited)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("package", ["harmonize", "venues", "rules", "reports"])
def test_the_packages_are_typed(package: str) -> None:
    assert (files(package) / "py.typed").is_file()


def test_the_example_notebook_runs_and_every_result_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The code cells run in order in one namespace, as a notebook runs them."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    names: dict[str, Any] = {}
    shown = []
    for cell in cells:
        *lines, last = "".join(cell["source"]).rstrip().split("\n")
        exec("\n".join(lines), names)  # noqa: S102 - our own notebook
        shown.append(eval(last, names))  # noqa: S307 - our own notebook
    assert [type(value).__name__ for value in shown] == [
        *("VenueComparison", "DataFrame", "float", "Audit", "Series", "MarginFigure", "str"),
    ]
    assert shown[2] > 1.0
    assert shown[-1] == "unknown venue binnance; did you mean binance?"
