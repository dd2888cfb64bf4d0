"""Tests of absence: only a complete snapshot shows that a venue does not list an underlying."""

from dataclasses import replace

import pytest

from harmonize.document import AuditDocument, SnapshotRow
from reports.html.appendix import coverage_view
from reports.html.heat_map import coverage_matrix, heat_maps
from reports.html.references import references
from reports.html.summary import summary
from reports.lookup import Lookup
from tests.support import recorded
from tests.support.sample_documents import sample

NOT_LISTED, NOT_RECORDED = "·", "?"


def with_completeness(*, complete: bool) -> AuditDocument:
    """Returns the sample, in which venue-a has no contract on ETH."""
    document = sample()

    def changed(row: SnapshotRow) -> SnapshotRow:
        return replace(row, complete=complete) if row.venue == "venue-a" else row

    return replace(document, snapshots=tuple(map(changed, document.snapshots)))


@pytest.mark.parametrize(("complete", "sign"), [(True, NOT_LISTED), (False, NOT_RECORDED)])
def test_an_absent_contract_is_not_listed_only_in_a_complete_snapshot(
    sign: str, *, complete: bool
) -> None:
    lookup = Lookup(with_completeness(complete=complete))
    (row,) = [row for row in coverage_matrix(lookup) if row.venue == "venue-a"]
    cell = row.cells[list(lookup.reading_order).index("ETH")]
    assert cell.text == sign
    heat_map, *_ = heat_maps(lookup, references(lookup.document))
    (row,) = [row for row in heat_map.rows if row.venue == "venue-a"]
    assert row.cells[heat_map.columns.index("ETH")].text == sign


def test_absent_pairs_are_counted_apart() -> None:
    for complete in (True, False):
        view = coverage_view(Lookup(with_completeness(complete=complete)))
        (row,) = [row for row in view.venues if row.venue == "venue-a"]
        not_listed, not_recorded = row.counts[-2:]
        absent = {not_listed, not_recorded} - {"0"}
        assert len(absent) == 1
        assert (not_recorded == "0") is complete


def test_okx_is_not_said_not_to_list_sol() -> None:
    """The recording of OKX holds two underlyings."""
    lookup = Lookup(recorded.audited().document)
    assert ("okx", "SOL") not in lookup.coverage
    assert "okx" not in lookup.complete_venues
    view = coverage_view(lookup)
    (row,) = [row for row in view.venues if row.venue == "okx"]
    assert row.counts[-2] == "0"


def test_most_snapshots_are_partial() -> None:
    snapshots = recorded.audited().document.snapshots
    assert (sum(not row.complete for row in snapshots), len(snapshots)) == (53, 58)


def test_the_share_of_what_is_not_known_includes_what_no_recording_holds() -> None:
    lookup = Lookup(recorded.audited().document)
    pairs = {(row.venue, row.underlying) for row in lookup.document.coverage}
    underlyings = {underlying for _, underlying in pairs}
    missing = sum(
        (venue, underlying) not in pairs
        for venue in {venue for venue, _ in pairs} - lookup.complete_venues
        for underlying in underlyings
    )
    assert lookup.not_recorded == missing
    (gaps,) = [row for row in summary(lookup) if row.lead == "Data gaps"]
    assert f"{missing:,} further pairs" in gaps.text.replace("\N{NO-BREAK SPACE}", " ")
