"""Texts of the site that a reader must understand without the tool: amounts of tiers, marks, formulas."""

from dataclasses import replace

import pytest

from harmonize.document import PieceRow
from reports.site.addresses import rule_set_path, underlying_path
from reports.site.folder import site_files
from tests.support import recorded
from tests.support.sample_documents import sample


def page_of_piece(
    rate: float, fixed: float = 0.0, coefficient: float = 0.0, power: float = 1.0
) -> str:
    """Returns the page of a schedule whose initial margin is one piece."""
    document = sample()
    row = next(row for row in document.schedules if row.initial)
    piece = PieceRow(0.0, None, fixed, rate, coefficient, power)
    rows = tuple(
        replace(other, initial=(piece,), maintenance=()) if other is row else other
        for other in document.schedules
    )
    files = dict(site_files(replace(document, schedules=rows)))
    return files[underlying_path(row.underlying)].decode().replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"rate": 0.02}, "every size: 2.0 % ·"),
        (
            {"rate": 0.0065, "coefficient": 6.258e-10, "power": 2.0},
            "every size: 0.65 % of N + $625.8 × (N / $1m)² ·",
        ),
        (
            {"rate": 0.0, "coefficient": 1.724e-7, "power": 1.8},
            "every size: $10.88k × (N / $1m)^1.8 ·",
        ),
        ({"rate": 0.05, "fixed": -340.0}, "every size: 5.0 % of N − $340 ·"),
        ({"rate": 0.0, "fixed": 25.0}, "every size: $25 ·"),
    ],
)
def test_a_margin_that_is_no_constant_rate_is_an_amount_of_the_notional(
    changes: dict[str, float], shown: str
) -> None:
    page = page_of_piece(**changes)
    assert f"<li>{shown}" in page
    assert ("N is the notional of the position in USD." in page) == bool(
        changes.keys() & {"fixed", "coefficient"}
    )


def test_the_signs_of_sources_and_flags_are_explained_where_they_stand() -> None:
    files = {path: content.decode() for path, content in site_files(sample())}
    explained = "● primary; ◐ secondary; ◇ derived; ○ unverified; ⚑ flagged"
    for path, page in files.items():
        if path.startswith(("underlyings/", "venues/")) and path.endswith(".html"):
            assert explained in page, path
    assert '<th scope="row">⚑</th><td>flagged</td>' in files["glossary.html"]


def test_the_period_of_a_rule_set_states_until_when_its_published_rates_are_used() -> None:
    rows = {row.id: row.in_force for row in recorded.reported().document.rule_sets}
    assert rows["jvcea-corporate"] == "from 2020-05-01; published rates until 2025-09-24"
    assert rows["cftc-dco-observed"] == "published rates until 2026-12-19"
    assert rows["esma-retail"] == "from 2018-08-01"
    assert not any("(" in period for period in rows.values())


def test_the_lines_of_a_formula_are_lines() -> None:
    document = sample()
    rule_set = document.rule_sets[0]
    changed = replace(rule_set, description="Stated:\n\n    a = b\n    c = <d>\n\nWhere a is b.")
    files = dict(site_files(replace(document, rule_sets=(changed, *document.rule_sets[1:]))))
    page = files[rule_set_path(rule_set.id)].decode()
    assert "<pre>a = b\nc = &lt;d&gt;</pre>" in page
    assert "\\n" not in page
