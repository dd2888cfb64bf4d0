"""Lines and cells of text output: headings, staleness, and cells that a spreadsheet would run."""

from dataclasses import replace

import pytest

from harmonize.api.cross_venue import IndexAnswer
from harmonize.cli.changes_text import spreadsheet_text
from harmonize.cli.cross_venue_text import index_text
from harmonize.cli.report_text import snapshot_lines
from harmonize.document import AuditDocument
from harmonize.document.cross_venue import Index, IndexSummary
from tests.support.sample_documents import sample

BTC = Index(
    underlying="BTC",
    margin_type="initial",
    reference="median",
    value=62.5,
    weights="equal",
    lower=0.0,
    upper=1e6,
    venues=(),
    oldest="2026-03-01T00:00:00Z",
    newest="2026-03-09T00:00:00Z",
)
ALL = IndexSummary("", "initial", "median", 62.5, 1, None, None)
INDEX_HEADINGS = "underlying margin reference index 95 % interval venues weights dates"
SUMMARY_HEADINGS = "venue margin reference index 95 % interval underlyings"
INDEX_MEANING = (
    "index: 100 is at the reference, 50 an average factor of two from it, of three venues or more"
)
WITHOUT_HEADINGS = "excluded venue margin reference index"
OVER_TIME_HEADINGS = "date margin reference index underlyings"


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_cell_that_a_spreadsheet_would_evaluate_is_quoted(text: str) -> None:
    assert spreadsheet_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["BTC/USDT:USDT", "1INCH", "A=1", "A-B", ""])
def test_any_other_cell_is_written_as_it_is(text: str) -> None:
    assert spreadsheet_text(text) == text


def test_every_table_of_indices_has_its_headings() -> None:
    lines = words(index_text(IndexAnswer((BTC,), (ALL,), (("okx", BTC),), (("2026-03-09", ALL),))))
    dates = "2026-03-01 to 2026-03-09"
    assert lines == [
        INDEX_MEANING,
        INDEX_HEADINGS,
        f"BTC initial median 62.5 – 0 equal {dates}",
        "",
        SUMMARY_HEADINGS,
        "all venues initial median 62.5 – 1",
        "",
        WITHOUT_HEADINGS,
        "okx initial median 62.5",
        "",
        OVER_TIME_HEADINGS,
        "2026-03-09 initial median 62.5 1",
    ]


def test_tables_of_indices_without_rows_are_not_printed() -> None:
    lines = words(index_text(IndexAnswer((BTC,), (ALL,), (), ())))
    assert WITHOUT_HEADINGS not in lines
    assert OVER_TIME_HEADINGS not in lines
    assert lines[-1] == "all venues initial median 62.5 – 1"


def test_stale_snapshots_are_called_stale_and_all_others_recent() -> None:
    document: AuditDocument = sample()
    assert {row.stale for row in document.snapshots} == {True, False}
    lines = list(snapshot_lines(document))
    for row, line in zip(document.snapshots, lines, strict=True):
        word = "stale" if row.stale else "recent"
        day = f"{row.observed_at[:10]},"
        assert line.split()[:6] == [row.venue, day, str(int(row.age_days)), "days", "old,", word]


@pytest.mark.parametrize(
    ("kind", "earliest", "expected"),
    [
        ("no later than", "", "≤ 2025-11-20, at least 34 days old, stale"),
        ("between", "2025-11-03T00:00:00Z", "2025-11-03 to 2025-11-20, up to 34 days old, stale"),
        ("derived", "2025-11-20T00:00:00Z", "2025-11-20 (derived), up to 34 days old, stale"),
    ],
)
def test_a_date_that_is_not_exact_is_printed_with_its_bounds(
    kind: str, earliest: str, expected: str
) -> None:
    document = sample()
    row = replace(
        document.snapshots[0],
        observed_at="2025-11-20T00:00:00Z",
        observed_from=earliest,
        date_kind=kind,
        age_days=34.0,
        stale=True,
    )
    (line,) = snapshot_lines(replace(document, snapshots=(row,)))
    assert f"{row.venue:<14} {expected} (" in line
