"""Headlines of the recorded archive: what each number counts, and what it leaves out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from harmonize.document import AuditDocument, DivergenceRow, Level, Verdict
from reports.html.page import KeyFigure
from reports.html.ranking import ranking
from reports.html.references import references
from reports.html.report import page
from reports.html.summary import key_figures, summary
from reports.lookup import Lookup
from tests.support import recorded
from tests.support.sample_documents import sample

EVALUATED = {Verdict.COMPLIANT, Verdict.UNDER, Verdict.OVER, Verdict.BREACH}


def document() -> AuditDocument:
    return recorded.audited().document


def spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def figure(words: str, of: AuditDocument) -> KeyFigure:
    (found,) = (figure for figure in key_figures(Lookup(of)) if words in figure.label)
    return found


def statements(of: AuditDocument) -> dict[str, str]:
    return {statement.lead: spaced(statement.text) for statement in summary(Lookup(of))}


def baseline_rows(margin_type: str) -> Iterator[DivergenceRow]:
    """Yields the rows against the baseline that were evaluated."""
    return (
        row
        for row in document().divergences
        if row.rule_set == "harmonized-baseline"
        and row.margin_type == margin_type
        and row.verdict in EVALUATED
    )


def members() -> set[tuple[str, str, str]]:
    """One schedule per venue and underlying that enters comparisons, from the document alone."""
    return {
        (member.venue, member.symbol, member.profile)
        for comparison in document().comparisons
        if comparison.is_compared
        for member in comparison.members
        if member.included
    }


@pytest.mark.parametrize("margin_type", ["initial", "maintenance"])
def test_divergence_counts_one_schedule_per_venue_and_underlying(margin_type: str) -> None:
    """Earlier, 451 of 479 schedules: with 121 further profiles and 150 that are set aside."""
    included = members()
    rows = list(baseline_rows(margin_type))
    representatives = [row for row in rows if (row.venue, row.symbol, row.profile) in included]
    assert len({(row.venue, row.underlying) for row in representatives}) == len(representatives)
    under = sum(row.verdict is Verdict.UNDER for row in representatives)
    others = [row for row in rows if (row.venue, row.symbol, row.profile) not in included]
    below = sum(row.verdict is Verdict.UNDER for row in others)
    text = statements(document())["Against harmonized-baseline"]
    assert (
        f"Of {len(representatives)} schedules evaluated on {margin_type} margin that comparisons "
        f"include, one per venue and underlying, {under} (" in text
    )
    assert f"Not counted there: {len(others)} schedules" in text
    assert f"of which {below} lay below" in text


def test_the_first_tile_counts_the_same_schedules() -> None:
    tile = figure("less IM than harmonized-baseline", document())
    assert tile.value == "100\N{NO-BREAK SPACE}%"
    included = members()
    evaluated = {Verdict.COMPLIANT, Verdict.UNDER, Verdict.OVER}
    count = sum(
        row.verdict in evaluated and (row.venue, row.symbol, row.profile) in included
        for row in baseline_rows("initial")
    )
    assert spaced(tile.label).startswith(f"of {count} evaluated schedules that comparisons include")


def test_further_profiles_do_not_change_the_share() -> None:
    """Kraken alone publishes eleven profiles of one contract."""
    counts = Counter(
        (row.venue, row.symbol) for row in baseline_rows("initial") if row.venue == "krakenfutures"
    )
    assert max(counts.values()) > 5
    representatives = [key for key in members() if key[0] == "krakenfutures"]
    assert len({symbol for _, symbol, _ in representatives}) == len(representatives)


def test_a_tile_counts_the_breaches_of_statutory_caps() -> None:
    breaches = [finding for finding in document().findings if finding.verdict is Verdict.BREACH]
    tile = figure("breaches of statutory caps, if offered to retail", document())
    assert int(tile.value.replace(",", "")) == len(breaches)
    contracts = {(finding.venue, finding.symbol) for finding in breaches}
    assert f"{len(contracts):,} contracts" in spaced(tile.label)
    assert len(breaches) > 9_000
    errors = [finding for finding in breaches if finding.level is Level.ERROR]
    assert {finding.venue for finding in errors} == {"krakenfutures"}


def test_a_document_without_statutory_caps_has_no_such_tile() -> None:
    rules = tuple(row for row in document().rule_sets if not row.statutory)
    changed = replace(document(), rule_sets=rules, divergences=())
    labels = [figure.label for figure in key_figures(Lookup(changed))]
    assert not [label for label in labels if "statutory caps" in label]


def test_singapore_prohibits_nothing_and_no_prohibition_is_secondary() -> None:
    """Earlier, 968 schedules: the consumer measures bind another business."""
    verdicts = Counter(row.verdict for row in document().divergences if row.rule_set == "mas")
    assert set(verdicts) == {Verdict.NOT_OBSERVABLE, Verdict.NOT_APPLICABLE}
    prohibited = [row for row in document().divergences if row.verdict is Verdict.PROHIBITED]
    assert {row.rule_set for row in prohibited} == {"uk-fca"}
    assert not {"USDC", "FDUSD", "PAXG", "XAUT"} & {row.underlying for row in prohibited}
    assert "No margin could be compared with mas." in statements(document())["Caps and minimums"]


@pytest.mark.parametrize(
    ("pack", "verdicts"),
    [
        ("esma-retail", {Verdict.NOT_APPLICABLE}),
        ("asic-retail", {Verdict.NOT_OBSERVABLE, Verdict.NOT_APPLICABLE}),
    ],
)
def test_no_dated_contract_breaches_or_complies_with_a_measure_on_contracts_for_difference(
    pack: str, verdicts: set[Verdict]
) -> None:
    dated = {(row.venue, row.symbol) for row in document().schedules if row.expiry}
    assert dated
    found = {
        row.verdict
        for row in document().divergences
        if row.rule_set == pack and (row.venue, row.symbol) in dated
    }
    assert found == verdicts


def test_every_index_compares_three_venues() -> None:
    indices = document().indices
    assert indices
    assert min(len(index.venues) for index in indices) == 3
    assert not {"ZEC", "GIGA", "MNT"} & {index.underlying for index in indices}


def test_against_the_baseline_an_index_says_close_not_alike() -> None:
    texts = statements(document())
    assert texts["Harmonization against harmonized-baseline"].startswith("Closest to the reference")
    assert "alike" not in texts["Harmonization against harmonized-baseline"]
    assert texts["Harmonization against the cross-venue median"].startswith("Venues most alike")
    view = ranking(Lookup(document()), references(document()))
    assert "close to the rule set, not that venues agree" in view.caption
    assert not [block.title for block in view.blocks if "most harmonized" in block.title]


def test_level_and_verdict_are_explained_where_findings_stand() -> None:
    text = page(sample()).finding_counts
    for words in ("is an error if the venue itself designates", "prohibited:", "not observable:"):
        assert words in text
