"""Tables of a stress by venue, for a terminal: margins beside those of rule sets, and contributions."""

from collections.abc import Iterator

from harmonize.api.stress_venues import withheld_sentences
from harmonize.cli import stress_numbers
from harmonize.cli.compare_text import aligned
from harmonize.cli.stress_numbers import NONE
from harmonize.document.stress import (
    ReverseStressRow,
    StressRow,
    StressThresholdRow,
    StressVenueRow,
)
from harmonize.text import numbers
from harmonize.text.messages import observation_day, percent

Cells = tuple[str, ...]


def margins_in_force(row: StressRow) -> Iterator[str]:
    """Yields IM and MM by venue at a typical size, and under them those of each rule set."""
    own = {threshold.venue: threshold for threshold in row.thresholds if threshold.venue}
    at = f" at {numbers.usd(row.thresholds[0].notional)}" if row.thresholds else ""
    heads = ("venue", "longs", "margins", "leverage", f"IM{at}", f"MM{at}")
    cells = [_in_force(venue, own.get(venue.venue)) for venue in _with_longs(row)]
    rules = [threshold for threshold in row.thresholds if not threshold.venue]
    cells += [(rule.rule_set, NONE, "rule set", NONE, *_rates(rule)) for rule in rules]
    yield from aligned(heads, cells, right={1, 4, 5})
    yield from (f"{rule.rule_set}: {rule.reason}" for rule in rules if rule.reason)


def contributions(row: StressRow) -> Iterator[str]:
    """Yields what each venue contributes at the shock under the first liquidity multiplier."""
    yield f"at a sudden fall of {percent(row.shock)}, at 1×"
    heads = (
        *("venue", "liquidated", "leave-one-out", "Shapley", "÷ share of longs", "overlap"),
        "below MM at once",
    )
    cells = [_contribution(venue) for venue in _with_longs(row)]
    yield from aligned(heads, cells, right={1, 2, 3, 4, 5, 6})
    if any(venue.shapley_ratio_low is not None for venue in row.venues):
        yield f"in brackets: 5–95 % interval over {row.seeds} samples of positions, not of the market"
    yield from _reverse_stress(row)
    yield from withheld_sentences(row.venues)


def _reverse_stress(row: StressRow) -> Iterator[str]:
    """Yields by liquidity the least fall that a venue's resources do not cover."""
    venues = [venue for venue in _with_longs(row) if venue.reverse]
    if not venues:
        return
    heads = ("reverse stress", *(f"{limit.liquidity:g}×" for limit in venues[0].reverse))
    cells = [(venue.venue, *(_reverse(limit) for limit in venue.reverse)) for venue in venues]
    yield from aligned(heads, cells, right=set(range(1, len(heads))))


def _with_longs(row: StressRow) -> list[StressVenueRow]:
    """Returns the venues with longs: given positions can be shorts alone, which a fall leaves."""
    return [venue for venue in row.venues if venue.open_interest]


def _in_force(venue: StressVenueRow, threshold: StressThresholdRow | None) -> Cells:
    return (
        venue.venue,
        numbers.usd(venue.open_interest),
        observation_day(venue.observed_at, venue.observed_from, venue.date_kind),
        venue.leverage_mark,
        *((NONE, NONE) if threshold is None else _rates(threshold)),
    )


def _rates(threshold: StressThresholdRow) -> Cells:
    rates = (threshold.initial_rate, threshold.maintenance_rate)
    return tuple(NONE if rate is None else percent(rate) for rate in rates)


def _contribution(venue: StressVenueRow) -> Cells:
    sampled = "" if venue.is_shapley_exact or venue.shapley is None else " (sampled)"
    return (
        venue.venue,
        stress_numbers.usd(venue.liquidated),
        stress_numbers.usd(venue.leave_one_out),
        f"{stress_numbers.usd(venue.shapley)}{sampled}",
        _ratio(venue),
        NONE if venue.overlap is None else f"{venue.overlap:.2f}",
        stress_numbers.usd(venue.immediate),
    )


def _ratio(venue: StressVenueRow) -> str:
    if venue.shapley_ratio is None:
        return NONE
    low, high = venue.shapley_ratio_low, venue.shapley_ratio_high
    interval = "" if low is None or high is None else f" ({low:.2f}–{high:.2f})"
    return f"{venue.shapley_ratio:.2f}{interval}"


def _reverse(own: ReverseStressRow) -> str:
    """Returns a shock with its interval; its end is open if not every sample has such a shock."""
    shock = stress_numbers.rate(own.shock)
    if own.shock is None or own.low is None:
        return shock
    high = "" if own.high is None else stress_numbers.rate(own.high)
    return f"{shock} ({stress_numbers.rate(own.low)}–{high})"
