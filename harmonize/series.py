"""One schedule over time, as the archive saw it: margins at notionals, and when they changed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time

from harmonize.app import AskedError, NotObservedError, Question, recorded, sources_of
from harmonize.archive import ArchiveError
from harmonize.changes import Observed, changes
from harmonize.choice import preferred
from harmonize.offers import margin
from harmonize.panel import PieceNumbers
from harmonize.payload import Snapshot
from harmonize.responsiveness import Responsiveness, responsiveness
from harmonize.schedule import Figure, MarginFunction, MarginSchedule, value_of
from harmonize.split import Offer
from venues import facts, registry
from venues.outcome import attempt


@dataclass(frozen=True, slots=True)
class Seen:
    """The margins of a schedule at one observation, in USD, in the order of the notionals asked.

    ``kind`` is what changed since the observation before; empty where nothing did, or for the first.
    """

    observed_at: str
    initial: tuple[float | None, ...]
    maintenance: tuple[float | None, ...]
    capacity: float | None
    kind: str


@dataclass(frozen=True, slots=True)
class Course:
    """How IM or MM at one notional moved."""

    figure: str
    notional: float
    measured: Responsiveness


@dataclass(frozen=True, slots=True)
class Series:
    """One schedule over time. ``left_out`` are observations that could not be read, and why."""

    venue: str
    symbol: str
    profile: str
    notionals: tuple[float, ...]
    seen: tuple[Seen, ...]
    courses: tuple[Course, ...]
    left_out: tuple[str, ...]

    def as_object(self) -> dict[str, object]:
        """The series for JSON."""
        return asdict(self)


def series(question: Question, venue: str, symbol: str) -> Series:
    """Read every snapshot of a venue up to the question's day, and follow one symbol through them.

    Raises AskedError: no such venue; NotObservedError: the symbol is in none; ArchiveError.
    """
    if registry.adapter(venue) is None:
        known = ", ".join(one.venue for one in registry.VENUES)
        message = f"no venue is called {venue}; there are {known}"
        raise AskedError(message)
    held, left_out = _held(question, venue, symbol)
    if not held:
        message = f"{venue} has no schedule of {symbol} in any snapshot"
        raise NotObservedError(message)
    seen = tuple(
        _seen(one, held[place - 1] if place else None, question.ladder)
        for place, one in enumerate(held)
    )
    return Series(
        venue,
        held[-1].instrument.symbol,
        str(held[-1].profile),
        question.ladder,
        seen,
        tuple(_courses(held, seen, question.ladder)),
        left_out,
    )


def _held(
    question: Question, venue: str, symbol: str
) -> tuple[list[MarginSchedule], tuple[str, ...]]:
    """The symbol's schedule in every snapshot that has it, in order of time.

    Of several profiles the one that the newest snapshot prefers is followed through all of them.
    """
    limit = datetime.combine(question.as_of, time.max, UTC) if question.as_of else None
    found: dict[datetime, list[MarginSchedule]] = {}
    left_out: list[str] = []
    with recorded() as path:
        for source in sources_of(question, path):
            for entry in source.entries:
                if entry.venue != venue or (limit and entry.observed_at > limit):
                    continue
                try:
                    snapshot = source.archive.read(entry)
                except ArchiveError as error:
                    left_out.append(f"{entry.observed_at:%Y-%m-%d}: {error}")
                    continue
                reason = attempt(snapshot)
                if reason is not None:
                    left_out.append(f"{entry.observed_at:%Y-%m-%d}: {reason}")
                    continue
                for one in _named(snapshot, symbol, question.profile):
                    found.setdefault(one.observed_at, []).append(one)
    if not found:
        return [], tuple(left_out)
    key = preferred(found[max(found)]).key
    followed = [one for when in sorted(found) for one in found[when] if one.key == key]
    return followed, tuple(left_out)


def _named(snapshot: Snapshot, symbol: str, profile: str) -> list[MarginSchedule]:
    parsed = registry.parse([snapshot], facts.bundled())
    wanted = symbol.upper()
    return [
        one
        for one in parsed.schedules
        if wanted in {one.instrument.symbol.upper(), one.instrument.id.upper()}
        and (not profile or profile in {str(one.profile), *str(one.profile).split(", ")})
    ]


def _seen(one: MarginSchedule, before: MarginSchedule | None, notionals: Sequence[float]) -> Seen:
    capacity = value_of(one.capacity)
    return Seen(
        observed_at=f"{one.observed_at:%Y-%m-%dT%H:%M:%SZ}",
        initial=_margins(one.initial, capacity, notionals),
        maintenance=_margins(one.maintenance, capacity, notionals),
        capacity=None if capacity is None else float(capacity),
        kind=_kind(before, one) if before else "",
    )


def _margins(
    figure: Figure[MarginFunction], capacity: object, notionals: Sequence[float]
) -> tuple[float | None, ...]:
    function = value_of(figure)
    if function is None:
        return (None,) * len(notionals)
    limit = float("inf") if capacity is None else float(str(capacity))
    offer = Offer(_pieces(function), limit)
    return tuple(margin(offer, size) for size in notionals)


def _pieces(function: MarginFunction) -> tuple[PieceNumbers, ...]:
    lower, found = 0.0, []
    for one in function.pieces:
        terms = (one.upper, one.fixed, one.rate, one.coefficient, one.power)
        upper, fixed, rate, coefficient, power = map(float, terms)
        found.append((lower, upper, fixed, rate, coefficient, power))
        lower = upper
    return tuple(found)


def _kind(before: MarginSchedule, after: MarginSchedule) -> str:
    found = changes(Observed((before,), frozenset()), Observed((after,), frozenset()), ())
    return found[0].kind.value if found else ""


def _courses(
    held: Sequence[MarginSchedule], seen: Sequence[Seen], notionals: Sequence[float]
) -> list[Course]:
    courses = []
    for figure in ("initial", "maintenance"):
        for place, size in enumerate(notionals):
            points = [
                (one.observed_at, asked)
                for one, row in zip(held, seen, strict=True)
                if (asked := getattr(row, figure)[place]) is not None and asked > 0.0
            ]
            if points:
                courses.append(Course(figure, size, responsiveness(points)))
    return courses
