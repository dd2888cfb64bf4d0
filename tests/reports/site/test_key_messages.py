import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from statistics import median_low

import pytest

from harmonize.document import Headlines, Verdict
from harmonize.text import numbers
from reports.finding_order import EVALUATED
from reports.site.close_dates import close_points, margins_table
from reports.site.comparison_pages import harmonization_page
from reports.site.index_page import index_page
from reports.site.key_messages import KeyMessage, key_messages, no_message_text
from reports.site.layout import Page
from reports.site.list_pages import underlyings_page, venues_page
from reports.site.report_context import ReportContext
from reports.site.rule_set_page import rules_page
from reports.site.underlying_page import underlying_pages
from tests.support import recorded
from tests.support.sample_documents import empty, sample


def context() -> ReportContext:
    return ReportContext(recorded.reported().document)


def messages(of: ReportContext) -> dict[str, KeyMessage]:
    return {message.name: message for message in key_messages(of)}


def spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_there_are_five_to_seven_each_with_date_page_and_figure() -> None:
    made = key_messages(context())
    assert 5 <= len(made) <= 7
    assert len({message.name for message in made}) == len(made)
    for message in made:
        assert message.figure
        assert re.search(r"\d{4}", message.dates), message
        assert message.address.partition("#")[0].endswith(".html")
        assert message.sentence.endswith(".")


def test_no_message_names_the_tool_s_own_words() -> None:
    ids = {row.id for row in context().document.rule_sets}
    for message in key_messages(context()):
        words = f"{message.sentence} {message.figure}"
        assert not [name for name in ids if name in words], words
        for word in ("(primary)", "(secondary)", "margin table", "IM", "MM", "fingerprint"):
            assert word not in words.split(), words


def test_the_widest_difference_is_that_of_the_headlines() -> None:
    document = context().document
    reference = {row.underlying for row in document.indices if "median" not in row.reference}
    ratios = {
        spread.underlying: (point.highest / point.lowest, spread)
        for spread in document.headlines.spreads
        if spread.margin_type == "initial" and spread.underlying in reference
        for point in spread.points
        if point.notional == document.heat_map_notional and point.lowest
    }
    underlying = max(ratios, key=lambda name: ratios[name][0])
    message = messages(context())["widest"]
    assert message.figure == f"{ratios[underlying][0]:.0f}×"
    assert f"position in {underlying} required" in message.sentence
    assert message.address == f"underlyings/{underlying.lower()}.html#close-dates"


def test_the_middle_ratio_is_the_median_of_all_compared_underlyings() -> None:
    document = context().document
    ratios = [
        point.highest / point.lowest
        for spread in document.headlines.spreads
        if spread.margin_type == "initial"
        for point in spread.points
        if point.notional == document.heat_map_notional and point.lowest
    ]
    message = messages(context())["typical"]
    assert message.figure == f"{median_low(ratios):.2g}×"
    wide = sum(ratio >= median_low(ratios) for ratio in ratios)
    assert f"On {wide} of {len(ratios)} underlyings" in spaced(message.sentence)


def test_terms_that_meet_every_law_are_counted_once_and_the_laws_are_named() -> None:
    document = context().document
    statutory = {row.id for row in document.rule_sets if row.kind == "cap" and row.statutory}
    rows = [
        row
        for row in document.divergences
        if row.rule_set in statutory and row.margin_type == "initial"
    ]
    evaluated = {(x.venue, x.symbol, x.profile) for x in rows if x.verdict in EVALUATED}
    below = {(x.venue, x.symbol, x.profile) for x in rows if x.verdict is Verdict.BREACH}
    message = messages(context())["retail"]
    assert message.figure == f"{len(evaluated - below):,} of {len(evaluated):,}"
    sentence = spaced(message.sentence)
    assert "Australia (ASIC), 50 %; EU/EEA (ESMA), 50 %" in sentence
    assert "They are at krakenfutures." in sentence
    assert "Prohibited for them at any margin: United Kingdom (FCA)." in sentence


def shown_beside(message: KeyMessage) -> str:
    """Returns the section of the page to which a message leads, as text."""
    path, _, anchor = message.address.partition("#")
    (content,) = (page.body for page in all_pages() if page.path == path)
    section = content.split(f'id="{anchor}"')[1].split("</section>")[0]
    return spaced(re.sub("<[^>]+>", " ", section))


@cache
def all_pages() -> list[Page]:
    of = context()
    return [
        page
        for kind in (
            underlyings_page,
            underlying_pages,
            rules_page,
            harmonization_page,
            venues_page,
        )
        for page in kind(of)
    ]


@pytest.mark.parametrize("name", ["widest", "typical", "agreement", "liquidation", "retail"])
def test_the_numbers_of_a_message_are_in_the_table_to_which_it_leads(name: str) -> None:
    message = messages(context())[name]
    section = shown_beside(message)
    for number in re.findall(r"[\d.,]*\d", message.figure):
        # The sentence rounds the distance to liquidation, to two digits.
        shown = f" {int(float(number))}." if name == "liquidation" else number
        assert shown in section, number
    compared = re.search(
        r"[Cc]ompared:? \(?([A-Za-z]+(?:, [A-Za-z]+)* and [A-Za-z]+)", message.sentence
    )
    for word in re.findall(r"[A-Za-z]+", compared[1]) if compared else ():
        assert word in section or word == "and", word


def test_the_subset_of_a_message_and_its_extremes_are_those_of_the_headline() -> None:
    of = context()
    for spread, point in close_points(of):
        listed = margins_table(of, spread.underlying)
        assert listed is not None
        margins = {row.cells[0].words: float(row.cells[1].key) for row in listed.rows}
        assert len(margins) == point.venues
        assert min(margins.values()) == pytest.approx(point.lowest)
        assert max(margins.values()) == pytest.approx(point.highest)


def test_the_first_message_states_how_old_the_observations_are() -> None:
    first = key_messages(context())[0]
    assert first.name == "freshness"
    newest = max(row.observed_at for row in context().document.snapshots)
    assert numbers.date(newest) in first.sentence
    assert "not what they require now" in first.sentence
    recent = replace(context().document, as_of=newest)
    (share, *_) = key_messages(ReportContext(recent))
    assert "were observed in the 30 days before the report" in spaced(share.sentence)


def test_the_first_page_explains_its_words_and_names_venues_without_schedules() -> None:
    (page,) = index_page(context())
    body = spaced(re.sub("<[^>]+>", " ", page.body))
    assert "what a venue requires to be deposited before a position is opened" in body
    assert "the market value that a position controls, in USD (notional)" in body
    assert "54 venues in this list; without an observed margin schedule: fmfwio and grvt." in body


def test_liquidation_distances_have_exact_dates_within_the_span() -> None:
    document = context().document
    message = messages(context())["liquidation"]
    underlying = message.page.partition(" ")[0]
    venues = re.findall(r"at ([a-z]+)[;\s]", message.sentence)
    for venue in venues:
        assert any(
            row.venue == venue
            and row.underlying == underlying
            and row.date_kind == "exact"
            and row.included
            for row in document.liquidations
        )


def test_without_exact_dates_no_distance_to_liquidation_is_a_message() -> None:
    document = context().document
    bounds = tuple(replace(row, date_kind="no later than") for row in document.liquidations)
    assert "liquidation" not in messages(ReportContext(replace(document, liquidations=bounds)))


def test_the_largest_increase_is_that_of_all_steps_between_close_and_exact_dates() -> None:
    document = context().document
    ratios = [
        after.rate / before.rate
        for series in document.history.series
        if (series.margin_type, series.notional) == ("initial", document.heat_map_notional)
        for before, after in pairwise(series.points)
        if before.rate and after.rate and after.is_dated
    ]
    largest = max(ratios, default=1.0)
    made = messages(context())
    assert ("increase" in made) == (largest > 1.0)
    assert "increase" not in made or made["increase"].figure == f"{largest:.2g}×"


def test_where_no_difference_qualifies_the_page_says_so() -> None:
    document = replace(sample(), headlines=Headlines(), liquidations=())
    of = ReportContext(document)
    (page,) = index_page(of)
    assert "No difference between venues can be stated here" in page.body
    assert "60\N{NO-BREAK SPACE}days" in no_message_text(of)
    assert "widest" not in messages(of)


def test_an_empty_document_has_a_first_page() -> None:
    (page,) = index_page(ReportContext(empty()))
    assert "No difference between venues" in page.body
