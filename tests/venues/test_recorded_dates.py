"""Dates of the recorded archive: how far each is known, and that its rows agree with it."""

from datetime import datetime

import pytest

from harmonize.core.payload import NOT_OF_VENUE, Origin, Payload, Snapshot
from harmonize.text.messages import iso_utc
from tests.support.recorded import snapshots
from venues import dating


def own(snapshot: Snapshot) -> list[Payload]:
    return [p for p in snapshot.payloads if p.provenance.origin not in NOT_OF_VENUE]


def payload(venue: str, method: str, day: str) -> Payload:
    """Returns the payload of a method whose observation time begins with ``day``."""
    (found,) = (
        p
        for snapshot in snapshots()
        if snapshot.venue == venue
        for p in own(snapshot)
        if p.call.method == method and iso_utc(p.observed_at).startswith(day)
    )
    return found


@pytest.mark.parametrize(
    ("venue", "method", "kind", "earliest", "latest"),
    [
        (
            *("gate", "publicFuturesGetSettleContracts", "between"),
            *("2026-06-01T00:00:00Z", "2026-06-01T07:59:59Z"),
        ),
        (
            *("gate", "publicDeliveryGetSettleContracts", "between"),
            *("2025-12-26T07:51:07Z", "2026-06-26T07:59:59Z"),
        ),
        ("bullish", "publicGetV1Markets", "no later than", "", "2025-11-21T07:59:59Z"),
        (
            *("extended", "v1PublicGetInfoMarkets", "between"),
            *("2026-04-29T06:00:00Z", "2026-04-29T06:59:59Z"),
        ),
        (
            *("kucoin", "futuresPublicGetContractsActive", "exact"),
            *("2026-02-23T10:03:32Z", "2026-02-23T10:03:32Z"),
        ),
        (
            *("lighter", "publicGetOrderBookDetails", "derived"),
            *("2026-02-26T18:00:00Z", "2026-02-27T09:59:59Z"),
        ),
        (
            *("dydx", "indexerGetPerpetualMarkets", "derived"),
            *("2024-07-27T17:00:00Z", "2024-07-27T18:59:59Z"),
        ),
        (
            *("hyperliquid", "publicPostInfo", "derived"),
            *("2025-05-25T03:00:00Z", "2025-05-25T03:59:59Z"),
        ),
        (
            *("coinbase", "v3PublicGetBrokerageMarketProducts", "exact"),
            *("2026-04-07T00:28:59Z", "2026-04-07T00:28:59Z"),
        ),
        (
            *("coinbase", "v3PublicGetBrokerageMarketProducts", "between"),
            *("2025-05-14T15:00:00Z", "2025-05-14T15:59:59Z"),
        ),
        (
            *("bitmex", "publicGetInstrumentActive", "exact"),
            *("2026-05-21T14:39:07Z", "2026-05-21T14:39:07Z"),
        ),
        ("weex", "contractGetCapiV3MarketExchangeInfo", "no later than", "", "2026-08-01T00:00:00Z"),
        (
            *("modetrade", "v1PublicGetPublicInfo", "between"),
            *("2026-06-02T03:50:40Z", "2026-08-01T00:00:00Z"),
        ),
        (
            *("xt", "publicLinearGetFutureMarketV1PublicLeverageBracketList", "no later than"),
            *("", "2023-07-01T06:32:46Z"),
        ),
        ("aster", "fapiPrivateGetV3LeverageBracket", "no later than", "", "2025-10-06T07:14:47Z"),
        (
            *("binance", "fapiPrivateGetLeverageBracket", "exact"),
            *("2026-07-02T00:00:00Z", "2026-07-02T00:00:00Z"),
        ),
        ("binance", "fapiPrivateGetLeverageBracket", "no later than", "", "2022-02-12T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_recording_is_dated_as_far_as_its_evidence_goes(
    venue: str, method: str, kind: str, earliest: str, latest: str
) -> None:
    found = payload(venue, method, latest)
    assert found.precision.kind == kind
    assert found.precision.earliest_text(found.observed_at) == earliest


def test_no_payload_is_older_or_newer_than_the_times_in_its_rows() -> None:
    dated = [(p, row) for s in snapshots() for p in own(s) for row in dating.row_times(p)]
    for p, row in dated:
        earliest = p.precision.older_end(p.observed_at)
        assert earliest is None or earliest <= p.observed_at
        if row.bound is dating.Bound.BEFORE:
            assert p.observed_at < row.time, (p.venue, str(row))
        else:
            assert row.time <= dating.last_moment(p.observed_at), (p.venue, str(row))
    assert len({p.venue for p, _ in dated}) > 25


def test_the_rows_narrow_no_date_further() -> None:
    for snapshot in snapshots():
        for found in own(snapshot):
            narrower = dating.narrowed(found)
            assert (narrower.observed_at, narrower.precision) == (
                found.observed_at,
                found.precision,
            ), found.venue


def test_only_stated_dates_are_exact_and_only_fits_are_derived() -> None:
    undated = ("undated", "commit date", "file last committed", "spec last committed")
    for snapshot in snapshots():
        for found in own(snapshot):
            dating_text, kind = found.provenance.dating, found.precision.kind
            if dating_text.startswith(undated):
                assert kind != "exact" or "; by times in the rows at " in dating_text
            assert (kind == "derived") == ("; derived: " in dating_text), found.venue


def test_a_snapshot_has_the_date_of_a_payload_and_only_recordings_are_undated() -> None:
    for snapshot in snapshots():
        times = {iso_utc(p.observed_at) for p in snapshot.payloads}
        assert iso_utc(snapshot.observed_at) in times
        undated = [p for p in own(snapshot) if not p.precision.is_exact]
        assert {p.provenance.origin for p in undated} <= {Origin.RECORDED, Origin.DOCUMENTATION}


def test_a_listed_contract_has_not_expired_when_it_was_observed() -> None:
    found = payload("gate", "publicDeliveryGetSettleContracts", "2026-06-26")
    assert found.observed_at < datetime.fromisoformat("2026-06-26T08:00:00Z")
