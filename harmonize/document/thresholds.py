"""Rows of the audit document on daily margin thresholds: models, their comparison, signals, episodes.

Rates and shares are fractions, days ISO 8601 dates in UTC. A number of ``None`` is not observable; the
reason beside it states why.
"""

from dataclasses import dataclass, field

from harmonize.document.calibration_review import CalibrationReviewRow
from harmonize.document.threshold_paths import (
    ThresholdPathRow,
    ThresholdSizeRow,
    ThresholdVolumeRow,
)


@dataclass(frozen=True, slots=True)
class ThresholdSeriesRow:
    """Days on which one series of prices speaks for an underlying, and its daily returns among them."""

    series: str
    first_day: str
    last_day: str
    returns: int


@dataclass(frozen=True, slots=True)
class ThresholdValueRow:
    """Threshold of one model with one tool against procyclicality on the day after the last return.

    ``margin`` covers both sides: it is the larger of ``long`` and ``short``. ``fallback`` names the model
    that stands in place of this one; empty if none does.
    """

    model: str
    tool: str
    margin: float | None
    long: float | None
    short: float | None
    reason: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class ThresholdAdviceRow:
    """Whether a margin should move: ``subject`` is whose margin, ``sentence`` the whole in words.

    ``move`` is ``should rise``, ``could fall``, ``need not move``, ``disputed`` (fewer than half
    of the models agree with the interval), ``cannot be told`` (there is no model) or ``cannot be judged``.
    ``threshold`` is that of the
    default path at the notional of the section, or without size if there is no volume. ``lower`` and
    ``upper`` enclose it at 95 %, from ``sample``; None: not bounded. ``models`` without a tool cover both
    sides: ``agreeing`` say what the interval says, and ``falling``, ``staying`` and ``rising`` count
    what they say. ``certainty_text`` states what lowers the certainty.
    """

    subject: str
    required: float | None
    lower: float | None
    upper: float | None
    move: str
    certainty: str
    agreeing: int
    models: int
    sentence: str
    threshold: float | None = None
    sample: str = ""
    falling: int | None = None
    staying: int | None = None
    rising: int | None = None
    certainty_text: str = ""


@dataclass(frozen=True, slots=True)
class ThresholdVenueRow:
    """IM of one venue at the notional of the section, with the date of its table.

    ``observed_at`` is the latest possible time; ``date_kind`` and ``observed_from`` state how far it is
    known. ``is_excluded``: the venue cannot be compared with others, for the ``reason``.
    """

    venue: str
    symbol: str
    initial: float | None
    observed_at: str
    observed_from: str
    date_kind: str
    reason: str = ""
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """Threshold of one underlying on ``day``, beside what venues and ``harmonized-baseline`` require.

    ``threshold`` is that of the default path. ``tested_days`` are the days on which all models were
    tested. ``age_days`` counts from the last return to the audit. The lowest, median and highest IM are
    those of ``venues`` venues at the notional of the section; ``venues_unknown`` have no known IM.
    ``path`` are the last 365 days of the default and of the fast margin. ``sizes`` are the default by
    size, ``size_volumes`` the perpetuals whose volume gives the size by day, and ``size_notes`` what is
    not known of it.
    On ``benchmark_replaced`` of the tested days another model stands in place of the benchmark; None in
    documents that do not state it.
    """

    underlying: str
    day: str
    threshold: float | None
    threshold_reason: str
    values: tuple[ThresholdValueRow, ...]
    series: tuple[ThresholdSeriesRow, ...]
    returns: int
    age_days: int
    tested_days: int
    first_tested: str
    last_tested: str
    reference: float | None
    reference_reason: str
    venues: int
    venues_unknown: int
    lowest: float | None
    lowest_venue: str
    median: float | None
    highest: float | None
    highest_venue: str
    advice: tuple[ThresholdAdviceRow, ...]
    path: ThresholdPathRow = field(default_factory=ThresholdPathRow)
    venue_rates: tuple[ThresholdVenueRow, ...] = ()
    size_reason: str = ""
    sizes: tuple[ThresholdSizeRow, ...] = ()
    size_volumes: tuple[ThresholdVolumeRow, ...] = ()
    size_notes: tuple[str, ...] = ()
    benchmark_replaced: int | None = None


@dataclass(frozen=True, slots=True)
class HitRateRow:
    """Share of days and underlyings with a loss of one side above the threshold, and its interval.

    The 95 % interval resamples blocks of days, because all underlyings move together.
    """

    side: str
    rate: float | None
    lower: float | None
    upper: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ThresholdModelRow:
    """Cost, calm and coverage of one model with one tool over all underlyings.

    ``mean_margin`` is the mean over underlyings, ``rise_30d`` the median of their largest rises in 30
    days. On ``too_many`` of ``sides`` sides of underlyings the test of Kupiec finds too many breaches.
    ``fails`` states why the path does not cover both sides; empty if it does.
    """

    model: str
    tool: str
    mean_margin: float
    rise_30d: float
    is_calm: bool
    is_default: bool
    hits: tuple[HitRateRow, ...]
    too_many: int
    sides: int
    fails: str


@dataclass(frozen=True, slots=True)
class GateConditionRow:
    """Condition of the gate: its figure in number and words, and what is required."""

    name: str
    is_met: bool
    figure: float | None
    text: str
    requirement: str = ""


@dataclass(frozen=True, slots=True)
class GateRow:
    """Whether a model without a tool is offered at ``level``: it is if every condition is met.

    It is judged over ``underlyings``; None in documents that do not state their number.
    The benchmark is not compared with itself, and the gate does not offer it.
    """

    model: str
    is_offered: bool
    is_benchmark: bool
    conditions: tuple[GateConditionRow, ...]
    level: float | None = None
    underlyings: int | None = None


@dataclass(frozen=True, slots=True)
class UncomparedModelRow:
    """Model that is not among the compared paths, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignalEvidenceRow:
    """Signal that is on for one underlying before ``day``.

    ``observed`` and ``required`` are what the signal compares. ``proposal`` is the margin rate to
    consider; None if a person has to decide without one. ``fallback`` names the model whose margin the
    fast one is, if its own has no fit; empty if it has.
    """

    underlying: str
    day: str
    observed: float
    required: float
    proposal: float | None
    text: str
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class SignalRow:
    """Signal with its record over all underlyings, and its evidence where it is on.

    It was on for ``days_on`` of ``days`` days of underlyings, in ``runs`` runs per underlying and
    ``separate_runs`` over all underlyings, at most five days apart. A breach followed within five days on
    the share ``followed`` of the days with the signal, and ``any_day`` of all days; ``confirming_p``
    tests over the separate runs whether the first is larger, and is None for fewer than ten. Of
    ``first_breaches``, those after a calm time, ``foretold`` had the signal before; by chance the share
    ``by_chance`` would. ``foresight`` is what the signal tells of breaches. On the underlyings of
    ``not_judged``, a margin that the signal compares is absent: it is neither on nor known to be off.
    """

    signal: str
    days: int | None
    days_on: int | None
    runs: int | None
    followed: float | None
    any_day: float | None
    first_breaches: int | None
    foretold: int | None
    by_chance: float | None
    p_value: float | None
    foresight: str
    evidence: tuple[SignalEvidenceRow, ...]
    reason: str = ""
    separate_runs: int | None = None
    confirming_p: float | None = None
    not_judged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EpisodeModelRow:
    """What a model asked on the eve of an episode, and at most within 30 days.

    ``rose_on`` is the first day with a margin 10 % above that of the eve, empty if there was none.
    ``first_mover`` is who raised first, as far as two observations tell. ``fallback`` names the model that
    stands in place of this one on some of these days; empty if none does.
    """

    model: str
    eve: float
    largest: float
    rose_on: str
    first_mover: str
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """Time of stress on one underlying: the worst day, the models, and a venue.

    The venue required ``venue_eve`` when last observed before, at ``venue_eve_at``, and at most
    ``venue_largest`` within 90 days. Its first rise happened between the observations ``rose_after`` and
    ``rose_by``; both are empty if none was observed. ``venue_next_at`` is the first observation
    within the 90 days. ``venue_reason`` states why nothing is known.
    """

    episode: str
    underlying: str
    first_day: str
    last_day: str
    series: str
    worst_day: str
    worst_return: float | None
    models: tuple[EpisodeModelRow, ...]
    venue: str
    symbol: str
    venue_eve: float | None
    venue_eve_at: str
    rose_after: str
    rose_by: str
    venue_largest: float | None
    venue_reason: str = ""
    venue_next_at: str = ""


@dataclass(frozen=True, slots=True)
class NoThresholdRow:
    """Underlying without a threshold, or over which no model is judged, and why."""

    underlying: str
    reason: str


@dataclass(frozen=True, slots=True)
class ThresholdSection:
    """Daily thresholds, by underlying; empty if none were requested.

    ``level`` is the share of days that a threshold covers, such as 0.99. ``default_model`` and
    ``default_tool`` are the default path, or the benchmark if ``has_default`` is false;
    ``default_reason`` states why. A path is calm up to a rise of ``calm_rise`` in 30 days. Models are
    judged over all underlyings but those of ``not_judged``, which lack a model that most others have.
    ``fast_model`` is the benchmark, whose margin is the fast one; ``benchmark_fallback`` stands in its place
    where its fit failed, empty if it never did. ``review`` is the report card of
    ``harmonized-baseline``; None if no threshold was tested.
    """

    level: float | None = None
    horizon_days: int | None = None
    notional: float | None = None
    calm_rise: float | None = None
    has_default: bool = False
    default_model: str = ""
    default_tool: str = ""
    default_reason: str = ""
    rows: tuple[ThresholdRow, ...] = ()
    models: tuple[ThresholdModelRow, ...] = ()
    gate: tuple[GateRow, ...] = ()
    not_compared: tuple[UncomparedModelRow, ...] = ()
    signals: tuple[SignalRow, ...] = ()
    episodes: tuple[EpisodeRow, ...] = ()
    without: tuple[NoThresholdRow, ...] = ()
    not_judged: tuple[NoThresholdRow, ...] = ()
    notes: tuple[str, ...] = ()
    fast_model: str = ""
    review: CalibrationReviewRow | None = None
    benchmark_fallback: str = ""
