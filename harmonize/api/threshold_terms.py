"""Terms and answers about daily thresholds: values without behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from harmonize.adequacy.factors import Depth, VenueVolume
from harmonize.adequacy.horizons import Side
from harmonize.api.threshold_series import SeriesPart
from harmonize.core.date_precision import EXACT, DatePrecision
from harmonize.core.schedule import Unknown
from harmonize.document import threshold_sentences
from harmonize.market.prices import SeriesId
from harmonize.thresholds.choice import Candidate, DefaultThreshold
from harmonize.thresholds.evaluation import AssetScores
from harmonize.thresholds.gate import GateResult
from harmonize.thresholds.scores import CostScore
from harmonize.thresholds.signal_record import SignalRecord
from harmonize.thresholds.signals import Evidence


@dataclass(frozen=True, slots=True)
class ThresholdTerms:
    """Level and horizon in days, size of positions in USD, and whether boosting is included."""

    level: float = 0.99
    horizon: int = 1
    notional: float = 1e6
    is_learning: bool = False


class Move(StrEnum):
    """What the margin of an asset should do."""

    RISE = threshold_sentences.RISE
    FALL = threshold_sentences.FALL
    STAY = threshold_sentences.STAY
    DISPUTED = threshold_sentences.DISPUTED
    OPEN = threshold_sentences.OPEN
    UNKNOWN = threshold_sentences.UNKNOWN


class Certainty(StrEnum):
    """How sure a statement is, highest first: by the models that agree and what the data allow."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class VenueRate:
    """IM of a venue at one size as a fraction of notional, with the date of its table.

    ``observed_at`` is the latest possible time of the observation. ``is_excluded``: the venue cannot be
    compared with others, for the reason that stands in place of its rate.
    """

    venue: str
    symbol: str
    rate: float | Unknown
    observed_at: datetime
    precision: DatePrecision = EXACT
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Statements:
    """Models without a tool that cover both sides, by what each says of a margin."""

    rising: int = 0
    falling: int = 0
    staying: int = 0

    @property
    def total(self) -> int:
        """Models that say anything."""
        return self.rising + self.falling + self.staying

    def of(self, move: Move) -> int:
        """Returns the models that say ``move``."""
        counts = {
            Move.RISE: self.rising,
            Move.FALL: self.falling,
            Move.STAY: self.staying,
        }
        return counts.get(move, 0)


@dataclass(frozen=True, slots=True)
class Advice:
    """Whether a margin should move: ``subject`` is whose margin, ``sentence`` the whole in words.

    ``required`` is its rate, ``threshold`` that of the default path at the size of the position, with
    its 95 % interval from ``sample``; ``upper`` is None if the sample does not bound it. ``agreeing`` of
    the models of ``statements`` say what the interval says. If fewer than half of them do, ``move`` is
    ``Move.DISPUTED``; without a model, ``Move.OPEN``. ``certainty_text`` states the certainty and what lowers it.
    """

    asset: str
    subject: str
    required: float | Unknown
    threshold: float | Unknown
    lower: float | None
    upper: float | None
    sample: str
    move: Move
    certainty: Certainty
    certainty_text: str
    agreeing: int
    statements: Statements
    sentence: str


@dataclass(frozen=True, slots=True)
class DayLoss:
    """Loss of one side on a day since 1970, as a fraction of notional."""

    day: int
    side: Side
    loss: float


@dataclass(frozen=True, slots=True)
class RecentPath:
    """Margin rates over one day of the default path and of the benchmark, on the last days that have them.

    Both have a rate per day from ``first_day`` (since 1970) on, with four significant digits; None where
    the day has none. ``losses`` are those above the default. The fallbacks name the model that stands in
    place of that of a path on some of these days; empty: none does. ``sized`` is the default at the size
    of the question, by ``volume``, the average daily volume in USD known before the day; None where no
    perpetual has one.
    """

    first_day: int | None = None
    default: tuple[float | None, ...] = ()
    fast: tuple[float | None, ...] = ()
    losses: tuple[DayLoss, ...] = ()
    default_fallback: str = ""
    fast_fallback: str = ""
    sized: tuple[float | None, ...] = ()
    volume: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class SizeEffect:
    """How volume moved the threshold of a position of one size, on the tested days with a known volume.

    Each day, the threshold is multiplied by a factor; an infinite one means that nothing was traded, so
    that the threshold is the whole position. ``volume`` is the average daily volume in USD of ``source``,
    by which the factor is largest on ``largest_day``, since 1970. ``sized`` and ``unsized`` are the cost and calm of the
    threshold with and without size, on the same ``days`` days.
    """

    smallest: float
    largest: float
    largest_day: int
    volume: float
    source: SeriesId
    days: int
    sized: CostScore
    unsized: CostScore


@dataclass(frozen=True, slots=True)
class SizeThreshold:
    """Default threshold of a position by its size, as fractions of notional.

    ``by_volume`` adds the close-out over days of volume, ``by_depth`` the cost of closing at once.
    """

    notional: float
    by_volume: float | Unknown
    by_depth: float | Unknown
    effect: SizeEffect | Unknown


@dataclass(frozen=True, slots=True)
class VolumeSource:
    """Perpetual with the largest volume on ``days`` tested days or the last one; days since 1970."""

    id: SeriesId
    first_day: int
    last_day: int
    days: int


@dataclass(frozen=True, slots=True)
class ThresholdsBySize:
    """Thresholds by size, the perpetuals whose volume gives the size by day, and what is not known."""

    sizes: tuple[SizeThreshold, ...] = ()
    sources: tuple[VolumeSource, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, notional: float) -> SizeThreshold:
        """Returns the threshold of a size. Raises StopIteration: it is not among the sizes."""
        return next(own for own in self.sizes if own.notional == notional)


@dataclass(frozen=True, slots=True)
class EpisodeModel:
    """What a model asked on the eve of an episode and at most within 30 days.

    Rates are margin rates for both sides. ``rose_on`` is the first day, in days since 1970, on which
    the margin was 10 % above that of the eve; None: none was. ``fallback`` states that another model
    stands in its place on some of these days; empty: none does.
    """

    model: str
    eve: float
    largest: float
    rose_on: int | None
    mover: str
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class EpisodeVenue:
    """What a venue required: the rate on the last observation before an episode, and its first rise.

    The rise happened between ``before`` and ``after``; both None: no rise was observed within 90 days.
    ``largest`` is the highest rate observed within 90 days, ``next_at`` the first observation in them.
    """

    venue: str
    symbol: str
    eve: float | Unknown
    eve_at: datetime | None
    before: datetime | None
    after: datetime | None
    largest: float | Unknown
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One episode of one asset: the worst daily fall, its day since 1970, the models and the venue."""

    asset: str
    name: str
    first_day: int
    last_day: int
    series: str
    fall: float | Unknown
    fall_day: int | None
    models: tuple[EpisodeModel, ...]
    venue: EpisodeVenue | Unknown


@dataclass(frozen=True, slots=True)
class SignalState:
    """Record of one signal over the assets, its evidence where it is on now, and where nothing tells.

    ``not_judged`` are the assets on which the signal is not on, because a margin that it compares is absent.
    """

    record: SignalRecord | Unknown
    signal: str
    now: tuple[Evidence, ...]
    not_judged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AssetThresholds:
    """Thresholds of one asset with the series, inputs and advice behind them.

    ``age_days`` counts from the last return to the time of the answer.
    """

    asset: str
    parts: tuple[SeriesPart, ...]
    returns: int
    age_days: int
    scores: AssetScores
    venues: tuple[VenueRate, ...]
    reference: float | Unknown
    advice: tuple[Advice, ...]
    volume: VenueVolume | Unknown
    depth: Depth | Unknown
    by_size: ThresholdsBySize
    recent: RecentPath


@dataclass(frozen=True, slots=True)
class ThresholdsAnswer:
    """Thresholds of the assets, the gate over them, the default and the signals.

    ``unanswered`` are assets without a threshold, and why. ``judged`` are those over which models are
    judged, ``not_judged`` states why others do not count. ``candidates`` are all paths over the
    assets; ``not_compared`` states why some are none. ``missing`` and ``notes`` as in other answers.
    """

    as_of: datetime
    archive: str
    terms: ThresholdTerms
    assets: tuple[AssetThresholds, ...]
    judged: tuple[str, ...]
    not_judged: Mapping[str, str]
    gate: tuple[GateResult, ...]
    candidates: tuple[Candidate, ...]
    not_compared: Mapping[str, str]
    default: DefaultThreshold | Unknown
    signals: tuple[SignalState, ...]
    episodes: tuple[EpisodeResult, ...]
    unanswered: Mapping[str, str]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sides(self) -> int:
        """Sides of the judged assets, on which a path has to cover."""
        return 2 * len(self.judged)
