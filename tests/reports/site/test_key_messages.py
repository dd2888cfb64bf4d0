import re
from dataclasses import replace
from itertools import pairwise
from statistics import median_low

from harmonize.document import Headlines, Verdict
from reports.site.index_page import index_page
from reports.site.key_messages import KeyMessage, key_messages, no_message_text
from reports.site.report_context import ReportContext
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
    assert f"{underlying} position" in message.sentence
    assert message.address == f"underlyings/{underlying.lower()}.html#ranking"


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
    assert f"half of {len(ratios)} underlyings" in spaced(message.sentence)


def test_contracts_below_a_statutory_minimum_are_counted_once() -> None:
    document = context().document
    statutory = {row.id for row in document.rule_sets if row.kind == "cap" and row.statutory}
    below = {
        (row.venue, row.symbol)
        for row in document.divergences
        if row.rule_set in statutory
        and row.margin_type == "initial"
        and row.verdict is Verdict.BREACH
    }
    assert f"{len(below):,} of " in spaced(messages(context())["retail"].sentence)


def test_liquidation_distances_have_exact_dates_within_the_span() -> None:
    document = context().document
    message = messages(context())["liquidation"]
    underlying = message.page.partition(":")[0]
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
