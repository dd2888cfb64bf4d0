"""Thresholds by size as rows of the audit document."""

from dataclasses import replace
from math import isfinite

from harmonize.api.threshold_terms import SizeThreshold, VolumeSource
from harmonize.api.thresholds_table import day_text
from harmonize.core.schedule import Unknown, known_or_none, reason_of
from harmonize.document import ThresholdSizeRow, ThresholdVolumeRow
from harmonize.numerics.rounding import rounded, rounded_or_none


def size_row(own: SizeThreshold) -> ThresholdSizeRow:
    """Returns the threshold of one size, and how volume moved it; what is not known has its reason."""
    effect = own.effect
    row = ThresholdSizeRow(
        notional=own.notional,
        by_volume=rounded_or_none(known_or_none(own.by_volume)),
        at_once=rounded_or_none(known_or_none(own.by_depth)),
        by_volume_reason=reason_of(own.by_volume),
        at_once_reason=reason_of(own.by_depth),
        reason=reason_of(effect),
    )
    if isinstance(effect, Unknown):
        return row
    return replace(
        row,
        days=effect.days,
        smallest_factor=_finite(effect.smallest),
        largest_factor=_finite(effect.largest),
        largest_day=day_text(effect.largest_day),
        largest_volume=rounded(effect.volume),
        largest_series=str(effect.source),
        peak_to_trough=_finite(effect.sized.peak_to_trough),
        unsized_peak_to_trough=_finite(effect.unsized.peak_to_trough),
        rise_30d=_finite(effect.sized.rise_30),
        unsized_rise_30d=_finite(effect.unsized.rise_30),
    )


def volume_row(own: VolumeSource) -> ThresholdVolumeRow:
    """Returns a perpetual whose volume gives the size on some days."""
    return ThresholdVolumeRow(
        str(own.id), day_text(own.first_day), day_text(own.last_day), own.days
    )


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
