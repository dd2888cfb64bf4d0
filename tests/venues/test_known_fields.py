"""Unknown fields: what is known of each venue, what hides a schedule, and what is only told."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harmonize.api.audit import Question, answer
from harmonize.archive.archive import Archive
from harmonize.core.payload import (
    Evidence,
    Origin,
    Payload,
    RemarkKind,
    Snapshot,
    decode,
    resolve,
)
from harmonize.core.schedule import MarginSchedule, Unknown
from harmonize.core.yaml_source import YamlSourceError
from tests.replay.drift import Drift
from tests.replay.gathering import baseline, replayed
from tests.support import recorded, venue_fields
from tests.support.adapter_reads import read_names
from tests.support.altered_snapshots import altered, written
from venues import facts, known_fields, plausibility, registry
from venues.adapter import Parsed
from venues.asset_classes import bundled as bundled_classes
from venues.beliefs import Beliefs
from venues.field_names import Concern, concern_in_row, concern_in_tier, is_absent
from venues.gathering.outcome import Gathered
from venues.known_fields import VenueFields, find_drift, row_kind

WITHOUT_NAMES = {"bitfinex"}
"""Venues whose rows are lists by position."""

KEYED_BY_LEVERAGE = {"whitebit"}
"""Venues whose row with margins is a map from leverage to amount, within a row of fields."""


def live(venue: str) -> Snapshot:
    return baseline()[0][venue].snapshot


def parse(snapshot: Snapshot) -> Parsed:
    return registry.parse([snapshot], facts.bundled())


def is_hidden(schedule: MarginSchedule) -> bool:
    return isinstance(schedule.initial, Unknown) and "unknown field" in schedule.initial.reason


Fields = Callable[[str, VenueFields], Mapping[str, object]]
"""Fields to add to a row, by the row's kind and the known fields of its venue."""


@cache
def rows_with_margins(venue: str) -> Mapping[str, tuple[str, ...]]:
    """Pointers of the live rows with margins, by the hash of the payload that holds them."""
    snapshot = live(venue)
    own = {p.sha256 for p in snapshot.payloads if p.provenance.origin is Origin.LIVE}
    pointers: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for schedule in parse(snapshot).schedules:
        evidence = schedule.evidence[0]
        if evidence.sha256 in own:
            pointers[evidence.sha256] |= dict.fromkeys(evidence.rows)
    return {sha256: tuple(rows) for sha256, rows in pointers.items()}


def with_fields(venues: Iterable[str], fields: Fields) -> dict[str, Parsed]:
    """Live snapshots, gathered from venues that add fields to every row with margins."""
    bodies = {}
    for venue in venues:
        known = known_fields.known_fields()[venue]
        payloads = {payload.sha256: payload for payload in live(venue).payloads}
        for sha256, pointers in rows_with_margins(venue).items():
            document = json.loads(written(decode(payloads[sha256])))
            for pointer in pointers:
                at = pointer.rpartition("/")[0] if venue in KEYED_BY_LEVERAGE else pointer
                kind = row_kind(payloads[sha256].call.method, at)
                row: Any = resolve(document, at)
                row.update({k: v for k, v in fields(kind, known).items() if k not in row})
            bodies[sha256] = json.dumps(document).encode()
    adapters = [adapter for adapter in registry.VENUES if adapter.venue in venues]
    outcomes, _ = replayed(Drift(bodies), adapters)
    gathered = {v: o for v, o in outcomes.items() if isinstance(o, Gathered)}
    assert gathered.keys() == set(venues)
    return {venue: parse(outcome.snapshot) for venue, outcome in gathered.items()}


def named_venues() -> Collection[str]:
    return baseline()[0].keys() - WITHOUT_NAMES


def test_the_file_holds_the_fields_in_recordings_and_those_that_adapters_read() -> None:
    assert venue_fields.PATH.read_text(encoding="utf-8") == venue_fields.text()
    bybit = known_fields.known_fields()["bybit"]
    assert "maintenanceMargin" in bybit.names("publicGetV5MarketRiskLimit 3")


def test_every_field_that_an_adapter_reads_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: defaultdict[str, set[str]] = defaultdict(set)
    venue = ""

    class Traced(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            reads[venue].add(key)
            return super().get(key, default)

        def __getitem__(self, key: str) -> object:
            reads[venue].add(key)
            return super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            reads[venue].add(str(key))
            return super().__contains__(key)

    loads, known, bundled = json.loads, known_fields.known_fields(), facts.bundled()
    snapshots = [
        *(recorded.of_venue(adapter.venue)[-1:] for adapter in registry.VENUES),
        *([gathered.snapshot] for gathered in baseline()[0].values()),
    ]
    monkeypatch.setattr(
        json,
        "loads",
        lambda text, **options: loads(text, object_pairs_hook=Traced, **options),
    )
    for snapshot in (own for group in snapshots for own in group):
        venue = snapshot.venue
        adapter = registry.find_adapter(venue)
        assert adapter is not None
        own = tuple(p for p in snapshot.payloads if p.provenance.origin is not Origin.MARKET)
        adapter.parse(replace(snapshot, payloads=own), bundled)
    assert reads.keys() == known.keys() - WITHOUT_NAMES
    for name, keys in reads.items():
        assert {key for key in keys if key.isidentifier()} <= read_names(name), name
        assert read_names(name) | bundled_classes().names(name) == known[name].read


def test_every_kind_of_row_with_margins_is_known() -> None:
    for venue in named_venues():
        methods = {payload.sha256: payload.call.method for payload in live(venue).payloads}
        known = known_fields.known_fields()[venue]
        for sha256, pointers in rows_with_margins(venue).items():
            kinds = {row_kind(methods[sha256], pointer) for pointer in pointers}
            assert all(known.rows[kind] for kind in kinds), venue


def test_documented_names_are_sorted_and_concern_an_endpoint_of_their_venue() -> None:
    path = Path(known_fields.__file__).with_name("documented_fields.yaml")
    text = path.read_text(encoding="utf-8")
    documented = known_fields.documented_fields(text)
    assert list(documented) == sorted(documented)
    for venue, kinds in documented.items():
        adapter = registry.find_adapter(venue)
        assert adapter is not None
        methods = {endpoint.method for endpoint in adapter.endpoints}
        assert {kind.partition(" ")[0] for kind in kinds} <= methods
        assert list(kinds) == sorted(kinds)
        assert all(kinds.values())
    groups = [block.partition("names: >-")[2].split() for block in text.split("- source:")[1:]]
    for group in groups:
        names = [name for name in group if not name.endswith(":")]
        assert names[:-1] == sorted(names[:-1])
    with pytest.raises(YamlSourceError, match="exactly the keys source and names"):
        known_fields.documented_fields("gate:\n  endpoint 1:\n    - names: a\n")


def test_documented_fields_hide_nothing_and_are_not_told() -> None:
    def documented(kind: str, known: VenueFields) -> Mapping[str, object]:
        return dict.fromkeys(known.names(kind) - known.read, 1)

    for venue, parsed in with_fields(named_venues(), documented).items():
        assert not any(map(is_hidden, parsed.schedules)), venue
        assert parsed.remarks == (), venue


def test_an_unknown_neutral_field_hides_nothing_and_is_told() -> None:
    def neutral(_kind: str, _known: VenueFields) -> Mapping[str, object]:
        return {"colouring": "green", "updatedAt": 1764460800000, "nothing": None, "empty": ""}

    for venue, parsed in with_fields(named_venues(), neutral).items():
        assert not any(map(is_hidden, parsed.schedules)), venue
        named = [remark for remark in parsed.remarks if remark.where.endswith(": colouring")]
        methods = {remark.where.partition(":")[0] for remark in parsed.remarks}
        assert len(named) == len(methods) >= 1, venue
        assert len(parsed.remarks) <= 2 * len(named), venue
        assert all(remark.kind is RemarkKind.UNKNOWN_FIELD for remark in parsed.remarks)


@pytest.mark.parametrize("name", ["marginScaling", "positionUnit", "risk_multiplier"])
def test_an_unknown_field_about_margin_hides_every_schedule(name: str) -> None:
    venues = named_venues() if name == "marginScaling" else {"bybit", "lighter", "extended"}
    for venue, parsed in with_fields(venues, lambda _kind, _known: {name: "2"}).items():
        own = {s.evidence[0].sha256 for s in parsed.schedules}
        assert own
        hidden = [schedule for schedule in parsed.schedules if is_hidden(schedule)]
        documentation = sum(s.origin is Origin.DOCUMENTATION for s in parsed.schedules)
        assert len(hidden) + documentation == len(parsed.schedules), venue
        assert all(defect.where.endswith(f"/{name}") for defect in parsed.defects)


def test_live_rows_of_hyperliquid_with_all_their_fields_are_known() -> None:
    snapshot = live("hyperliquid")
    target = next(p for p in snapshot.payloads if "allPerpMetas" in str(p.call))
    document: Any = decode(target)
    for row in (row for meta in document for row in meta["universe"]):
        row |= {"isDelisted": row.get("isDelisted"), "growthMode": "enabled", "onlyIsolated": True}
        row |= {"marginMode": "strictIsolated", "deployerFeeScale": "1.0"}
    body = written(document)
    outcomes, _ = replayed(
        Drift({target.sha256: body}), [a for a in registry.VENUES if a.venue == "hyperliquid"]
    )
    gathered = outcomes["hyperliquid"]
    assert isinstance(gathered, Gathered)
    parsed = parse(gathered.snapshot)
    assert (parsed.defects, parsed.remarks) == ((), ())
    assert len(parsed.schedules) == len(parse(snapshot).schedules)
    assert {str(schedule.profile) for schedule in parsed.schedules} == {"isolated"}


def test_an_unknown_field_of_an_instrument_hides_tiers_that_lie_elsewhere() -> None:
    snapshot = live("hyperliquid")
    by_type = {dict(p.call.params)["type"]: p for p in snapshot.payloads}
    target = by_type["allPerpMetas"]
    document: Any = decode(target)
    tiered = next(row for row in document[0]["universe"] if row["marginTableId"] >= 50)
    tiered["marginScale"] = 2
    changed = Payload.of(
        target.venue, target.call, target.observed_at, target.provenance, written(document)
    )
    payloads = tuple(changed if payload is target else payload for payload in snapshot.payloads)
    parsed = parse(replace(snapshot, payloads=payloads))
    (defect,) = parsed.defects
    assert defect.symbol == tiered["name"]
    assert defect.where.endswith("/marginScale")


def test_an_unknown_number_hides_a_tier_and_a_text_does_not() -> None:
    snapshot = live("krakenfutures")

    def with_value(value: object) -> Parsed:
        def change(document: dict[str, list[dict[str, list[dict[str, object]]]]]) -> None:
            document["instruments"][0]["marginLevels"][0]["colour"] = "green"
            document["instruments"][0]["marginLevels"][0]["shade"] = value

        return parse(altered(snapshot, "publicGetInstruments", change))

    for value in (2, "2", True, "false", ["a"], {"a": "b"}):
        (defect,) = with_value(value).defects
        assert defect.where.endswith("/marginLevels/0/shade")
        assert defect.reason == "unknown field"
    told = with_value("dark")
    assert told.defects == ()
    assert [remark.where for remark in told.remarks if "shade" in remark.where] == [
        "publicGetInstruments: shade"
    ]
    absent: tuple[object, ...] = (None, "", [], {})
    assert all(with_value(value).defects == () for value in absent)


def test_a_field_beside_the_tiers_hides_by_its_name_only() -> None:
    snapshot = live("xt")
    method = "publicLinearGetFutureMarketV1PublicLeverageBracketList"

    def beside(**fields: object) -> Parsed:
        return parse(
            altered(snapshot, method, lambda document: document["result"][0].update(fields))
        )

    (defect,) = beside(notionalCoef=4.0).defects
    assert defect.where.endswith("/result/0/notionalCoef")
    told = beside(serial=7)
    assert told.defects == ()
    (remark,) = told.remarks
    assert remark.text == (
        f"unknown field serial in 1\N{NO-BREAK SPACE}row of {method}, first at /result/0/serial; "
        "it hides no margin"
    )


def test_an_unknown_field_of_an_instrument_hides_only_if_it_concerns_margin() -> None:
    instruments = live("mudrex")

    def first(**fields: object) -> Parsed:
        return parse(
            altered(instruments, "privateGetFutures", lambda d: d["data"][0].update(fields))
        )

    neutral = {"colour": "green", "shade": 3, "extra": {"a": 1}, "min_order_size": 3}
    assert first(**neutral).defects == ()
    for name, value in (
        ("risk_tier", 2),
        ("extra", [{"marginScale": 2}]),
        ("contract_unit", "USD"),
        ("delist_time", 1),
    ):
        (defect,) = first(**{name: value}).defects
        assert defect.where.endswith(f"/data/0/{name}")


def test_a_short_row_of_an_instrument_is_no_tier() -> None:
    snapshot = live("pacifica")
    method = "publicGetInfo"
    assert not known_fields.known_fields()["pacifica"].is_tier_row(row_kind(method, "/data/0"))
    parsed = parse(altered(snapshot, method, lambda document: document["data"][0].update(serial=1)))
    assert parsed.defects == ()
    assert [remark.where for remark in parsed.remarks] == [f"{method}: serial"]
    tiers = {
        "binance": "fapiPrivateGetLeverageBracket 3",
        "bybit": "publicGetV5MarketRiskLimit 3",
        "gate": "publicFuturesGetSettleRiskLimitTiers 1",
        "hyperliquid": "publicPostInfo 6",
        "okx": "publicGetPublicPositionTiers 2",
        "paradex": "publicGetMarkets 3",
    }
    assert all(known_fields.known_fields()[venue].is_tier_row(k) for venue, k in tiers.items())


def test_rows_of_an_endpoint_without_any_known_row_are_judged_as_tiers() -> None:
    snapshot = live("xt")
    schedules = parse(snapshot).schedules
    unread = find_drift(snapshot, schedules, VenueFields()).hiding
    assert unread.keys() == {schedule.key for schedule in schedules}
    assert {where.rpartition("/")[2] for _, where in unread.values()} == {"leverageBrackets"}
    read = VenueFields(known_fields.known_fields()["xt"].read)
    hiding = find_drift(snapshot, schedules, read).hiding.values()
    assert {where.rpartition("/")[2] for _, where in hiding} == {"minLeverage"}


def test_rows_on_a_further_page_are_examined() -> None:
    snapshot = live("xt")
    first, second = parse(snapshot).schedules
    (page,) = second.evidence
    known = known_fields.known_fields()["xt"]
    changed = altered(
        snapshot,
        "publicInverseGetFutureMarketV1PublicLeverageBracketList",
        lambda document: document["result"][0]["leverageBrackets"][0].update(marginUnit="x"),
    )
    other = next(p for p in changed.payloads if p not in snapshot.payloads)
    paged = replace(
        first, evidence=(*first.evidence, Evidence(other.sha256, page.rows, page.columns))
    )
    fields = {"xt": known}
    references = plausibility.References(Beliefs(), Beliefs, lambda *_: False)
    screened = plausibility.screen(changed, Parsed((paged,), ()), lambda: fields, references, {})
    (defect,) = screened.parsed.defects
    assert defect.where == f"{other.call} at {page.rows[0]}/marginUnit"


def test_a_further_leverage_in_a_map_is_no_unknown_field() -> None:
    snapshot = live("whitebit")

    def change(document: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        document["result"][0]["brackets"]["75"] = "1000"

    parsed = parse(altered(snapshot, "v4PublicGetFutures", change))
    assert (parsed.defects, parsed.remarks) == ((), ())


def test_unknown_fields_are_told_in_the_audit_once_per_venue_and_field(tmp_path: Path) -> None:
    def change(document: dict[str, list[dict[str, object]]]) -> None:
        for row in document["data"]:
            row |= {"colouring\x1b": "green", "icon_url": "x", "listed_at": 1}

    snapshot = altered(live("mudrex"), "privateGetFutures", change)
    Archive.create(tmp_path / "a").append(snapshot)
    answered = answer(Question(archive=tmp_path / "a", venues=("mudrex",)))
    findings = [finding for finding in answered.document.findings if finding.code == "MH907"]
    count, named = sorted(finding.message for finding in findings)
    space = "\N{NO-BREAK SPACE}"
    assert count == f"2{space}unknown fields of privateGetFutures that cannot concern margin"
    assert named == (
        f"unknown field 'colouring\\x1b' in 40{space}rows of privateGetFutures, "
        "first at '/data/0/colouring\\x1b'; it hides no margin"
    )
    assert {finding.level for finding in findings} == {"info"}
    assert len({finding.fingerprint for finding in findings}) == 2
    assert answered.complete


def test_many_or_long_unknown_fields_are_told_briefly() -> None:
    snapshot = live("mudrex")

    def change(document: dict[str, list[dict[str, object]]]) -> None:
        document["data"][0].update({f"extra{number:02}": number for number in range(30)})
        document["data"][0]["a" * 10_000] = 1

    parsed = parse(altered(snapshot, "privateGetFutures", change))
    assert parsed.defects == ()
    assert len(parsed.remarks) == known_fields.MAX_NAMED_FIELDS + 1
    assert parsed.remarks[-1].text == (
        "11\N{NO-BREAK SPACE}further unknown fields of privateGetFutures, which hide no margin"
    )
    assert max(len(remark.text) for remark in parsed.remarks) < 400


@pytest.mark.parametrize(
    ("name", "in_row", "in_tier"),
    [
        ("marginRatio", Concern.MARGIN, Concern.MARGIN),
        ("maxLeverage", Concern.MARGIN, Concern.MARGIN),
        ("maint_rate", Concern.MARGIN, Concern.MARGIN),
        ("baseIMR", Concern.MARGIN, Concern.MARGIN),
        ("notionalCoef", Concern.MARGIN, Concern.MARGIN),
        ("contractSize", Concern.MARGIN, Concern.MARGIN),
        ("faceValue", Concern.MARGIN, Concern.MARGIN),
        ("quoteScale", Concern.MARGIN, Concern.MARGIN),
        ("settleCurrency", Concern.MARGIN, Concern.MARGIN),
        ("tradingStatus", Concern.MARGIN, Concern.MARGIN),
        ("positionMode", Concern.MARGIN, Concern.MARGIN),
        ("expiryTime", Concern.MARGIN, Concern.MARGIN),
        ("delistedAt", Concern.MARGIN, Concern.MARGIN),
        ("reduceOnly", Concern.MARGIN, Concern.MARGIN),
        ("is_paused", Concern.MARGIN, Concern.MARGIN),
        ("canTrade", Concern.MARGIN, Concern.MARGIN),
        ("initialRate", Concern.MARGIN, Concern.MARGIN),
        ("tickSize", Concern.NEUTRAL, Concern.NEUTRAL),
        ("takerFeeRate", Concern.NEUTRAL, Concern.NEUTRAL),
        ("fundingCap", Concern.NEUTRAL, Concern.NEUTRAL),
        ("marginUpdatedTime", Concern.NEUTRAL, Concern.NEUTRAL),
        ("riskLimitDescription", Concern.NEUTRAL, Concern.NEUTRAL),
        ("launch_date", Concern.NEUTRAL, Concern.NEUTRAL),
        ("qtyPrecision", Concern.NEUTRAL, Concern.NEUTRAL),
        ("instrumentId", Concern.NEUTRAL, Concern.NEUTRAL),
        ("minOrderQty", Concern.NEUTRAL, Concern.MARGIN),
        ("value24h", Concern.NEUTRAL, Concern.MARGIN),
        ("maxVol", Concern.NEUTRAL, Concern.MARGIN),
        ("openInterestValue", Concern.NEUTRAL, Concern.MARGIN),
        ("serial", Concern.UNCLEAR, Concern.MARGIN),
    ],
)
def test_the_words_of_a_name_decide(name: str, in_row: Concern, in_tier: Concern) -> None:
    assert concern_in_row(name, 1) is in_row
    assert concern_in_tier(name, 1) is in_tier


def test_null_and_empty_values_are_absent_and_zero_is_not() -> None:
    assert all(map(is_absent, (None, "", [], {})))
    assert not any(map(is_absent, (0, False, "0", [0], {"a": None})))
