"""Daily thresholds as tables, for spreadsheets; a rate is a fraction of notional."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from harmonize.api.threshold_terms import AssetThresholds, EpisodeVenue, ThresholdsAnswer
from harmonize.core.schedule import Unknown, known_or_none, reason_of
from harmonize.text.messages import iso_utc
from harmonize.thresholds.evaluation import ScoredPath
from harmonize.thresholds.path import Tool
from harmonize.thresholds.scores import PathScore, SideScore
from reports.formats.sheets import Cell, Sheet, record_sheet

Record = dict[str, Cell]


def threshold_sheets(answer: ThresholdsAnswer) -> tuple[Sheet, ...]:
    """Returns paths, years, gate, advice, venues, signals, episodes, fallbacks, sizes and recent days."""
    return (
        path_sheet(answer),
        record_sheet("By year", [row for own in answer.assets for row in year_records(own)]),
        record_sheet("Gate", list(gate_records(answer))),
        record_sheet("Candidates", list(candidate_records(answer))),
        record_sheet("Advice", list(advice_records(answer))),
        record_sheet("Venues", list(venue_records(answer))),
        record_sheet("Signals", list(signal_records(answer))),
        record_sheet("Episodes", list(episode_records(answer))),
        record_sheet("Fallbacks", [row for own in answer.assets for row in fallback_records(own)]),
        record_sheet("By size", [row for own in answer.assets for row in size_records(own)]),
        record_sheet("Daily", [row for own in answer.assets for row in daily_records(own)]),
    )


def path_sheet(answer: ThresholdsAnswer) -> Sheet:
    """Returns a row per underlying, model and tool."""
    rows = [path_record(own, path) for own in answer.assets for path in own.scores.paths]
    return record_sheet("Paths", rows)


def day_text(day: int | None) -> str:
    """Returns a day since 1970 as a date; empty if it is None."""
    return "" if day is None else str(np.datetime64(day, "D"))


def path_record(own: AssetThresholds, path: ScoredPath) -> Record:
    """Returns the thresholds and the scores of a path; an unknown figure is empty, with its reason."""
    record: Record = {
        "underlying": own.asset,
        "series": "; ".join(dict.fromkeys(str(part.id) for part in own.parts)),
        "model": path.model.value,
        "tool": path.tool.value,
        "threshold_day": day_text(path.day),
        "margin_rate": known_or_none(path.margin),
        "long_rate": known_or_none(path.long),
        "short_rate": known_or_none(path.short),
        "shortfall_rate": known_or_none(path.shortfall),
        "first_day": day_text(own.scores.first_day),
        "last_day": day_text(own.scores.last_day),
        "is_tested_on_common_days": path.is_common,
        "note": path.note,
        "fallback": "" if path.replaced is None else str(path.replaced),
        "unknown_because": _reasons(path),
    }
    score = path.score
    if isinstance(score, Unknown):
        return record
    cost = score.cost
    return (
        record
        | _side("long", score.long)
        | _side("short", score.short)
        | {
            "mean_margin_rate": cost.mean_margin,
            "peak_to_trough": cost.peak_to_trough,
            "rise_1d_share": cost.rise_1,
            "rise_5d_share": cost.rise_5,
            "rise_30d_share": cost.rise_30,
        }
    )


def _side(name: str, side: SideScore) -> Record:
    tests = {"kupiec": side.kupiec, "independence": side.independence}
    record: Record = {
        f"{name}_observations": side.observations,
        f"{name}_breaches": side.breaches,
        f"{name}_breach_share": side.breach_rate,
    }
    for test, result in tests.items():
        record[f"{name}_{test}_p"] = None if isinstance(result, Unknown) else result.p_value
    return record | {
        f"{name}_tick_loss_rate": side.tick,
        f"{name}_fz0": known_or_none(side.joint),
        f"{name}_mean_uncovered_rate": side.shortfall,
        f"{name}_largest_uncovered_rate": side.worst,
    }


def _reasons(path: ScoredPath) -> str:
    values = (path.long, path.short, path.shortfall, path.score)
    return "; ".join(dict.fromkeys(v.reason for v in values if isinstance(v, Unknown)))


def year_records(own: AssetThresholds) -> Iterator[Record]:
    """Yields a row per path and calendar year, UTC."""
    for path in own.scores.paths:
        for year in path.score.years if isinstance(path.score, PathScore) else ():
            yield {
                "underlying": own.asset,
                "model": path.model.value,
                "tool": path.tool.value,
                "year": year.year,
                "observations": year.observations,
                "breaches_long": year.breaches_long,
                "breaches_short": year.breaches_short,
                "mean_uncovered_rate": year.shortfall,
                "mean_margin_rate": year.cost.mean_margin,
                "rise_30d_share": year.cost.rise_30,
            }


def gate_records(answer: ThresholdsAnswer) -> Iterator[Record]:
    """Yields a row per model: whether it is offered, and the figure of each condition."""
    for result in answer.gate:
        record: Record = {
            "model": result.model.value,
            "level": result.level,
            "is_offered": result.is_offered,
            "is_benchmark": result.is_benchmark,
        }
        for condition in result.conditions:
            name = condition.name.replace(" ", "_")
            record[f"{name}_met"] = condition.is_met
            record[f"{name}_figure"] = known_or_none(condition.figure)
            record[f"{name}_text"] = condition.text
            record[f"{name}_requirement"] = condition.requirement
        for name, test in (("tick", result.tick), ("fz0", result.joint)):
            known = known_or_none(test)
            record[f"{name}_difference"] = known.difference if known else None
            record[f"{name}_p"] = known.p_value if known else None
        yield record


def candidate_records(answer: ThresholdsAnswer) -> Iterator[Record]:
    """Yields a row per model and tool over all underlyings, cheapest first."""
    for own in sorted(answer.candidates, key=lambda c: c.mean_margin):
        yield {
            "model": own.model.value,
            "tool": own.tool.value,
            "mean_margin_rate": own.mean_margin,
            "rise_30d_share": own.rise_30,
            "covers_both_sides": not own.fails(answer.sides),
            "is_calm": own.is_calm,
            "fails_because": own.fails(answer.sides),
            "asset_sides": own.sides,
        }


def advice_records(answer: ThresholdsAnswer) -> Iterator[Record]:
    """Yields a row per underlying and margin: whether it should move."""
    for asset in answer.assets:
        for own in asset.advice:
            yield {
                "underlying": own.asset,
                "subject": own.subject,
                "notional_usd": answer.terms.notional,
                "required_rate": known_or_none(own.required),
                "threshold_rate": known_or_none(own.threshold),
                "lower_rate": own.lower,
                "upper_rate": own.upper,
                "interval_sample": own.sample,
                "move": own.move.value,
                "certainty": own.certainty.value,
                "certainty_text": own.certainty_text,
                "agreeing_models": own.agreeing,
                "models": own.statements.total,
                "models_could_fall": own.statements.falling,
                "models_need_not_move": own.statements.staying,
                "models_should_rise": own.statements.rising,
                "sentence": own.sentence,
            }


def venue_records(answer: ThresholdsAnswer) -> Iterator[Record]:
    """Yields a row per underlying and venue."""
    for asset in answer.assets:
        for own in asset.venues:
            yield {
                "underlying": asset.asset,
                "venue": own.venue,
                "symbol": own.symbol,
                "notional_usd": answer.terms.notional,
                "initial_rate": known_or_none(own.rate),
                "observed_at": iso_utc(own.observed_at),
                "unknown_because": reason_of(own.rate),
                "is_excluded": own.is_excluded,
            }


def signal_records(answer: ThresholdsAnswer) -> Iterator[Record]:
    """Yields a row per signal with its record, and one per underlying where it is on."""
    for state in answer.signals:
        record: Record = {"signal": state.signal}
        if not isinstance(state.record, Unknown):
            own = state.record
            record |= {
                "asset_days": own.days,
                "days_on": own.days_on,
                "episodes": own.episodes,
                "followed_share": known_or_none(own.follow_rate),
                "any_day_share": known_or_none(own.base_rate),
                "first_breaches": own.first_breaches,
                "foretold": own.foretold,
                "by_chance_share": known_or_none(own.chance_rate),
                "p": known_or_none(own.p_value),
                "separate_runs": own.separate_runs,
                "confirming_p": known_or_none(own.confirming_p),
                "tells": own.foresight.value,
            }
        else:
            record["tells"] = state.record.reason
        yield record
        for found in state.now:
            yield {
                "signal": state.signal,
                "underlying": found.asset,
                "day": day_text(found.day),
                "observed": found.observed,
                "required": found.required,
                "proposal_rate": found.proposal,
                "evidence": found.text,
                "fallback": found.fallback,
            }


def episode_records(answer: ThresholdsAnswer) -> Iterator[Record]:
    """Yields a row per episode, underlying and model."""
    for own in answer.episodes:
        for model in own.models:
            yield {
                "episode": own.name,
                "underlying": own.asset,
                "series": own.series,
                "worst_day": day_text(own.fall_day),
                "worst_return": known_or_none(own.fall),
                "model": model.model,
                "eve_rate": model.eve,
                "largest_rate": model.largest,
                "model_rose_on": day_text(model.rose_on),
                **_venue(own.venue),
                "first_mover": model.mover,
                "fallback": model.fallback,
            }


def _venue(venue: EpisodeVenue | Unknown) -> Record:
    if isinstance(venue, Unknown):
        return {"venue_unknown_because": venue.reason}
    return {
        "venue_eve_rate": known_or_none(venue.eve),
        "venue_observed_at": _time(venue.eve_at),
        "venue_rose_after": _time(venue.before),
        "venue_rose_by": _time(venue.after),
        "venue_largest_rate": known_or_none(venue.largest),
        "venue_next_observed_at": _time(venue.next_at),
        "venue_unknown_because": "",
    }


def fallback_records(own: AssetThresholds) -> Iterator[Record]:
    """Yields a row per span of days in which a model does not speak for itself, and per absent model."""
    for path in own.scores.paths:
        for fallback in path.fallbacks if path.tool is Tool.NONE else ():
            yield {
                "underlying": own.asset,
                "model": path.model.value,
                "first_day": day_text(fallback.first_day),
                "last_day": day_text(fallback.last_day),
                "days": fallback.rows,
                "reason": fallback.reason,
                "instead": "" if fallback.instead is None else fallback.instead.value,
            }
    for model, unknown in own.scores.absent.items():
        yield {"underlying": own.asset, "model": model.value, "reason": unknown.reason}


def size_records(own: AssetThresholds) -> Iterator[Record]:
    """Yields a row per size: the threshold now, and how volume moved it over the tested days."""
    for size in own.by_size.sizes:
        record: Record = {
            "underlying": own.asset,
            "notional_usd": size.notional,
            "by_volume_rate": known_or_none(size.by_volume),
            "at_once_rate": known_or_none(size.by_depth),
        }
        effect = size.effect
        if not isinstance(effect, Unknown):
            record |= {
                "tested_days": effect.days,
                "smallest_factor": effect.smallest,
                "largest_factor": effect.largest,
                "largest_day": day_text(effect.largest_day),
                "largest_day_volume_usd": effect.volume,
                "largest_day_series": str(effect.source),
                "peak_to_trough": effect.sized.peak_to_trough,
                "unsized_peak_to_trough": effect.unsized.peak_to_trough,
                "rise_30d_share": effect.sized.rise_30,
                "unsized_rise_30d_share": effect.unsized.rise_30,
            }
        reasons = map(reason_of, (size.by_volume, size.by_depth, effect))
        yield record | {"unknown_because": "; ".join(dict.fromkeys(filter(None, reasons)))}


def daily_records(own: AssetThresholds) -> Iterator[Record]:
    """Yields a row per day of the recent path, over one day; the size is that of the question."""
    recent = own.recent
    if recent.first_day is None:
        return
    absent = (None,) * len(recent.default)
    columns = (recent.default, recent.fast, recent.sized or absent, recent.volume or absent)
    for place, (default, fast, sized, volume) in enumerate(zip(*columns, strict=True)):
        yield {
            "underlying": own.asset,
            "day": day_text(recent.first_day + place),
            "default_rate": default,
            "fast_rate": fast,
            "default_at_size_rate": sized,
            "volume_before_usd": volume,
        }


def _time(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d}"
