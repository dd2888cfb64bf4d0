"""An answer on daily thresholds as an object for JSON."""

from dataclasses import asdict
from math import isfinite

from harmonize.api.adequacy_object import plain
from harmonize.api.threshold_rows import advice_rows
from harmonize.api.threshold_size_rows import volume_row
from harmonize.api.threshold_terms import AssetThresholds, SizeThreshold, ThresholdsAnswer
from harmonize.api.thresholds import benchmark_notes
from harmonize.api.thresholds_table import (
    Record,
    advice_records,
    candidate_records,
    daily_records,
    day_text,
    episode_records,
    fallback_records,
    gate_records,
    path_record,
    signal_records,
    venue_records,
    year_records,
)
from harmonize.core.schedule import Unknown
from harmonize.document.threshold_sentences import asset_sentence
from harmonize.text.messages import iso_utc


def thresholds_object(answer: ThresholdsAnswer) -> dict[str, object]:
    """Returns everything that an answer states; rates are fractions of notional."""
    default = answer.default
    return {
        "as_of": iso_utc(answer.as_of),
        "archive": answer.archive,
        "level": answer.terms.level,
        "horizon_days": answer.terms.horizon,
        "notional": answer.terms.notional,
        "underlyings": [_asset(own) for own in answer.assets],
        "default": {"unknown": default.reason}
        if isinstance(default, Unknown)
        else {
            "model": default.candidate.model.value,
            "tool": default.candidate.tool.value,
            "reason": default.reason,
        },
        "judged": list(answer.judged),
        "not_judged": dict(answer.not_judged),
        "benchmark_notes": list(benchmark_notes(answer)),
        "gate": [_finite(row) for row in gate_records(answer)],
        "candidates": [_finite(row) for row in candidate_records(answer)],
        "not_compared": {str(model): reason for model, reason in answer.not_compared.items()},
        "advice": [_finite(row) for row in advice_records(answer)],
        "venues": [_finite(row) for row in venue_records(answer)],
        "signals": [_finite(row) for row in signal_records(answer)],
        "episodes": [_finite(row) for row in episode_records(answer)],
        "unanswered": dict(answer.unanswered),
        "missing": list(answer.missing),
        "notes": list(answer.notes),
    }


def _asset(own: AssetThresholds) -> dict[str, object]:
    return {
        "underlying": own.asset,
        "sentence": asset_sentence(own.asset, advice_rows(own), own.age_days),
        "series": [
            {
                "series": str(part.id),
                "first_day": day_text(part.first_day),
                "last_day": day_text(part.last_day),
                "returns": part.returns,
            }
            for part in own.parts
        ],
        "returns": own.returns,
        "age_days": own.age_days,
        "tested_days": own.scores.days,
        "paths": [_finite(path_record(own, path)) for path in own.scores.paths],
        "by_year": [_finite(row) for row in year_records(own)],
        "fallbacks": [_finite(row) for row in fallback_records(own)],
        "reference": plain(own.reference),
        "volume": plain(own.volume),
        "depth": plain(own.depth),
        "by_size": [_size(size) for size in own.by_size.sizes],
        "size_volumes": [asdict(volume_row(source)) for source in own.by_size.sources],
        "size_notes": list(own.by_size.notes),
        "daily": [_finite(row) for row in daily_records(own)],
    }


def _size(own: SizeThreshold) -> dict[str, object]:
    """Returns the threshold of a size; the day of the largest factor is a date."""
    effect = plain(own.effect)
    if not isinstance(own.effect, Unknown):
        effect |= {"largest_day": day_text(own.effect.largest_day)}
    by = {"by_volume": plain(own.by_volume), "by_depth": plain(own.by_depth)}
    return {"notional": own.notional, **by, "effect": effect}


def _finite(record: Record) -> dict[str, object]:
    """Returns a record in which a figure that is no number, such as an infinite ratio, is None."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in record.items()
    }
