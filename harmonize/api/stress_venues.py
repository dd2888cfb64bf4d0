"""Contributions and reverse stress by venue, with their intervals, and what too little decides."""

from collections.abc import Iterator, Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from harmonize.api.stress_case import Impacts, StressCase
from harmonize.document.stress import ReverseStressRow, StressPointRow, StressVenueRow
from harmonize.stress.contributions import Contributions, contributions
from harmonize.stress.curve import ReverseStress, curve, reverse_stress
from harmonize.stress.effects import INTERVAL
from harmonize.stress.impact import Impact
from harmonize.stress.positions import Floats
from harmonize.stress.thresholds import Thresholds
from harmonize.text import numbers
from harmonize.text.words import join_words

Samples = Sequence[Thresholds]
"""Positions of every seed; empty for given positions."""

_CONTRIBUTIONS = (
    "liquidated",
    "loss",
    "leave_one_out",
    "shapley",
    "shapley_ratio",
    "shapley_low",
    "shapley_high",
    "shapley_ratio_low",
    "shapley_ratio_high",
)


def venue_figures(
    case: StressCase, given: Thresholds, impacts: Impacts, samples: Samples
) -> list[dict[str, Any]]:
    """Returns fields of the rows of the venues: what each contributes, and its reverse stress.

    Raises StressInputError: input that cannot be simulated.
    """
    reverse = _reverse(case, given, impacts, samples)
    if not impacts:
        absent = {**dict.fromkeys(_CONTRIBUTIONS), "is_shapley_exact": False}
        return [{**absent, "reverse": own} for own in reverse]
    found = _contributions(case, given, impacts[min(impacts)], samples)
    return [{**own, "reverse": rows} for own, rows in zip(found, reverse, strict=True)]


def least_sampled(case: StressCase, given: Thresholds) -> float:
    """Returns the mean position of a sample, in USD; 0 for given positions, which have no sample."""
    if not case.is_synthetic:
        return 0.0
    count = case.defaults.sample_rows.value * len(given.venues)
    return float(given.open_interest.sum()) / count


def withheld_intervals(points: Sequence[StressPointRow], least: float) -> Iterator[str]:
    """Yields at which shocks fewer than one position of a sample is liquidated."""
    shocks = sorted({own.shock for own in points if 0.0 < own.liquidated < least})
    if shocks:
        named = join_words([numbers.axis_rate(shock) for shock in shocks])
        yield (
            f"Interval of the liquidated notional at {named}: not observable where less than"
            f" {numbers.usd(least)} is liquidated, the mean position of a sample."
        )


def withheld_sentences(venues: Sequence[StressVenueRow]) -> tuple[str, ...]:
    """Returns the figures of venues that are not observable, with the reasons."""
    sentences = [
        f"{venue.venue}: contributions are not observable: {venue.reason}."
        for venue in venues
        if venue.reason
    ]
    for venue in venues:
        multipliers: dict[str, list[str]] = {}
        for limit in venue.reverse:
            if limit.reason:
                multipliers.setdefault(limit.reason, []).append(f"{limit.liquidity:g}×")
        sentences += [
            f"{venue.venue}: reverse stress at {join_words(names)} is not observable: {reason}."
            for reason, names in multipliers.items()
        ]
    return tuple(sentences)


def _contributions(
    case: StressCase, given: Thresholds, impact: Impact, samples: Samples
) -> list[dict[str, Any]]:
    """Returns the contributions by venue; None with a reason where few rows decide them."""
    shares = contributions(given, impact, case.shock, is_smooth=case.is_synthetic)
    outcome = curve(given, impact, [case.shock])
    sampled = [contributions(book, impact, case.shock) for book in samples]
    values = _interval([own.shapley for own in sampled], len(given.venues))
    ratios = _interval([own.shapley_to_open_interest for own in sampled], len(given.venues))
    figures = []
    for code, open_interest in enumerate(given.open_interest.tolist()):
        reason = _too_little(case, float(shares.liquidated[code]), open_interest)
        if reason:
            own: dict[str, Any] = dict.fromkeys(_CONTRIBUTIONS)
        else:
            loss = float(outcome.loss_by_venue[0, code])
            own = {"loss": loss, **_shares(shares, code), **_bounds("shapley", values[:, code])}
            own |= _bounds("shapley_ratio", ratios[:, code])
        figures.append({**own, "is_shapley_exact": shares.is_exact, "reason": reason})
    return figures


def _shares(shares: Contributions, code: int) -> dict[str, Any]:
    return {
        "liquidated": float(shares.liquidated[code]),
        "leave_one_out": float(shares.leave_one_out[code]),
        "shapley": float(shares.shapley[code]),
        "shapley_ratio": _number(shares.shapley_to_open_interest[code]),
    }


def _reverse(
    case: StressCase, given: Thresholds, impacts: Impacts, samples: Samples
) -> list[tuple[ReverseStressRow, ...]]:
    """Returns the reverse stress by venue, for every liquidity multiplier."""
    funds = [case.funds.get(venue, 0.0) for venue in given.venues]
    rows: list[list[ReverseStressRow]] = [[] for _ in given.venues]
    for liquidity, impact in impacts.items():
        sampled = [
            np.array([_least(own) for own in reverse_stress(book, impact, funds)])
            for book in samples
        ]
        bounds = _interval(sampled, len(given.venues))
        for code, limit in enumerate(reverse_stress(given, impact, funds)):
            reason = _too_little(case, limit.liquidated, float(given.open_interest[code]))
            low, high = map(_number, bounds[:, code].tolist())
            rows[code].append(
                ReverseStressRow(liquidity, None, reason=reason)
                if reason
                else ReverseStressRow(liquidity, limit.shock, low, high)
            )
    return [tuple(own) for own in rows]


def _least(found: ReverseStress) -> float:
    return inf if found.shock is None else found.shock


def _too_little(case: StressCase, liquidated: float, open_interest: float) -> str:
    """Returns why a figure is not observable; empty if it is, or if nothing is liquidated.

    Below one position of a sample, the tail of the assumed leverage alone decides a figure. Given
    positions are what they are.
    """
    positions = case.defaults.sample_rows.value
    if not case.is_synthetic or liquidated <= 0.0 or liquidated >= open_interest / positions:
        return ""
    return f"fewer than one of {positions:,} sampled positions is so leveraged that it decides the result"


def _interval(sampled: Sequence[Floats], venues: int) -> Floats:
    """Returns the lower and upper bound by venue; NaN without seeds, or where no seed has a number."""
    bounds = np.full((2, venues), np.nan)
    for code in range(venues if sampled else 0):
        own = np.array([values[code] for values in sampled])
        own = own[~np.isnan(own)]
        if own.size:  # without interpolation, because a shock can be infinite
            bounds[:, code] = np.quantile(own, INTERVAL, method="inverted_cdf")
    return bounds


def _bounds(name: str, interval: Floats) -> dict[str, float | None]:
    return {f"{name}_low": _number(interval[0]), f"{name}_high": _number(interval[1])}


def _number(value: float) -> float | None:
    """Returns a number; None for NaN and infinity, which JSON does not have."""
    return float(value) if isfinite(value) else None
