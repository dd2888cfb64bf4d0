"""The comparison universe: schedules, applied rule sets and one representative per venue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from harmonize.comparison import representative
from harmonize.comparison.identity import with_identities
from harmonize.comparison.layout import PanelLayout, asset_of, build_layout
from harmonize.comparison.peers import MIN_VENUES, PeerGroup, peer_groups
from harmonize.comparison.shared_books import with_shared_books
from harmonize.comparison.trading import with_trading
from harmonize.core.schedule import MarginMode, MarginSchedule
from harmonize.policy.apply import AppliedRuleSet, apply_rule_sets
from harmonize.policy.inputs import Input, newest_inputs
from harmonize.policy.rule_set import RuleSet


@dataclass(frozen=True, slots=True)
class Universe:
    """Schedules by key, rule sets as applied, the layout of both, and the representatives.

    ``chosen[underlying][venue]`` is the venue's representative schedule. ``peer_groups`` contain
    the underlyings that trade at enough venues, without venues at which none of the contracts trades.
    """

    schedules: tuple[MarginSchedule, ...]
    applied: tuple[AppliedRuleSet, ...]
    layout: PanelLayout
    chosen: Mapping[str, Mapping[str, MarginSchedule]]
    peer_groups: tuple[PeerGroup, ...]

    def isolated(self, peers: PeerGroup) -> PeerGroup:
        """Returns the same instruments, with the isolated schedule if a venue publishes one."""
        rows = {schedule.key: row for row, schedule in enumerate(self.schedules)}
        isolated: dict[tuple[str, str], list[MarginSchedule]] = {}
        for schedule in self.schedules:
            if schedule.profile.margin_mode is MarginMode.ISOLATED:
                key = (schedule.instrument.venue, schedule.instrument.symbol)
                isolated.setdefault(key, []).append(schedule)
        chosen = tuple(
            representative.preferred(
                isolated.get((schedule.instrument.venue, schedule.instrument.symbol), (schedule,))
            )
            for schedule in peers.schedules
        )
        return PeerGroup(peers.underlying, tuple(rows[schedule.key] for schedule in chosen), chosen)

    def with_class(self) -> tuple[PeerGroup, ...]:
        """Returns the groups whose underlying a rule set assigns to a class, largest group first."""
        groups = [
            group
            for group in self.peer_groups
            if any(rule.class_name(group.underlying) for rule in self.layout.schedules())
        ]
        return tuple(sorted(groups, key=lambda group: (-len(group.schedules), group.underlying)))


def build_universe(  # noqa: PLR0913 - inputs of a comparison, and two options
    schedules: Iterable[MarginSchedule],
    rule_sets: Sequence[RuleSet],
    inputs: Iterable[Input],
    as_of: datetime,
    instruments: Mapping[representative.VenueUnderlying, str],
    *,
    venues: int = MIN_VENUES,
    unchanged_since: Mapping[tuple[str, str, str], datetime] = MappingProxyType({}),
) -> Universe:
    """Builds the universe as of a time; underlyings on fewer than ``venues`` form no peer group.

    Schedules whose asset is in doubt, or whose contract does not trade at that time, carry the
    reason, and are excluded from cross-venue statistics. ``instruments`` are symbols to prefer.
    ``unchanged_since`` is the time of the last observed change by schedule key. Raises KeyError: the
    venue has no such symbol.
    """
    by_key = sorted(schedules, key=lambda schedule: schedule.key)
    trading = with_trading(by_key, as_of.date(), unchanged_since)
    ordered = with_shared_books(with_identities(trading))
    assets = [asset_of(schedule) for schedule in ordered]
    applied = apply_rule_sets(rule_sets, newest_inputs(inputs, as_of), assets, as_of.date())
    chosen = representative.choose_representatives(ordered, instruments)
    return Universe(
        ordered,
        applied,
        build_layout(ordered, applied),
        chosen,
        peer_groups(chosen, ordered, min_venues=venues),
    )
