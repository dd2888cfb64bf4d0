"""Margins in force before and after a calibration is adopted, with its inputs and without."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.api.calibrate import Calibration
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import InputsByName
from harmonize.policy.rule_set import RuleSet


@dataclass(frozen=True, slots=True)
class MarginsInForce:
    """Rates of initial margin of a small position, as an audit requires them; None: no reference.

    ``before`` is by the last version and the archived inputs, ``adopted`` by the new version and its
    inputs. ``before_by_class`` and ``by_class`` are those without any inputs.
    """

    asset: str
    before_by_class: float | None
    before: float | None
    by_class: float | None
    adopted: float | None

    @property
    def depends_on_inputs(self) -> bool:
        """Whether the new version requires another margin with its inputs than without."""
        return self.adopted != self.by_class


def margins_in_force(calibration: Calibration, new: RuleSet) -> tuple[MarginsInForce, ...]:
    """Returns the margins of each calibrated asset on the day of a calibration.

    ``new`` is its new version.
    """
    assets = [item.asset for item in calibration.evidence]
    archived = calibration.archived
    measured = {(item.name, item.input.underlying): item.input for item in calibration.inputs}
    columns = [
        list(_rates(rule_set, inputs, assets, calibration))
        for rule_set, inputs in (
            (calibration.last, {}),
            (calibration.last, archived),
            (new, {}),
            (new, {**archived, **measured}),
        )
    ]
    rows = zip(assets, *columns, strict=True)
    return tuple(MarginsInForce(*row) for row in rows)


def _rates(
    rule_set: RuleSet, inputs: InputsByName, assets: Sequence[str], calibration: Calibration
) -> Iterator[float | None]:
    (applied,) = apply_rule_sets((rule_set,), inputs, assets, calibration.as_of)
    schedule = applied.reference_schedule
    for asset in assets:
        reference = schedule.class_of(asset) if schedule else None
        yield float(reference.initial.pieces[0].rate) if reference else None
