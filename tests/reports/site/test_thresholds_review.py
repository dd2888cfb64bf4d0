"""Report card of the calibration on the page of thresholds: honest with too few moves, and why."""

import csv
import html
import io
import re
from dataclasses import replace

from harmonize.document import CalibrationReviewRow
from reports.site.folder import site_files
from tests.support.sample_documents import SCRIPT, sample
from tests.support.sample_thresholds import sample_review, side, threshold_section

NBSP = "\N{NO-BREAK SPACE}"


def files(review: CalibrationReviewRow | None) -> dict[str, bytes]:
    section = replace(threshold_section(), review=review)
    return dict(site_files(replace(sample(), thresholds=section)))


def shown(review: CalibrationReviewRow | None) -> str:
    page = files(review)["thresholds.html"].decode()
    found = re.search(r'<section id="calibration">.*?</section>', page, re.DOTALL)
    assert found
    words = html.unescape(re.sub(r"<[^>]+>", " ", found[0])).replace(NBSP, " ")
    return " ".join(words.split())


def test_it_states_day_reason_and_next_review() -> None:
    words = shown(sample_review())
    assert "harmonized-baseline 2026.11 was made on prices to 3 Mar 2026." in words
    assert "ends on 25 Mar 2026, the day of the audit: 2 of 3 assets have prices" in words
    assert "The next review is due on 24 Jun 2026." in words
    late = shown(replace(sample_review(), next_on="2025-11-19"))
    assert "The next review was due on 19 Nov 2025: it is overdue." in late


def test_too_few_moves_neither_confirm_nor_refute() -> None:
    words = shown(sample_review())
    assert "since the last version 2 44 1 too few moves 0 not tested 10.0 %" in words
    assert "The longest history has 22 moves, 100 are required: this neither confirms" in words
    assert "BTC long 2026-03-03 to 2026-03-25 22 1 too few too few not tested 10.0 %" in words


def test_the_formula_in_the_past_names_sides_with_too_many_breaches() -> None:
    words = shown(sample_review())
    assert "formula in the past 2 4,000 52 98.7 % 2 1 10.0 % BTC long, 2026-03-05: 39.0 %" in words
    assert "Formula in the past: too many breaches on 1 of 2 tested sides: BTC long." in words
    assert "2,000 40 98.0 % <0.001 yes" in words
    assert "2,000 12 99.4 % <0.001 no" in words


def test_what_was_not_tested_has_its_reason() -> None:
    words = shown(sample_review())
    assert "Not tested: 2 underlyings, with the reason" in words
    assert "since the last version: ETH: no move began after 2026-03-03" in words
    assert "formula in the past: " in words
    assert SCRIPT not in files(sample_review())["thresholds.html"].decode()


def test_the_file_has_both_tests_with_numbers_unrounded() -> None:
    review = replace(sample_review(), in_past=(side("BTC", "long", 700, 3),))
    content = files(review)["thresholds-review.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [own["test"] for own in rows] == ["since the last version"] * 2 + ["formula in the past"]
    assert (rows[0]["coverage"], rows[0]["too_many"]) == ("", "")
    assert (rows[2]["coverage"], rows[2]["too_many"]) == ("0.995714286", "false")


def test_no_move_since_a_version_that_is_younger_than_the_prices_is_said() -> None:
    review = replace(sample_review(), made_on="2026-04-01", since=())
    words = shown(review)
    assert "That is before it was made." in words
    assert "Since the last version: no move to test." in words


def test_without_a_review_the_reason_stands_there_and_no_file() -> None:
    review = CalibrationReviewRow("harmonized-baseline", "2026.11", reason="on no day do half")
    assert "harmonized-baseline 2026.11: not reviewed: on no day do half." in shown(review)
    assert "thresholds-review.csv" not in files(review)
    assert 'id="calibration"' not in files(None)["thresholds.html"].decode()


def test_series_that_end_later_than_the_thresholds_are_named() -> None:
    """The thresholds of BTC end on 20 November 2025, the review on 25 March 2026."""
    rows = tuple(
        replace(own, series="binance spot BTCUSDT 1d", last_day="2026-03-25")
        for own in sample_review().since
    )
    own = replace(sample_review(), since=rows)
    words = shown(own)
    assert (
        "one series per underlying, the longest with recent prices, which the CSV file names."
        in words
    )
    assert (
        "These end later than those of the thresholds: BTC by binance spot BTCUSDT 1d to 25 Mar 2026."
        in words
    )
    earlier = tuple(replace(row, last_day="2025-11-20") for row in rows)
    assert "These end later" not in shown(replace(own, since=earlier))
    assert "The review uses one series" not in shown(sample_review())
    data = csv.DictReader(io.StringIO(files(own)["thresholds-review.csv"].decode()))
    assert [row["series"] for row in data] == ["binance spot BTCUSDT 1d"] * 2 + [""] * 2
