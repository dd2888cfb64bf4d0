"""Risk of a part of a book, and which margins cover it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from harmonize.adequacy.book_risk import (
    BookExposure,
    BookRisk,
    DailyMoves,
    Diversification,
    book_risk,
)
from harmonize.api.book_risk import MarginCoverage, answer_book_risk, margin_coverage
from harmonize.api.question import Question
from harmonize.arbitrage.portfolio import Portfolio, UnderlyingExposure, VenueMargins
from harmonize.cli.book_risk_text import book_risk_lines
from harmonize.cli.tables import portfolio_sheet, sheet_per_kind
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries
from tests.harmonize.cli.test_measured_inputs import archive_of
from tests.harmonize.market.small import identity, series

NOTHING, VAR_ALONE, EVERYTHING = (False,) * 3, (True, False, True), (True,) * 3
"""What a margin covers, of a book of one position: its joint margin is its joint VaR."""

END = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=1_000)


def closes(asset: str, first: int, last: int, seed: int = 1) -> PriceSeries:
    """Daily closes of a perpetual on the days from ``first`` to ``last`` after 2024-01-01."""
    moves = np.random.default_rng(seed).normal(0, 0.03, last - first)
    prices = (100 * np.cumprod(1 + moves)).tolist()
    return series(prices, list(range(first, last)), identity(f"{asset}USDT"))


def risk_of(place: Path, *names: str) -> BookRisk | Unknown:
    held = [UnderlyingExposure(name, 1e6, 0.0) for name in names]
    return answer_book_risk(Question(archive=place), held, END)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AAA and BBB to the end, CCC with 100 days, DDD whose days are before those of EEE."""
    parts = [
        closes("AAA", 0, 1_000),
        closes("BBB", 0, 1_000, 2),
        closes("CCC", 900, 1_000),
        closes("DDD", 0, 500),
        closes("EEE", 500, 1_000),
    ]
    return archive_of(tmp_path_factory.mktemp("prices") / "archive", *parts)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ZZZ", "no daily prices in the archive"),
        ("CCC", "99 daily moves, 365 are required"),
    ],
)
def test_the_risk_of_the_rest_is_stated_and_the_missing_part_named(
    name: str, reason: str, archive: Path
) -> None:
    whole, part = risk_of(archive, "AAA", "BBB"), risk_of(archive, "AAA", name, "BBB")
    assert isinstance(whole, BookRisk)
    assert isinstance(part, BookRisk)
    assert (whole.missing, part.missing) == ((), ((name, reason),))
    assert replace(part, missing=()) == whole
    lines = list(book_risk_lines(part))
    assert lines[1].startswith(f"risk of the book without {name}: 99 % move over 1 day, ")
    assert lines[2] == f"  not included: {name}: {reason}"


def test_an_underlying_without_common_days_does_not_void_the_rest(archive: Path) -> None:
    risk = risk_of(archive, "AAA", "DDD", "EEE")
    assert isinstance(risk, BookRisk)
    assert [row.underlying for row in risk.singles] == ["AAA", "DDD"]
    assert risk.missing == (("EEE", "0 common daily moves with the rest, 365 are required"),)


def test_a_book_of_which_nothing_is_known_has_no_risk(archive: Path) -> None:
    risk = risk_of(archive, "ZZZ", "CCC")
    assert risk == Unknown(
        "ZZZ: no daily prices in the archive; CCC: 99 daily moves, 365 are required"
    )


def margins(venue: VenueMargins, reference: float | None, split: float | None) -> Portfolio:
    return Portfolio(
        1, 1e6, (), "mine", reference, None, (), (venue,), (), (), (), split, "", ""
    )  # fmt: skip


def test_a_margin_covers_what_it_is_at_least(archive: Path) -> None:
    risk = risk_of(archive, "AAA")
    assert isinstance(risk, BookRisk)
    joint, shortfall = risk.joint.value, risk.shortfall.value
    assert 0 < joint < shortfall
    venue = VenueMargins("v", joint - 1, None, shortfall, None, "", ())
    rows = margin_coverage(risk, margins(venue, joint, None))
    assert rows == (
        MarginCoverage("v", "isolated", joint - 1, *NOTHING),
        MarginCoverage("v", "cross", shortfall, *EVERYTHING),
        MarginCoverage("mine", "reference", joint, *VAR_ALONE),
    )
    text = list(book_risk_lines(risk, rows))
    assert (
        "  2 of 3 initial margins of the book cover the joint VaR, 1 the joint ES, 2 the joint margin"
        in text
    )
    (line,) = [line for line in text if "isolated" in line]
    assert line.split()[-3:] == ["no", "no", "no"]
    equal = VenueMargins("v", joint, None, joint, None, "", ())
    (one, split) = margin_coverage(risk, margins(equal, None, 2 * shortfall))
    assert (one.kind, split.name, split.covers_shortfall) == (
        "isolated or cross",
        "several venues",
        True,
    )


def hedged(short: float) -> BookRisk:
    rng = np.random.default_rng(3)
    own = DailyMoves(np.arange(400), rng.normal(0, 0.02, 400), ("x",))
    risk = book_risk([BookExposure("AAA", 1e6, short)], {"AAA": own})
    assert isinstance(risk, BookRisk)
    return risk


def test_a_margin_that_covers_the_joint_var_may_be_below_the_joint_margin() -> None:
    """Long and short nearly offset each other: the joint margin keeps a fifth of the single ones."""
    risk = hedged(0.9e6)
    assert risk.limited > risk.shortfall.value > risk.joint.value
    venue = VenueMargins("v", risk.shortfall.value, None, risk.limited, None, "", ())
    below, equal = margin_coverage(risk, margins(venue, None, None))
    assert (below.covers_shortfall, below.covers_joint_margin) == (True, False)
    assert equal.covers_joint_margin
    lines = list(book_risk_lines(risk, (below, equal)))
    assert [line.split()[-3:] for line in lines if line.startswith("  v ")] == [
        ["yes", "yes", "no"],
        ["yes", "yes", "yes"],
    ]
    assert not any("which tests none" in line for line in lines)


def test_a_flat_book_says_that_its_var_tests_no_margin_and_has_no_residue() -> None:
    risk = hedged(1e6)
    row = MarginCoverage("v", "cross", 1.0, covers_var=True, covers_shortfall=True, covers_joint_margin=False)  # fmt: skip
    lines = list(book_risk_lines(risk, [row]))
    assert any("joint VaR and ES are 0, which every margin covers" in line for line in lines)
    assert any(line.endswith(", 0 the joint margin") for line in lines)
    residue = Diversification("all positions long", 1.0, 1.0 + 4e-6)
    smallest = Diversification("long", 1.0, 1.0 - 6e-6)
    texts = list(book_risk_lines(replace(risk, diversification=(residue, smallest))))
    ends = [line.rpartition(", ")[2] for line in texts if line.endswith("saved")]
    assert ends == ["0.0 % saved", "<0.001 % saved"]


def test_the_table_has_intervals_span_age_and_worst_days() -> None:
    risk = replace(hedged(0.5e6), age_days=251)
    venue = VenueMargins("v", 1.0, None, 1.0, None, "", ())
    sheet = portfolio_sheet(margins(venue, None, None), risk)
    rows = [dict(zip(sheet.headings, row, strict=True)) for row in sheet.rows]
    measures = {row["measure"]: row for row in rows if row["row"] == "risk"}
    for name, estimate in (("joint VaR", risk.joint), ("joint ES", risk.shortfall)):
        own = measures[name]
        assert (own["lower"], own["upper"]) == (estimate.lower, estimate.upper)
        assert own["lower"] is not None
    assert {(row["first"], row["last"], row["age_days"]) for row in measures.values()} == {
        ("1970-01-01", "1971-02-04", 251)
    }
    worst = [(row["day"], row["loss"]) for row in rows if row["row"] == "worst"]
    assert worst == [(f"{row.day:%Y-%m-%d}", row.loss) for row in risk.worst]
    assert len(worst) == 3
    assert [own.name for own in sheet_per_kind(sheet)] == [
        "Venue",
        "Reference",
        "Risk",
        "Worst",
        "Single",
        "Diversification",
    ]


def test_a_book_without_a_known_margin_says_so() -> None:
    rng = np.random.default_rng(3)
    own = DailyMoves(np.arange(400), rng.normal(0, 0.02, 400), ("x",))
    risk = book_risk([BookExposure("AAA", 1.0, 0.0)], {"AAA": own})
    lines = list(book_risk_lines(risk))
    assert "  no initial margin of the book is known, so that none covers it" in lines


def test_the_article_behind_the_joint_margin_is_said_to_be_unverified(archive: Path) -> None:
    (line,) = [line for line in book_risk_lines(risk_of(archive, "AAA", "BBB")) if "Art 27" in line]
    assert line.endswith(
        "(reduced by at most 80 % of the difference; Art 27(4) of Regulation (EU) 153/2013, cited from memory, not verified)"
    )
