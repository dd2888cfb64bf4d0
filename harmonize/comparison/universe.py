"""What every comparison stands on: schedules and rule sets laid out, and who stands for each venue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from harmonize.comparison import representative
from harmonize.comparison.layout import PanelLayout, asset_of, build_layout
from harmonize.comparison.peers import PeerGroup, peer_groups
from harmonize.core.schedule import MarginMode, MarginSchedule
from harmonize.policy.apply import Applied, apply_rule_sets
from harmonize.policy.inputs import Input, held
from harmonize.policy.rule_set import RuleSet


@dataclass(frozen=True, slots=True)
class Universe:
    """Schedules in order, the rule sets as applied, both laid out, and the venues' choices.

    ``chosen[underlying][venue]`` stands for the venue; ``rivals`` are the underlyings that enough
    venues list.
    """

    schedules: tuple[MarginSchedule, ...]
    applied: tuple[Applied, ...]
    laid_out: PanelLayout
    chosen: Mapping[str, Mapping[str, MarginSchedule]]
    peer_groups: tuple[PeerGroup, ...]

    def isolated(self, found: PeerGroup) -> PeerGroup:
        """The same venues and instruments in isolated margin, where a venue publishes that apart."""
        rows = {one.key: row for row, one in enumerate(self.schedules)}
        apart: dict[tuple[str, str], list[MarginSchedule]] = {}
        for one in self.schedules:
            if one.profile.margin_mode is MarginMode.ISOLATED:
                key = (one.instrument.venue, one.instrument.symbol)
                apart.setdefault(key, []).append(one)
        chosen = tuple(
            representative.preferred(
                apart.get((one.instrument.venue, one.instrument.symbol), (one,))
            )
            for one in found.schedules
        )
        return PeerGroup(found.underlying, tuple(rows[one.key] for one in chosen), chosen)

    def classed(self) -> tuple[PeerGroup, ...]:
        """The underlyings on a class list of a rule set, those that most venues list first."""
        found = [
            one
            for one in self.peer_groups
            if any(rule.class_name(one.underlying) for rule in self.laid_out.schedules())
        ]
        return tuple(sorted(found, key=lambda one: (-len(one.schedules), one.underlying)))


def build_universe(  # noqa: PLR0913 - what was read, and how it is to be seen
    schedules: Iterable[MarginSchedule],
    rule_sets: Sequence[RuleSet],
    inputs: Iterable[Input],
    as_of: datetime,
    instruments: Mapping[representative.Pair, str],
    *,
    venues: int = 2,
) -> Universe:
    """Lay everything out; underlyings that fewer than ``venues`` list have no rivals.

    Raises KeyError: an instrument preferred that its venue does not have.
    """
    ordered = tuple(sorted(schedules, key=lambda one: one.key))
    assets = [asset_of(one) for one in ordered]
    put = apply_rule_sets(rule_sets, held(inputs, as_of), assets, as_of.date())
    chosen = representative.choose(ordered, instruments)
    return Universe(
        ordered, put, build_layout(ordered, put), chosen, peer_groups(chosen, ordered, least=venues)
    )
