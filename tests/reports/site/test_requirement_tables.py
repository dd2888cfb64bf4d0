"""The page and the file of a rule set suffice to compute every requirement again."""

import csv
import io
import math
import re
from collections.abc import Sequence
from functools import cache
from html import unescape

import pytest

from harmonize.document import Verdict
from harmonize.text.numbers import NBSP
from reports.site.layout import Page
from reports.site.report_context import ReportContext
from reports.site.rule_set_page import rule_set_pages, rules_page
from tests.support import recorded

BASELINE = "harmonized-baseline"


@cache
def pages() -> dict[str, Page]:
    return {page.path: page for page in rule_set_pages(ReportContext(recorded.reported().document))}


def tiers(rule_set: str) -> list[dict[str, str]]:
    files = dict(pages()[f"rules/{rule_set}.html"].files)
    return list(csv.DictReader(io.StringIO(files[f"rules/{rule_set}-requirements.csv"].decode())))


def margin(rows: Sequence[dict[str, str]], column: str, notional: float) -> float:
    """Adds up the parts of a position, each at the rate of its tier."""
    total = lower = 0.0
    for row in rows:
        upper = float(row["Position up to"] or "inf")
        total += max(0.0, min(notional, upper) - lower) * float(row[f"{column} rate"])
        lower = upper
    return total


def test_every_required_margin_follows_from_the_tiers_of_the_page() -> None:
    rows = tiers(BASELINE)
    by_asset = {
        asset: [row for row in rows if row["Class"] == own["Class"]]
        for own in rows
        for asset in own["Underlyings"].split()
    }
    compared = 0
    for divergence in recorded.reported().document.divergences:
        if divergence.rule_set != BASELINE or divergence.margin_type != "initial":
            continue
        for point in divergence.points:
            if point.required is not None:
                expected = margin(by_asset[divergence.underlying], "IM", point.notional)
                assert point.required == pytest.approx(expected, rel=1e-9)
                compared += 1
    assert compared > 1_000


def test_the_formula_gives_the_margin_at_the_bounds_of_the_published_tiers() -> None:
    page = unescape(pages()[f"rules/{BASELINE}.html"].body)
    shown = re.search(r"pi, share of daily volume</dt><dd>([\d.]+)</dd>", page)
    assert shown is not None
    eth = [row for row in tiers(BASELINE) if row["Underlyings"] == "ETH"]
    for row in eth[:6]:
        notional, v1, adv = (float(row[name]) for name in ("Position up to", "v1", "ADV"))
        rate = v1 * math.sqrt(1 + notional / (3 * float(shown[1]) * adv))
        assert float(row["IM at the bound"]) == pytest.approx(rate * notional, rel=1e-3)


def test_the_page_states_classes_with_the_status_of_their_numbers() -> None:
    page = unescape(pages()[f"rules/{BASELINE}.html"].body).replace(NBSP, " ")
    for head in ("v1 (calibrated)", "ADV (design choice)", "Underlyings (dated)"):
        assert head in page
    assert "$628,380" in page
    assert ">$3bn<" in page
    assert ">12.5 %<" in page
    assert "◇ computed here" in page


def test_a_model_states_its_rate_by_underlying_with_basis_and_verification() -> None:
    row = next(row for row in tiers("cftc-dco-observed") if row["Class"] == "BTC")
    assert float(row["MM rate"]) == pytest.approx(0.15)
    assert float(row["IM rate"]) == pytest.approx(0.165)
    assert row["Verification"] == "primary"
    assert "15 % published for 2025-11-14" in row["Basis"]


def test_caps_have_no_tiers() -> None:
    caps = [row for row in recorded.reported().document.rule_sets if row.kind == "cap"]
    assert caps
    for rule_set in caps:
        assert not rule_set.requirements
        assert 'id="requirements"' not in pages()[f"rules/{rule_set.id}.html"].body
    assert any(row.verdict is Verdict.BREACH for row in recorded.reported().document.divergences)


def test_a_source_read_in_excerpts_says_so() -> None:
    page = unescape(pages()["rules/esma-retail.html"].body)
    row = next(row for row in page.split("<tr>") if "ESMA Decision (EU) 2018/796" in row)
    assert "● primary, excerpt" in row
    assert "excerpts read via ESMA35-43-1000 and betterregulation 328468" in row
    statement = next(row for row in page.split("<tr>") if "ESMA public statement" in row)
    assert "excerpt" not in statement


def test_a_fact_with_a_caveat_leads_to_it() -> None:
    page = unescape(pages()["rules/esma-retail.html"].body)
    assert 'from 2018-08-01 <a href="#caveats">⚑ unverified, see caveats</a>' in page
    assert 'id="caveats"' in page
    listed = unescape(next(rules_page(ReportContext(recorded.reported().document))).body)
    assert 'from 2018-08-01 <a href="rules/esma-retail.html#caveats">⚑ unverified</a>' in listed


def test_a_formula_keeps_its_lines_and_published_rates_are_no_days_in_force() -> None:
    formula = pages()[f"rules/{BASELINE}.html"].body.split("<pre>")[1].split("</pre>")[0]
    assert len(formula.splitlines()) == 3
    assert "\\n" not in formula
    observed = pages()["rules/cftc-dco-observed.html"].body
    assert "published rates until" in observed
    assert "(published rates until" not in observed
