"""Checks live schedules for errors of scale and structure, by rules that hold at every venue.

A schedule that fails is withheld. It is held against the numbers last believed, not against those last
sent, until a later observation agrees with them or a person accepts the new ones. Recordings are
exempt, because they were reviewed manually.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median

from harmonize.core.payload import (
    Call,
    Defect,
    Evidence,
    Origin,
    Remark,
    RemarkKind,
    Snapshot,
    resolve,
)
from harmonize.core.schedule import MarginFunction, MarginSchedule, Unknown, value_of
from venues.adapter import Parsed
from venues.beliefs import Beliefs
from venues.continuity import Implausible, Key, find_doubled, find_implausible
from venues.known_fields import FieldDrift, KnownFields, VenueFields, find_drift
from venues.published import (
    Documents,
    Published,
    PublishedPrice,
    as_number,
    evidence_hashes,
    published_numbers,
)

LEVERAGES = ("initialLeverage", "leverage", "leverage_max", "maxLever", "maxLeverage")
"""Field names that venues use for the maximum leverage of a tier."""

MIN_PRODUCT, MAX_PRODUCT = Decimal("0.6"), Decimal("1.6")
"""Limits of IM rate × maximum leverage: 1 up to rounding, 2 if one of them is doubled."""

_HELD = "withheld until it returns or `harmonize accept` records that it is right"

PRICE_SPREAD = 1.3
"""Largest plausible ratio between the prices that one row gives for one contract."""

_PRICE_WORDS = ("price", "px")
_PRICE_KINDS = ("mark", "index", "last", "oracle", "fair")
_NOT_PRICES = (
    "round",
    "tick",
    "step",
    "type",
    "ratio",
    "limit",
    "scale",
    "precision",
    "deviat",
    "time",
)


@dataclass(frozen=True, slots=True)
class Breach:
    """Failed plausibility check: JSON pointer in the payload, and the reason.

    ``call`` names the payload, if it is not the one of the schedule's first row.
    """

    where: str
    reason: str
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class References:
    """What a live snapshot is held against.

    ``beliefs`` are the venue's numbers before the snapshot. ``recorded`` returns those of the shipped
    recordings, for contracts without beliefs: a first night, or a new listing. ``confirms`` tells
    whether another venue confirms the price of an asset, in USD per coin.
    """

    beliefs: Beliefs
    recorded: Callable[[], Beliefs]
    confirms: Callable[[str, Decimal], bool]

    def is_confirmed(self, schedule: MarginSchedule, change: Implausible | None) -> bool:
        """Whether only a price moved implausibly far, and another venue confirms it."""
        if change is None or change.price is None:
            return False
        underlying = schedule.instrument.underlying
        return self.confirms(underlying.asset, change.price / underlying.multiplier)

    def numbers(self, keys: AbstractSet[Key]) -> Mapping[Key, Published]:
        """Returns the numbers to hold the schedules ``keys`` against.

        A profile without a recording is held against another profile of the contract.
        """
        numbers = self.beliefs.all_numbers()
        unknown = keys - numbers.keys()
        recorded = self.recorded().all_numbers() if unknown else {}
        by_symbol = {key[:2]: own for key, own in recorded.items()}
        for key in unknown:
            own = recorded.get(key) or by_symbol.get(key[:2])
            if own is not None:
                numbers[key] = own
        return numbers


@dataclass(frozen=True, slots=True)
class Screened:
    """Result of the checks: schedules and defects, the defect of each withheld one, new beliefs."""

    parsed: Parsed
    withheld: Mapping[Key, Defect]
    beliefs: Beliefs


def screen(
    snapshot: Snapshot,
    parsed: Parsed,
    fields: Callable[[], KnownFields],
    references: References,
    accepted: Mapping[str, str],
) -> Screened:
    """Checks every schedule of a live snapshot and withholds those that fail.

    ``accepted`` notes who accepted numbers of this snapshot, by contract id; these pass.
    """
    if not any(payload.provenance.origin is Origin.LIVE for payload in snapshot.payloads):
        beliefs = references.beliefs.with_recording(snapshot, parsed.schedules)
        return Screened(parsed, {}, beliefs)
    known = fields().get(snapshot.venue, VenueFields())
    live = _LiveSnapshot.of(snapshot, parsed, find_drift(snapshot, parsed.schedules, known))
    before = references.numbers(live.numbers.keys())
    changes = find_implausible(before, live.numbers)
    breaches = {
        schedule.key: breach
        for schedule in parsed.schedules
        if schedule.instrument.id not in accepted
        and (breach := live.breach(schedule, changes.get(schedule.key), references))
    }
    withheld = {
        schedule.key: _defect(schedule, breaches[schedule.key])
        for schedule in parsed.schedules
        if schedule.key in breaches
    }
    return Screened(
        replace(
            parsed,
            schedules=tuple(_judged(schedule, breaches, accepted) for schedule in parsed.schedules),
            defects=(*parsed.defects, *withheld.values()),
            remarks=(*parsed.remarks, *live.drift.remarks, *live.doubled(before, breaches)),
        ),
        withheld,
        references.beliefs.contested(breaches.keys(), snapshot.observed_at).with_numbers(
            {key: own for key, own in live.numbers.items() if key not in breaches}
        ),
    )


def _defect(schedule: MarginSchedule, breach: Breach) -> Defect:
    instrument = schedule.instrument
    return Defect(instrument.venue, breach.where, breach.reason, instrument.id)


def _judged(
    schedule: MarginSchedule, breaches: Mapping[Key, Breach], accepted: Mapping[str, str]
) -> MarginSchedule:
    """The schedule, without margins if it fails, or with the note of who accepted it."""
    breach = breaches.get(schedule.key)
    if breach is not None:
        return without_margins(schedule, f"{breach.where}: {breach.reason}")
    note = accepted.get(schedule.instrument.id)
    return replace(schedule, notes=(*schedule.notes, note)) if note else schedule


@dataclass(frozen=True, slots=True)
class _LiveSnapshot:
    """A live snapshot with its decoded payloads and the numbers of its schedules.

    ``drift`` are fields of its rows that are not known.
    """

    documents: Documents
    numbers: Mapping[Key, Published]
    drift: FieldDrift

    @classmethod
    def of(cls, snapshot: Snapshot, parsed: Parsed, drift: FieldDrift) -> "_LiveSnapshot":
        """Reads the numbers of a snapshot's schedules."""
        documents = Documents.of(snapshot, _needed_payloads(parsed.schedules))
        numbers = {s.key: published_numbers(s, documents) for s in parsed.schedules}
        return cls(documents, numbers, drift)

    def breach(
        self, schedule: MarginSchedule, change: Implausible | None, references: References
    ) -> Breach | None:
        """Returns the first failed check of a schedule, with the call in its location."""
        evidence = schedule.evidence[0]
        call = self.documents.calls[evidence.sha256]
        document = self.documents.get(evidence.sha256)
        breach = (
            _unknown_field(schedule, self.drift)
            or _leverage_mismatch(document, evidence, schedule)
            or _maintenance_above_initial(schedule, evidence)
            or _price_disagreement(self.numbers[schedule.key].prices, self.documents)
        )
        if breach is None and change and not references.is_confirmed(schedule, change):
            breach = Breach(evidence.rows[0], f"{change.reason}; {_HELD}")
        if breach is None:
            return None
        return Breach(f"{breach.call or call} at {breach.where or '/'}", breach.reason)

    def doubled(
        self, before: Mapping[Key, Published], breaches: Mapping[Key, Breach]
    ) -> Iterator[Remark]:
        """Remarks on numbers that are exactly twice or half those before."""
        for key, own in self.numbers.items():
            text = find_doubled(before[key], own) if key in before and key not in breaches else ""
            if text:
                where = f"{key[1]} {key[2]}"
                yield Remark(key[0], where, text, RemarkKind.DOUBLED, own.contract_id)


def _needed_payloads(schedules: Iterable[MarginSchedule]) -> set[str]:
    """Hashes of the payloads with the schedules' numbers and with the prices that convert them."""
    of_schedules = tuple(schedules)
    prices = {
        factor.sha256
        for schedule in of_schedules
        for page in schedule.evidence[:1]
        if page.conversion is not None
        for factor in page.conversion.factors
        if factor.origin is not Origin.MARKET
    }
    return evidence_hashes(of_schedules) | prices


def without_margins(schedule: MarginSchedule, reason: str) -> MarginSchedule:
    """Schedule without any margins or capacity, for data that is not plausible."""
    unknown = Unknown(reason)
    return replace(schedule, tiers=(), initial=unknown, maintenance=unknown, capacity=unknown)


def _unknown_field(schedule: MarginSchedule, drift: FieldDrift) -> Breach | None:
    if schedule.key not in drift.hiding:
        return None
    call, where = drift.hiding[schedule.key]
    return Breach(where, "unknown field", call)


def _leverage_mismatch(
    document: object, evidence: Evidence, schedule: MarginSchedule
) -> Breach | None:
    """Breach if a row's IM rate × maximum leverage differs from 1 by more than rounding."""
    if len(evidence.rows) != len(schedule.tiers):
        return None
    for tier, pointer in zip(schedule.tiers, evidence.rows, strict=True):
        row = resolve(document, pointer)
        for name in LEVERAGES:
            leverage = as_number(row.get(name)) if isinstance(row, dict) else None
            if not leverage or tier.initial_rate is None:
                continue
            if not MIN_PRODUCT <= leverage * tier.initial_rate <= MAX_PRODUCT:
                reason = (
                    f"maximum leverage {leverage:f} contradicts the IM rate {tier.initial_rate:f}"
                )
                return Breach(f"{pointer}/{name}", reason)
    return None


def _maintenance_above_initial(schedule: MarginSchedule, evidence: Evidence) -> Breach | None:
    """Breach if MM exceeds IM."""
    initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
    if initial is None or maintenance is None:
        return None
    for tier, pointer in zip(schedule.tiers, evidence.rows, strict=False):
        if (
            tier.initial_rate is not None
            and tier.maintenance_rate is not None
            and tier.maintenance_rate > tier.initial_rate
        ):
            reason = f"MM rate {tier.maintenance_rate:f} exceeds the IM rate {tier.initial_rate:f}"
            return Breach(pointer, reason)
    mm_rate, im_rate = _first_rate(maintenance), _first_rate(initial)
    if mm_rate > im_rate:
        return Breach(
            evidence.rows[0], f"MM rate {mm_rate:f} at 1 USD exceeds the IM rate {im_rate:f}"
        )
    return None


def _price_disagreement(prices: tuple[PublishedPrice, ...], documents: Documents) -> Breach | None:
    """Breach if a price differs from the other prices that its row gives for the contract."""
    for price in prices:
        row_pointer, _, own_name = price.pointer.rpartition("/")
        try:
            row = resolve(documents.get(price.sha256), row_pointer)
        except KeyError:
            continue
        others = list(_other_prices(row, own_name)) if isinstance(row, dict) else []
        if not others or not price.value:
            continue
        middle = median(others)
        ratio = float(price.value / middle)
        if not 1 / PRICE_SPREAD <= ratio <= PRICE_SPREAD:
            reason = f"the {price.name} is {price.value:f}, other prices in its row are {middle:f}"
            return Breach(price.pointer, reason)
    return None


def _other_prices(row: Mapping[str, object], own_name: str) -> Iterator[Decimal]:
    for name, raw in row.items():
        lowered = name.lower()
        if (
            name != own_name
            and any(word in lowered for word in _PRICE_WORDS)
            and any(kind in lowered for kind in _PRICE_KINDS)
            and not any(word in lowered for word in _NOT_PRICES)
        ):
            value = as_number(raw)
            if value is not None and value > 0:
                yield value


def _first_rate(function: MarginFunction) -> Decimal:
    """Margin rate of a position of 1 USD."""
    piece = function.pieces[0]
    return piece.fixed + piece.rate + piece.coefficient
