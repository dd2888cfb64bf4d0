"""A folder of recordings: files are archived faithfully, or excluded with a reason."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from harmonize.core.date_precision import DateKind, DatePrecision
from harmonize.core.payload import Call, Origin, Payload, Snapshot
from harmonize.transfer import importer, recording_manifest
from harmonize.transfer.freqtrade import binance_id, commit_precision
from harmonize.transfer.requests import call_of, parse_request
from harmonize.transfer.source import SkippedItem, UnreadableSourceError
from tests.support.recorded import cases, of_venue, snapshots
from venues import facts, registry
from venues.adapter import Endpoint, VenueAdapter

RECORDED = "recorded live by a recorder, verbatim body"


def entry(file: str, endpoint: str, **fields: object) -> dict[str, object]:
    return {
        "venue": file.partition("/")[0],
        "file": file,
        "endpoint": endpoint,
        "recorded_date_if_known": "2024-05-01T12:00:00+00:00",
        "date_basis": "the clock of the recorder",
        "authenticity": RECORDED,
        "complete": True,
        "source_repo": "someone/recordings",
        "source_path": "a/b.json",
        "source_commit": "c0ffee",
        **fields,
    }


def folder(path: Path, manifest: object, files: dict[str, bytes]) -> Path:
    """Writes a folder of recordings and returns its path."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    path.joinpath("MANIFEST.json").write_text(json.dumps(manifest), encoding="utf-8")
    return path


def import_folder(path: Path) -> tuple[list[Snapshot], dict[str, SkippedItem]]:
    added: list[Snapshot] = []
    items = list(importer.import_snapshots(importer.open_source(path), None, added.append))
    return added, {item.what: item for item in items if isinstance(item, SkippedItem)}


def response(venue: str, method: str, number: int = 0) -> Payload:
    """Returns a recorded response of a venue."""
    responses = [payload for snapshot in of_venue(venue) for payload in snapshot.answers(method)]
    return responses[number]


KRAKEN = response("krakenfutures", "publicGetInstruments").content
TICKERS = response("krakenfutures", "publicGetTickers").content
ON_KRAKEN = "GET https://futures.kraken.com/derivatives/api/v3"


def test_a_response_is_archived_unchanged_with_its_provenance(
    tmp_path: Path,
) -> None:
    recording = entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments")
    (snapshot,), left_out = import_folder(
        folder(tmp_path, [recording], {"krakenfutures/a.json": KRAKEN})
    )
    assert left_out == {}
    (payload,) = snapshot.payloads
    assert payload.content == KRAKEN
    assert payload.call == Call("publicGetInstruments")
    assert payload.provenance.request == "GET /derivatives/api/v3/instruments"
    assert payload.provenance.dating == "the clock of the recorder"
    assert payload.provenance.source == f"someone/recordings a/b.json at c0ffee; {RECORDED}"
    assert snapshot.observed_at.isoformat() == "2024-05-01T12:00:00+00:00"
    assert snapshot.complete


@pytest.mark.parametrize(
    ("second", "is_one_snapshot"),
    [("2024-05-01T12:00:59Z", True), ("2024-05-01T12:01:01Z", False)],
)
def test_responses_of_one_moment_form_one_snapshot(
    *, second: str, is_one_snapshot: bool, tmp_path: Path
) -> None:
    manifest = [
        entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments"),
        entry("krakenfutures/b.json", f"{ON_KRAKEN}/tickers", recorded_date_if_known=second),
    ]
    files = {"krakenfutures/a.json": KRAKEN, "krakenfutures/b.json": TICKERS}
    added, left_out = import_folder(folder(tmp_path, manifest, files))
    assert [len(snapshot.payloads) for snapshot in added] == [2 if is_one_snapshot else 1]
    excluded = {} if is_one_snapshot else {"krakenfutures/b.json"}
    assert set(left_out) == set(excluded)
    assert all("contains no margins" in item.reason for item in left_out.values())


def test_a_snapshot_is_complete_if_declared_and_all_margins_are_present(
    tmp_path: Path,
) -> None:
    instruments = response("deribit", "publicGetGetInstruments").content
    manifest = [
        entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments", complete="all but a few"),
        entry("deribit/a.json", "GET /api/v2/public/get_instruments?currency=BTC&kind=future"),
    ]
    files = {"krakenfutures/a.json": KRAKEN, "deribit/a.json": instruments}
    added, _ = import_folder(folder(tmp_path, manifest, files))
    assert [(snapshot.venue, snapshot.complete) for snapshot in added] == [
        ("deribit", False),
        ("krakenfutures", False),
    ]


@pytest.mark.parametrize("asked", [{"page": 1, "page_size": 500}, {"page_size": 500}, {}])
def test_pages_of_any_size_are_complete(asked: dict[str, int], tmp_path: Path) -> None:
    body = json.dumps({"expired": False, "instrument_type": "perp", **asked})
    recording = entry(
        "derive/a.json", f"POST https://api.derive.xyz/v3/public/get_all_instruments {body}"
    )
    content = response("derive", "publicPostGetAllInstruments").content
    (snapshot,), _ = import_folder(folder(tmp_path, [recording], {"derive/a.json": content}))
    assert snapshot.complete


OKX = "GET https://www.okx.com/api/v5"
REASONS: list[tuple[dict[str, object], str]] = [
    (entry("ax/a.json", "GET /v1/instruments"), "venue not supported by this version"),
    (
        entry("okx/a.json", f"{OKX}/public/instruments", authenticity="recorded on testnet"),
        "data of a testnet",
    ),
    (
        entry(
            "okx/b.json", f"{OKX}/public/instruments", authenticity="documentation-style example"
        ),
        "sample from documentation, not recorded",
    ),
    (
        entry("okx/c.json", "(ccxt okx.fetchPosition; HTTP path not stored in the fixture)"),
        "stored or unified by ccxt, not the venue's bytes",
    ),
    (
        entry(
            "okx/d.json",
            f"{OKX}/public/instruments",
            authenticity="recorded response as kept in ccxt static tests",
        ),
        "stored or unified by ccxt, not the venue's bytes",
    ),
    (
        entry("okx/e.json", f"{OKX}/public/instruments", authenticity="unknown"),
        "manifest does not state that the file was recorded",
    ),
    (
        entry("okx/f.json", f"{OKX}/public/instruments", recorded_date_if_known=None),
        "recording date is not a day or a time with a time zone",
    ),
    (
        entry("okx/g.json", f"{OKX}/public/instruments", recorded_date_if_known="in August"),
        "recording date is not a day or a time with a time zone",
    ),
    (
        entry("okx/h.json", "GET /api/v5/a | /api/v5/b (see description)"),
        "manifest names no single HTTP request for the file",
    ),
    (
        entry("okx/i.json", f"{OKX}/account/positions?instType=SWAP"),
        "no endpoint of okx matches GET /api/v5/account/positions?instType=SWAP",
    ),
]


def test_every_other_file_is_excluded_with_a_reason(tmp_path: Path) -> None:
    files = {str(recording["file"]): b"{}" for recording, _ in REASONS}
    added, left_out = import_folder(
        folder(tmp_path, [recording for recording, _ in REASONS], files)
    )
    assert added == []
    assert {name: item.reason for name, item in left_out.items()} == {
        str(recording["file"]): reason for recording, reason in REASONS
    }
    assert not any(item.is_unreadable for item in left_out.values())


VENDORED = "unknown; file present in ccxt 4.5.68 (vendored 2026-08-01)"


@pytest.mark.parametrize(
    ("stated", "basis", "expected", "latest"),
    [
        ("2026-08-27", "the clock of the recorder", DateKind.EXACT, "2026-08-27T00:00:00"),
        ("2026-09-25", "stated in source comment", DateKind.EXACT, "2026-09-25T00:00:00"),
        ("2026-05-12T06:55:00.25Z", '"updated" field', DateKind.EXACT, "2026-05-12T06:55:00.250000"),
        ("<=2024-08-20", "the recorder", DateKind.NO_LATER_THAN, "2024-08-20T00:00:00"),
        ("<=2024-08-20", "commit date (BTC oracle)", DateKind.NO_LATER_THAN, "2024-08-20T00:00:00"),
        ("2025-05-25", "commit date", DateKind.NO_LATER_THAN, "2025-05-25T00:00:00"),
        ("2026-08-01 (upper bound)", "the recorder", DateKind.NO_LATER_THAN, "2026-08-01T00:00:00"),
        (None, VENDORED, DateKind.NO_LATER_THAN, "2026-08-01T00:00:00"),
        (
            *(None, "file last committed 2026-04-07T16:50:42+10:00", DateKind.NO_LATER_THAN),
            "2026-04-07T06:50:42",
        ),
        (
            *("2026-08-01", "undated; present in a release, so an upper bound"),
            *(DateKind.NO_LATER_THAN, "2026-08-01T00:00:00"),
        ),
    ],
)  # fmt: skip
def test_the_basis_of_a_date_decides_how_far_it_is_known(
    *, stated: str | None, basis: str, expected: DateKind, latest: str, tmp_path: Path
) -> None:
    recording = entry(
        "bitfinex/a.json",
        "GET https://api-pub.bitfinex.com/v2/conf/pub:info:pair:futures",
        recorded_date_if_known=stated,
        date_basis=basis,
    )
    content = response("bitfinex", "publicGetConfConfig").content
    (snapshot,), left_out = import_folder(
        folder(tmp_path, [recording], {"bitfinex/a.json": content})
    )
    assert left_out == {}
    (payload,) = snapshot.payloads
    assert payload.precision == DatePrecision(expected)
    assert payload.provenance.dating == basis
    assert payload.observed_at.isoformat() == snapshot.observed_at.isoformat() == f"{latest}+00:00"


def test_times_in_the_rows_narrow_an_undated_recording(tmp_path: Path) -> None:
    contract = {
        **json.loads(response("gate", "publicDeliveryGetSettleContracts").content)[0],
        "config_change_time": "1766735467",
        "expire_time": "1782460800",
    }
    manifest = [
        entry(
            f"gate/{name}.json",
            f"GET https://api.gateio.ws/api/v4/{path}",
            recorded_date_if_known=None,
            date_basis=VENDORED,
        )
        for name, path in (("a", "futures/btc/contracts"), ("b", "delivery/usdt/contracts"))
    ]
    files = {
        "gate/a.json": response("gate", "publicFuturesGetSettleContracts", -1).content,
        "gate/b.json": json.dumps([contract]).encode(),
    }
    (snapshot,), left_out = import_folder(folder(tmp_path, manifest, files))
    assert left_out == {}
    found = snapshot.payloads[1]
    assert (found.precision.kind, f"{found.observed_at:%Y-%m-%d %H:%M:%S}") == (
        DateKind.BETWEEN,
        "2026-06-26 07:59:59",
    )
    assert found.provenance.dating.startswith(
        f"{VENDORED}; by times in the rows not before 2025-12"
    )
    assert snapshot.observed_at == min(payload.observed_at for payload in snapshot.payloads)


@pytest.mark.parametrize(
    ("day", "is_exact"),
    [
        ("2022-11-25", False),
        ("2023-09-28", False),
        ("2024-04-04", True),
        ("2024-07-20", False),
        ("2025-04-30", False),
        ("2026-07-02", True),
    ],
)
def test_a_commit_of_the_weekly_job_is_exact_and_one_by_hand_is_not(
    *, day: str, is_exact: bool, tmp_path: Path
) -> None:
    assert commit_precision(date.fromisoformat(day)).is_exact is is_exact
    row = {"bracket": 1, "initialLeverage": 20, "notionalCap": 50000, "notionalFloor": 0, "maintMarginRatio": 0.02, "cum": 0}  # fmt: skip
    content = json.dumps(unified([("BTC/USDT:USDT", row)])).encode()
    recording = entry(
        "binance/tiers.json",
        FREQTRADE["binance"][1],
        recorded_date_if_known=day,
        date_basis="commit date in freqtrade history",
    )
    (snapshot,), _ = import_folder(folder(tmp_path, [recording], {"binance/tiers.json": content}))
    assert snapshot.precision.is_exact is is_exact


def test_a_file_with_two_dates_is_excluded(tmp_path: Path) -> None:
    first = entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments")
    second = {**first, "recorded_date_if_known": "2024-06-01"}
    added, left_out = import_folder(
        folder(tmp_path, [first, second], {"krakenfutures/a.json": KRAKEN})
    )
    assert added == []
    assert "names the file 2 times" in left_out["krakenfutures/a.json"].reason


def test_as_above_repeats_the_text_of_the_entry_before(tmp_path: Path) -> None:
    repeated = {"authenticity": "as above", "date_basis": "as above"}
    manifest = [
        entry("okx/a.json", f"{OKX}/account/positions"),
        entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments", **repeated),
    ]
    (snapshot,), _ = import_folder(folder(tmp_path, manifest, {"krakenfutures/a.json": KRAKEN}))
    assert snapshot.payloads[0].provenance.dating == "the clock of the recorder"


def test_an_invalid_date_and_a_missing_file_are_reported(tmp_path: Path) -> None:
    recording = entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments")
    _, left_out = import_folder(folder(tmp_path, [recording], {}))
    assert left_out["krakenfutures/a.json"].is_unreadable
    assert "missing; add it" in left_out["krakenfutures/a.json"].reason
    folder(tmp_path, [{**recording, "recorded_date_if_known": "2024-02-30"}], {})
    _, left_out = import_folder(tmp_path)
    assert left_out["krakenfutures/a.json"].is_unreadable
    assert left_out["krakenfutures/a.json"].reason == (
        f"{tmp_path / 'MANIFEST.json'}: recorded_date_if_known: "
        "expected a date or time, found '2024-02-30'; correct it"
    )


def test_a_damaged_entry_does_not_prevent_the_import_of_others(tmp_path: Path) -> None:
    good = entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments")
    names = ["", "krakenfutures/\ud800.json", f"krakenfutures/{'a' * 300}.json", "a\\b.json"]
    manifest = [
        good,
        7,
        {"venue": "krakenfutures"},
        {**good, "file": "krakenfutures/b.json", "recorded_date_if_known": "2024-13-01"},
        *({**good, "file": name} for name in names),
    ]
    added, left_out = import_folder(folder(tmp_path, manifest, {"krakenfutures/a.json": KRAKEN}))
    assert [snapshot.payloads[0].content for snapshot in added] == [KRAKEN]
    reasons = [item.reason for item in left_out.values()]
    assert len(reasons) == len(manifest) - 1
    assert all(item.is_unreadable for item in left_out.values())
    assert all(str(tmp_path) in reason and "; correct " in reason for reason in reasons)
    assert left_out["entry 1"].reason.endswith(
        'MANIFEST.json: expected an object with a text "file"; correct it'
    )


def test_a_manifest_larger_than_its_limit_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_manifest, "MAX_BYTES", 10)
    recording = entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments")
    with pytest.raises(UnreadableSourceError, match="the limit is 10; split it"):
        import_folder(folder(tmp_path, [recording], {"krakenfutures/a.json": KRAKEN}))


def test_a_recording_with_a_byte_order_mark_is_read_and_kept(tmp_path: Path) -> None:
    marked = b"\xef\xbb\xbf" + KRAKEN
    recording = entry("krakenfutures/a.json", f"{ON_KRAKEN}/instruments")
    (snapshot,), _ = import_folder(folder(tmp_path, [recording], {"krakenfutures/a.json": marked}))
    assert snapshot.payloads[0].content == marked
    assert registry.parse([snapshot], facts.bundled()).schedules


def test_the_host_of_a_file_identifies_its_venue(tmp_path: Path) -> None:
    manifest = {
        "recorder_statement": "read me: one real response per file, recorded with curl",
        "files": [
            {
                "file": f"kraken/{name}.json",
                "endpoint": f"{ON_KRAKEN}/{name}",
                "source_repo": "someone/bot",
                "source_path": f"{name}.json",
                "commit": "c0ffee",
                "recorded": "2026-08-27",
                "payload_time_utc": time,
                "trimmed": True,
                "source_formatting": "raw text",
            }
            for name, time in (
                ("instruments", "2026-08-27T17:21:56.355Z (serverTime)"),
                ("tickers", "about 2026-08-27T17:22Z"),
            )
        ],
    }
    files = {"kraken/instruments.json": KRAKEN, "kraken/tickers.json": TICKERS}
    (snapshot,), _ = import_folder(folder(tmp_path, manifest, files))
    assert snapshot.venue == "krakenfutures"
    assert not snapshot.complete
    assert [f"{payload.observed_at:%H:%M:%S}" for payload in snapshot.payloads] == [
        "17:21:56",
        "17:22:00",
    ]
    assert (
        "one real response per file, recorded with curl" in snapshot.payloads[0].provenance.source
    )


# What freqtrade keeps


def unified(rows: list[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, object]]]:
    """Returns rows as ccxt unifies them, with the venue's own row in ``info``."""
    tiers: dict[str, list[dict[str, object]]] = {}
    for symbol, row in rows:
        tiers.setdefault(symbol, []).append({"tier": 1, "maxLeverage": 1.0, "info": row})
    return tiers


def document(payload: Payload) -> Any:
    return json.loads(payload.content)


def rows_of(venue: str, snapshot: Snapshot) -> list[tuple[str, dict[str, Any]]]:
    """Returns pairs of ccxt symbol and venue row, in the archived order."""
    names = {
        schedule.instrument.id: schedule.instrument.symbol
        for schedule in registry.parse([snapshot], facts.bundled()).schedules
    }
    rows = []
    for payload in snapshot.payloads:
        if venue == "binance":
            for contract in document(payload):
                rows += [(names[contract["symbol"]], row) for row in contract["brackets"]]
        elif venue == "bybit":
            for row in document(payload)["result"]["list"]:
                extended = {**row, "nextPageCursor": "abc"} if row["id"] == 1 else row
                rows.append((row["symbol"], extended))
        elif payload.call.method in {
            "publicMixGetV2MixMarketQueryPositionLever",
            "publicGetPublicPositionTiers",
        }:
            for row in document(payload)["data"]:
                base = (row.get("instFamily") or row["symbol"]).removesuffix("USDT").strip("-")
                rows.append((f"{base}/USDT:USDT", row))
    return rows


FREQTRADE = {
    "binance": ("2026-07-02", "GET /fapi/v1/leverageBracket (ccxt fetchLeverageTiers unified, raw bracket in each info)"),
    "bybit": ("2024-12-25", "GET /v5/market/risk-limit?category=linear (ccxt fetchLeverageTiers, raw row in each info)"),
    "bitget": ("2025-04-04", "GET /api/v2/mix/market/query-position-lever (ccxt fetchMarketLeverageTiers per symbol, raw row in each info)"),
    "okx": ("2026-05-12", "GET /api/v5/public/position-tiers?instType=SWAP&tdMode=isolated&instFamily=... (ccxt fetchMarketLeverageTiers, raw row in each info)"),
}  # fmt: skip


@pytest.mark.parametrize("venue", FREQTRADE)
def test_venue_responses_are_rebuilt_from_a_file_of_freqtrade(venue: str, tmp_path: Path) -> None:
    day, endpoint = FREQTRADE[venue]
    (archived,) = (
        snapshot
        for snapshot in snapshots()
        if snapshot.venue == venue and f"{snapshot.observed_at:%Y-%m-%d}" == day
    )
    tiers: object = unified(rows_of(venue, archived))
    content = json.dumps(tiers if venue == "binance" else {"updated": day, "data": tiers}).encode()
    recording = entry(
        f"{venue}/tiers.json", endpoint, complete=archived.complete, recorded_date_if_known=day
    )
    (rebuilt,), left_out = import_folder(
        folder(tmp_path, [recording], {f"{venue}/tiers.json": content})
    )
    assert left_out == {}
    assert rebuilt.complete == archived.complete
    contents = {payload.call: payload.content for payload in archived.payloads}
    assert all(contents[payload.call] == payload.content for payload in rebuilt.payloads)
    margins = {payload.call.method for payload in rebuilt.payloads}
    assert {payload.call for payload in rebuilt.payloads} == {
        call for call in contents if call.method in margins
    }
    assert "rebuilt from the raw rows kept in the file" in rebuilt.payloads[0].provenance.source


@pytest.mark.parametrize(
    ("content", "reason", "unread"),
    [
        (b'{"BTC/USDT:USDT": [{"tier": 1, "info": {"bracket": 1', "is not JSON", True),
        (b'{"BTC/USDT:USDT": [{"tier": 1}]}', "unified by ccxt, not the venue's bytes", False),
        (b"[]", "unified by ccxt, not the venue's bytes", False),
    ],
)
def test_a_file_of_freqtrade_without_venue_rows_is_excluded(
    *,
    content: bytes,
    reason: str,
    unread: bool,
    tmp_path: Path,
) -> None:
    recording = entry("binance/tiers.json", FREQTRADE["binance"][1])
    added, left_out = import_folder(folder(tmp_path, [recording], {"binance/tiers.json": content}))
    assert added == []
    assert reason in left_out["binance/tiers.json"].reason
    assert left_out["binance/tiers.json"].is_unreadable is unread


def test_a_delivery_contract_has_the_name_of_the_venue() -> None:
    assert binance_id("BTC/USDT:USDT-260925") == "BTCUSDT_260925"
    assert binance_id("BTC/BUSD") == "BTCBUSD"
    assert binance_id("BTCUSDT_210326") == "BTCUSDT_210326"


# Requests


@pytest.mark.parametrize(
    ("venue", "text", "expected"),
    [
        (
            "gate",
            "GET https://api.gateio.ws/api/v4/futures/usdt/contracts",
            Call("publicFuturesGetSettleContracts", (("settle", "usdt"),)),
        ),
        (
            "hyperliquid",
            'POST https://api.hyperliquid.xyz/info {"type":"metaAndAssetCtxs"}',
            Call("publicPostInfo", (("type", "metaAndAssetCtxs"),)),
        ),
        (
            "kucoin",
            "GET /api/v1/contracts/risk-limit/XBTUSDTM",
            Call("futuresPublicGetContractsRiskLimitSymbol", (("symbol", "XBTUSDTM"),)),
        ),
        (
            "xt",
            "GET https://dapi.xt.com/future/market/v1/public/leverage/bracket/list",
            Call("publicInverseGetFutureMarketV1PublicLeverageBracketList"),
        ),
        (
            "bybit",
            "GET /v5/market/instruments-info?limit=1000&category=linear",
            Call("publicGetV5MarketInstrumentsInfo", (("category", "linear"), ("limit", "1000"))),
        ),
        (
            "hyperliquid",
            'POST https://api.hyperliquid.xyz/info {"type": "meta"}',
            Call("publicPostInfo", (("type", "meta"),)),
        ),
        (
            "bitget",
            "GET https://api.bitget.com/api/v3/market/position-tier?category=USDT-FUTURES&symbol=BTCUSDT",
            Call(
                "publicUtaGetV3MarketPositionTier",
                (("category", "USDT-FUTURES"), ("symbol", "BTCUSDT")),
            ),
        ),
        (
            "coinbaseinternational",
            "GET https://api.international.coinbase.com/api/v1/instruments",
            Call("v1PublicGetInstruments"),
        ),
        (
            "gate",
            "GET https://api.gateio.ws/api/v4/futures/usdt/risk_limit_tiers?contract=BTC_USDT",
            Call(
                "publicFuturesGetSettleRiskLimitTiers",
                (("contract", "BTC_USDT"), ("settle", "usdt")),
            ),
        ),
        (
            "okx",
            "GET https://www.okx.com/api/v5/public/position-tiers?instType=SWAP&tdMode=cross&uly=LLY-USDT",
            Call(
                "publicGetPublicPositionTiers",
                (("instType", "SWAP"), ("tdMode", "cross"), ("uly", "LLY-USDT")),
            ),
        ),
        (
            "bybit",
            "GET /v5/market/risk-limit?category=linear&cursor=first%253DX%2526last%253DX&symbol=",
            Call(
                "publicGetV5MarketRiskLimit",
                (("category", "linear"), ("cursor", "first%3DX%26last%3DX")),
            ),
        ),
        (
            "hyperliquid",
            'POST /info {"type":"clearinghouseState"}',
            'no endpoint of hyperliquid matches POST /info {"type":"clearinghouseState"}',
        ),
        (
            "okx",
            "POST /api/v5/public/instruments",
            "no endpoint of okx matches POST /api/v5/public/instruments",
        ),
        (
            "xt",
            "GET /future/market/v1/public/leverage/bracket/list",
            "several endpoints of xt match GET /future/market/v1/public/leverage/bracket/list",
        ),
    ],
)
def test_a_request_matches_the_call_of_one_endpoint(
    venue: str, text: str, expected: Call | str
) -> None:
    request, adapter = parse_request(text), registry.find_adapter(venue)
    assert request is not None
    assert adapter is not None
    assert call_of(adapter, request) == expected


@pytest.mark.parametrize(
    "text",
    [
        "(raw elements of ccxt apex.fetchMarkets response)",
        "GET /a/b?symbol=...",
        "GET /a/{symbol}",
        "GET /fapi|dapi/v1/exchangeInfo",
        "GET /a/b?x=1&x=2",
        "GET /a?x=%3Cinstrument%3E",
        "GET /a?x=%00",
        'POST /info {"type":',
        "DELETE /a",
        "GET /a/../b",
    ],
)
def test_a_request_with_placeholders_is_not_parsed(text: str) -> None:
    assert parse_request(text) is None


def test_every_public_endpoint_matches_its_own_request() -> None:
    for adapter in registry.VENUES:
        for endpoint in adapter.endpoints:
            if "{" not in endpoint.request and "." not in endpoint.request.split("/")[0]:
                request = parse_request(endpoint.request)
                assert request is not None, endpoint.request
                call = call_of(adapter, request)
                ambiguity = f"several endpoints of {adapter.venue} match {request}"
                assert call == ambiguity or isinstance(call, Call)
                assert call == ambiguity or call.method == endpoint.method  # type: ignore[union-attr]


class _Recorder(Snapshot):
    """A snapshot without payloads that records which methods an adapter reads."""

    __slots__ = ("methods",)
    methods: set[str]

    def answers(self, method: str) -> tuple[Payload, ...]:
        self.methods.add(method)
        return ()


@pytest.mark.parametrize("adapter", registry.VENUES, ids=lambda adapter: adapter.venue)
def test_every_call_that_an_adapter_reads_can_be_imported(adapter: VenueAdapter) -> None:
    recorder = _Recorder(adapter.venue, datetime(2026, 1, 1, tzinfo=UTC), (), complete=False)
    object.__setattr__(recorder, "methods", set())
    adapter.parse(recorder, facts.bundled())
    endpoints = (*adapter.endpoints, *adapter.recorded_only)
    documented = {payload.call.method for payload in adapter.documented_payloads()}
    assert recorder.methods - documented <= {endpoint.method for endpoint in endpoints}
    for endpoint in endpoints:
        request = parse_request(_written_request(adapter, endpoint))
        assert request is not None, endpoint.request
        call = call_of(adapter, request)
        assert isinstance(call, Call), call
        assert call.method == endpoint.method


def _written_request(adapter: VenueAdapter, endpoint: Endpoint) -> str:
    """Returns an endpoint's request as a manifest states it: with host, body and values."""
    verb, _, rest = endpoint.request.partition(" ")
    body = dict(re.findall(r"\{(\w+): (\w+)\}", rest))
    path = re.sub(r"\{\w+\}", "x", re.sub(r" *\{\w+: \w+\}", "", rest))
    host = adapter.host if path.startswith("/") else ""
    return f"{verb} https://{host}{path}" + (f" {json.dumps(body)}" if body else "")


@pytest.mark.parametrize("observed", cases(snapshots()))
def test_every_recorded_request_can_be_imported(observed: Snapshot) -> None:
    adapter = registry.find_adapter(observed.venue)
    assert adapter is not None
    for payload in observed.payloads:
        if payload.provenance.origin is Origin.RECORDED:
            request = parse_request(payload.provenance.request)
            assert request is not None
            call = call_of(adapter, request)
            assert isinstance(call, Call), call
            assert call.method == payload.call.method


def test_numbers_quoted_by_ccxt_parse_as_numbers(tmp_path: Path) -> None:
    bracket = {"bracket": 1, "initialLeverage": 125, "notionalCap": 2**63 - 1, "notionalFloor": 0}
    plain = bracket | {"maintMarginRatio": 0.004, "cum": 0.0}
    quoted = {key: str(number) for key, number in plain.items()}
    results = []
    for name, row in (("plain", plain), ("quoted", quoted)):
        content = json.dumps({"BTC/USDT": [{"info": row}]}).encode()
        recording = entry("binance/tiers.json", FREQTRADE["binance"][1])
        (tmp_path / name).mkdir()
        ((snapshot,), _) = import_folder(
            folder(tmp_path / name, [recording], {"binance/tiers.json": content})
        )
        (schedule,) = registry.parse([snapshot], facts.bundled()).schedules
        results.append((schedule.tiers, schedule.initial, schedule.maintenance, schedule.capacity))
    assert results[0] == results[1]
