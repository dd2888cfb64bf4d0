"""Calibrates a rule set: measures its inputs, makes a new version, and reviews the last one."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from harmonize.adequacy.measured_inputs import NotMeasured
from harmonize.api.adequacy_prices import IMPORT
from harmonize.api.calibration_days import why_nothing_measured
from harmonize.api.calibration_review import (
    CalibrationReview,
    last_calibrated_on,
    review_last_version,
)
from harmonize.api.errors import NotObservedError, RequestError
from harmonize.api.measure import read_candles
from harmonize.archive.archive import Archive
from harmonize.archive.location import ArchiveLocation, recorded_archive
from harmonize.calibration.baseline import BaselineCalibration, ClassTerms, calibrate_classes
from harmonize.calibration.classes import RULES
from harmonize.calibration.evidence import (
    AssetEvidence,
    MeasuredInput,
    earlier_evidence,
    end_of_day,
    gather_evidence,
    is_measurable,
)
from harmonize.calibration.needs import (
    AssetRate,
    InputChange,
    RateFormula,
    asset_rate,
    needs_of,
    rate_formula,
    rate_from,
)
from harmonize.core.instrument import AssetNames, Underlying
from harmonize.core.payload import Defect
from harmonize.market.prices import PriceSeries
from harmonize.policy.inputs import MARKET, Input, InputsByName, newest_inputs, read_inputs
from harmonize.policy.rule_set import ReferenceSchedule, RuleSet
from harmonize.text.suggest import did_you_mean
from rules import loader
from rules.language import schema
from rules.language.consistency import as_mapping
from rules.language.requirements import SizeClass

BASELINE = "harmonized-baseline"
"""Rule set whose assets are calibrated if a rule set lists none, and that defines the classes."""

INTERVALS = ("1d", "1h", "30m")
"""Candles that are read: daily ones, and shorter ones that add up to days."""

_JPY = re.compile(r"_jpy$")


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """Rule set by id or file, the last day of prices, and the archive of the candles.

    ``underlyings`` are calibrated besides those that a rule set lists; a rule set that lists none is
    calibrated for them, or for the assets of the baseline.
    """

    pack: str
    as_of: date
    place: ArchiveLocation
    underlyings: tuple[str, ...] = ()

    @property
    def until(self) -> datetime:
        """End of the last day, in UTC."""
        return end_of_day(self.as_of)


@dataclass(frozen=True, slots=True)
class RateChange:
    """Rate of an asset by the formula of the rule set, on the day of the last version and now.

    ``before`` is from the archived inputs of the last version, or ``is_measured_anew`` from the candles of
    ``after`` that had closed by its day; None: from neither. ``inputs`` are the changes of archived inputs
    behind the rate.
    """

    before: AssetRate | None
    after: AssetRate
    is_measured_anew: bool = False
    inputs: tuple[InputChange, ...] = ()

    @property
    def is_series_changed(self) -> bool:
        """Whether another series gives one of the inputs; the two rates are then not comparable."""
        return any(change.is_series_changed for change in self.inputs)

    @property
    def is_rounded(self) -> bool:
        """Whether no input moved by more than the rounding of its archived value."""
        return bool(self.inputs) and all(change.is_unchanged for change in self.inputs)

    @property
    def is_same_day(self) -> bool:
        """Whether all inputs were of prices to the same last day before, so that no market moved."""
        return bool(self.inputs) and all(change.is_same_day for change in self.inputs)

    @property
    def is_beyond(self) -> bool | None:
        """Whether the rate lies outside the old interval; None: no interval, or another series."""
        if self.before is None or self.before.lower is None or self.before.upper is None:
            return None
        if self.is_series_changed:
            return None
        return not self.before.lower <= self.after.value <= self.before.upper


@dataclass(frozen=True, slots=True)
class Calibration:
    """A new version of a rule set with its evidence, and the review of the last one.

    ``requested`` are the underlyings besides those that the rule set lists, or in place of them.
    ``classes`` is None for a rule set without classes. ``refused`` are inputs that prices do not give.
    ``inputs`` are in the order of assets and of the rule set. ``archived`` are those that were in force on
    the day of the calibration.
    """

    last: RuleSet
    requested: tuple[str, ...]
    source: str
    version: str
    as_of: date
    evidence: tuple[AssetEvidence, ...]
    input_changes: tuple[InputChange, ...]
    rate_changes: tuple[RateChange, ...]
    classes: BaselineCalibration | None
    class_rules: Mapping[str, str]
    review: CalibrationReview
    refused: tuple[NotMeasured, ...]
    defects: tuple[Defect, ...]
    archived: InputsByName

    @property
    def looks_back(self) -> bool:
        """Whether the prices end before those of the last version."""
        made_on = self.review.made_on
        return made_on is not None and self.as_of < made_on

    @property
    def is_for_requested_only(self) -> bool:
        """Whether the requested underlyings take the place of the assets of the baseline."""
        return bool(self.requested) and not listed_assets(self.last)

    @property
    def inputs(self) -> tuple[MeasuredInput, ...]:
        """Measured inputs of all assets."""
        return tuple(item for asset in self.evidence for item in asset.inputs.values())


def calibrate(request: CalibrationRequest) -> Calibration:
    """Returns the calibration of a rule set.

    Raises RuleError: the rule set cannot be read. RequestError: it cannot be calibrated.
    NotObservedError: none of its inputs could be measured. ArchiveError.
    """
    last = loader.load(request.pack)
    formula = rate_formula(last)
    if formula is None:
        raise RequestError(_without_inputs(last))
    classes, class_rules = _classes(request.pack, last)
    names = tuple(need.name for need in needs_of(last))
    _check_measurable(last, names)
    data = read_candles(request.place, _possible_assets(last, request.underlyings), INTERVALS)
    requested = _named_assets(last, request.underlyings, data.series)
    assets = _assets(last, requested)
    evidence = tuple(gather_evidence(data.series, asset, names, request.until) for asset in assets)
    archived = archived_inputs(request.place)
    made_on = last_calibrated_on(last, formula, archived, request.as_of)
    if not any(item.inputs for item in evidence):
        if requested and not data.series:
            raise NotObservedError(_without_candles(requested))
        raise NotObservedError(why_nothing_measured(last.id, data.series, request.as_of, made_on))
    before = _before(archived, min(made_on or request.as_of, request.as_of))
    return Calibration(
        last=last,
        requested=requested,
        source=loader.rule_set_text(request.pack),
        version=next_version(last.version, request.as_of),
        as_of=request.as_of,
        evidence=evidence,
        input_changes=tuple(_input_changes(evidence, before)),
        rate_changes=tuple(
            _rate_changes(formula, evidence, before, _measurable_day(request, made_on))
        ),
        classes=_calibrated_classes(last, classes, evidence),
        class_rules=class_rules,
        review=review_last_version(last, formula, evidence, archived, request.as_of),
        refused=(*_unknown_names(names), *(item for asset in evidence for item in asset.refused)),
        defects=data.defects,
        archived=_before(archived, request.as_of),
    )


def calibrate_command(pack: str, as_of: date, underlyings: Sequence[str]) -> str:
    """Returns the command of a calibration, without the program and where it writes."""
    extra = (f"--underlying {shlex.quote(asset)}" for asset in underlyings)
    return " ".join(("calibrate", f"--pack {shlex.quote(pack)}", f"--as-of {as_of}", *extra))


def next_version(last: str, as_of: date) -> str:
    """Returns the version after ``last``: year and month of a day, or the next one of the same month."""
    parts = [int(part) for part in last.split(".")]
    if (as_of.year, as_of.month) > tuple(parts[:2]):
        return f"{as_of.year}.{as_of.month:02d}"
    if len(parts) > 2:  # noqa: PLR2004 - year, month, number
        return f"{last.rpartition('.')[0]}.{parts[-1] + 1}"
    return f"{last}.1"


def _without_inputs(last: RuleSet) -> str:
    with_inputs = [pack.id for pack in loader.load_packs() if rate_formula(pack) is not None]
    return f"{last.id} names no measured inputs; use one of {', '.join(with_inputs)}"


def _without_candles(requested: Sequence[str]) -> str:
    known = listed_assets(loader.load(BASELINE))
    return "; ".join(
        f"underlying {name}: no candles in the archive{did_you_mean(name, known, IMPORT)}"
        for name in requested
    )


def _check_measurable(last: RuleSet, names: Sequence[str]) -> None:
    if any(map(is_measurable, names)):
        return
    reasons = "; ".join(f"{item.name}: {item.reason}" for item in _unknown_names(names))
    message = (
        f"no input of {last.id} is observable: {reasons}; add published values with "
        "`harmonize archive add-inputs FILE`, or calibrate another rule set"
    )
    raise NotObservedError(message)


def _unknown_names(names: Sequence[str]) -> Iterator[NotMeasured]:
    """Yields the inputs that no candles give, for all assets."""
    for name in names:
        if not is_measurable(name):
            is_in_yen = _JPY.search(name)
            reason = "no source has prices in JPY" if is_in_yen else "candles do not give it"
            yield NotMeasured(name, "all assets", reason)


def _possible_assets(last: RuleSet, underlyings: Sequence[str]) -> tuple[str, ...]:
    """Returns the assets to read: those to calibrate, and all that the requested names may mean."""
    meant = [
        name
        for text in underlyings
        for name in (
            text,
            text.upper(),
            Underlying.of(text).asset,
            Underlying.of(text.upper()).asset,
        )
    ]
    return tuple(dict.fromkeys((*_assets(last, underlyings), *meant)))


def _named_assets(
    last: RuleSet, underlyings: Sequence[str], series: Sequence[PriceSeries]
) -> tuple[str, ...]:
    """Returns the assets that requested names mean, in whatever case; an unknown name stays."""
    observed = {part.id.underlying.asset for part in series}
    names = AssetNames.of((*observed, *listed_assets(last), *listed_assets(loader.load(BASELINE))))
    found = [(text, names.match(text)) for text in underlyings]
    return tuple(dict.fromkeys(name for text, own in found for name in own or (text,)))


def _assets(last: RuleSet, underlyings: Sequence[str]) -> tuple[str, ...]:
    listed = listed_assets(last)
    if listed:
        return tuple(dict.fromkeys((*listed, *underlyings)))
    return tuple(dict.fromkeys(underlyings)) or listed_assets(loader.load(BASELINE))


def listed_assets(rule_set: RuleSet) -> tuple[str, ...]:
    """Returns the assets that the classes of a rule set list; none for another kind of rule set."""
    requirement = rule_set.requirement
    if not isinstance(requirement, ReferenceSchedule):
        return ()
    return tuple(asset for class_ in requirement.classes for asset in class_.assets)


def _classes(pack: str, last: RuleSet) -> tuple[tuple[ClassTerms, ...], Mapping[str, str]]:
    """Returns the classes of a schedule and their criteria in words; none for another kind.

    A class that the last version does not have, because it had no asset, is that of the baseline.
    Raises RequestError: the text inherits what a new version replaces, or has other classes.
    """
    if last.extends.endswith((".yaml", ".yml")):
        message = f"{last.id} extends the file {last.extends}; merge both, or calibrate a rule set that extends a pack"
        raise RequestError(message)
    if not isinstance(last.requirement, ReferenceSchedule):
        return (), {}
    own = _size_classes(pack)
    if not _states_classes(pack):
        message = f"{last.id} inherits its classes from {last.extends}; calibrate {last.extends}"
        raise RequestError(message)
    if unknown := sorted(set(own) - set(RULES)):
        message = f"{last.id}: expected the classes {', '.join(sorted(RULES))} of {BASELINE}, found {', '.join(unknown)}; use those"
        raise RequestError(message)
    spare = {name: class_ for name, class_ in _size_classes(BASELINE).items() if name not in own}
    terms = (
        *(_terms(name, class_, class_.assets) for name, class_ in own.items()),
        *(_terms(name, class_, ()) for name, class_ in spare.items()),
    )
    return terms, {name: class_.rule for name, class_ in {**own, **spare}.items()}


def _size_classes(pack: str) -> Mapping[str, SizeClass]:
    rules = schema.RULES.validate_python(loader.resolve(pack).effective)
    return rules.requirement.classes if isinstance(rules, schema.ScheduleRules) else {}


def _states_classes(pack: str) -> bool:
    """Returns whether the text of a rule set states its classes, rather than inheriting them."""
    requirement = as_mapping(
        as_mapping(loader.resolve(pack).layers[0].source.value).get("requirement")
    )
    return "classes" in requirement


def _terms(name: str, class_: SizeClass, assets: tuple[str, ...]) -> ClassTerms:
    """Returns the terms of a class. Raises RequestError: it lacks v1 or its reference volume."""
    if class_.v1 is None or class_.adv_ref is None:
        message = f"class {name}: expected v1 and adv_ref, which the formula needs; add them"
        raise RequestError(message)
    bounds = tuple(tier.upper for tier in class_.tiers)
    return ClassTerms(name, assets, class_.v1, class_.adv_ref, bounds)


def _calibrated_classes(
    last: RuleSet, classes: Sequence[ClassTerms], evidence: Sequence[AssetEvidence]
) -> BaselineCalibration | None:
    requirement = last.requirement
    if not isinstance(requirement, ReferenceSchedule) or requirement.measured is None:
        return None
    return calibrate_classes(requirement.measured, classes, evidence)


def archived_inputs(place: ArchiveLocation) -> tuple[Input, ...]:
    """Returns the inputs of the recorded archive, then those of the user's own, which precede."""
    with recorded_archive() as path:
        archives = [Archive.open(path), Archive.find(place)]
        return tuple(
            item
            for archive in archives
            if archive is not None
            for entry in archive.entries()
            if entry.venue == MARKET and not entry.pruned
            for item in read_inputs(archive.read(entry))[0]
        )


def _before(archived: Sequence[Input], as_of: date) -> InputsByName:
    """Returns the newest archived inputs of a day or before: those of the last version."""
    return newest_inputs(archived, datetime.combine(as_of, time.min, UTC))


def _input_changes(
    evidence: Sequence[AssetEvidence], before: InputsByName
) -> Iterator[InputChange]:
    for asset in evidence:
        for item in asset.inputs.values():
            yield _change(before, item)


def _change(before: InputsByName, item: MeasuredInput) -> InputChange:
    old = before.get((item.name, item.input.underlying))
    return InputChange(old, item.input, str(item.window.series))


def _measurable_day(request: CalibrationRequest, made_on: date | None) -> date | None:
    """Returns the day of the last version; None if it states none, or one after the calibration."""
    return made_on if made_on is not None and made_on <= request.as_of else None


def _rate_changes(
    formula: RateFormula,
    evidence: Sequence[AssetEvidence],
    before: InputsByName,
    made_on: date | None,
) -> Iterator[RateChange]:
    for item in evidence:
        after = asset_rate(formula.expression, formula.needs, item)
        if after is None:
            continue
        old = {
            need.local: before[need.name, item.asset]
            for need in formula.needs
            if (need.name, item.asset) in before
        }
        archived = rate_from(formula.expression, item.asset, old)
        anew = None
        if archived is None and made_on is not None:
            anew = _rate_on(formula, item, made_on)
        changes = [_change(before, item.inputs[name]) for name in formula.names.values()]
        yield RateChange(
            archived or anew, after, anew is not None, tuple(changes) if archived else ()
        )


def _rate_on(formula: RateFormula, item: AssetEvidence, day: date) -> AssetRate | None:
    """Returns the rate by the candles of the same series that had closed by the end of a day."""
    evidence = earlier_evidence(item, tuple(formula.names.values()), end_of_day(day))
    return None if evidence is None else asset_rate(formula.expression, formula.needs, evidence)
