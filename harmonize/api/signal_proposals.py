"""A new version of the harmonized baseline with the proposals of the signals that are on, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType

from harmonize.adequacy.factors import VenueVolume
from harmonize.api.calibrate import BASELINE, next_version
from harmonize.api.calibration_files import NewVersion, version_with_examples
from harmonize.api.calibration_review import stated_day
from harmonize.api.errors import NotObservedError
from harmonize.api.rule_set_text import RuleSetText
from harmonize.api.threshold_terms import ThresholdsAnswer
from harmonize.calibration.signal_moves import (
    Direction,
    EvidenceLimits,
    MemberClass,
    SignalMove,
    SignalProposal,
    SignalStay,
    current_moves,
    members_after,
)
from harmonize.document.threshold_sentences import apply_command
from harmonize.history.recent import RECENT_DAYS
from harmonize.policy.rule_set import Flag, FlagStatus, ReferenceSchedule, RuleSet
from harmonize.text.messages import percent
from rules import loader

_DIRECTIONS: Mapping[str, Direction] = MappingProxyType(
    {
        "MH511": Direction.RAISE,
        "MH512": Direction.RAISE,
        "MH513": Direction.LOWER,
        "MH515": Direction.FAILING,
    }
)
"""Signals that move an asset. MH514 proposes nothing: a short history has its class already."""

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class ProposedVersion:
    """Version of the baseline that follows ``last``, the moves in it, and the assets that stay."""

    last: RuleSet
    version: str
    text: NewVersion
    moves: tuple[SignalMove, ...]
    stays: tuple[SignalStay, ...]


def proposed_version(answer: ThresholdsAnswer) -> ProposedVersion:
    """Returns the version of the baseline with the moves that the signals of an answer propose.

    Rates and tiers of classes stay. A signal moves no asset if its evidence is older than an audit accepts, or
    if the day of the answer is before that of the last version. Raises NotObservedError: no signal moves an
    asset, with the reasons.
    """
    last = loader.load(BASELINE)
    classes = _classes(last)
    decided = _decided(answer, last)
    moves = tuple(own for own in decided if isinstance(own, SignalMove))
    stays = tuple(own for own in decided if isinstance(own, SignalStay))
    if not moves:
        reasons = "; ".join(map(stay_text, stays)) or "none is on"
        message = f"no signal moves an asset to another class: {reasons}; nothing was written"
        raise NotObservedError(message)
    version = next_version(last.version, answer.as_of.date())
    flag = Flag("assets", FlagStatus.CALIBRATED, _note(version, answer, moves))
    source, members = loader.rule_set_text(BASELINE), members_after(classes, moves)

    def edited(removed: Sequence[int]) -> str:
        text = RuleSetText(source)
        text.set_version(version)
        text.set_members(members)
        text.set_flags([flag], last.flags)
        text.remove_examples(removed)
        return text.edited()

    return ProposedVersion(last, version, version_with_examples(last, edited), moves, stays)


def move_text(move: SignalMove) -> str:
    """Returns which asset moves, from and to which class, by which signal, with its figures and day."""
    before, after = move.before, move.after
    return (
        f"{move.proposal.asset} from class {before.name} (v1 {percent(float(before.v1))}) to {after.name} "
        f"({percent(float(after.v1))}) by {_proposal_text(move.proposal)}"
    )


def stay_text(stay: SignalStay) -> str:
    """Returns which asset stays despite a signal, and why, with the figures and the day of the signal."""
    return f"{stay.proposal.asset} {stay.reason}: {_proposal_text(stay.proposal)}"


def proposal_outcomes(answer: ThresholdsAnswer) -> Mapping[tuple[str, str], str]:
    """Returns what follows from the proposals of an answer, by signal and asset.

    It is the command that applies the proposal, or why it changes no class. A signal that moves no asset
    has no entry. On an asset without a class, only the signal with the most prudent proposal has one.
    """
    last = loader.load(BASELINE)
    members = {asset for own in _classes(last) for asset in own.assets}
    outcomes: dict[tuple[str, str], str] = {}
    for decided in _decided(answer, last):
        own = decided.proposal
        outcomes[own.signal, own.asset] = _outcome_text(decided, answer)
    deciding = {asset: signal for signal, asset in reversed(outcomes)}
    for own in _proposals(answer):
        if own.asset in members:
            text = f"{deciding[own.asset]} decides on the class of {own.asset}"
            outcomes.setdefault((own.signal, own.asset), text)
    return outcomes


def _outcome_text(decided: SignalMove | SignalStay, answer: ThresholdsAnswer) -> str:
    asset = decided.proposal.asset
    if isinstance(decided, SignalStay):
        return f"no class changes: {asset} {decided.reason}"
    return f"to apply: {apply_command(asset, answer.as_of)}"


def _decided(answer: ThresholdsAnswer, last: RuleSet) -> tuple[SignalMove | SignalStay, ...]:
    """Returns what the proposals of an answer change in the last version, and which change nothing."""
    limits = EvidenceLimits(answer.as_of.date(), int(RECENT_DAYS), version_day(last))
    return current_moves(_proposals(answer), _classes(last), _volumes(answer), limits)


def version_day(rule_set: RuleSet) -> date | None:
    """Returns the latest day that flags with the status calibrated state; None: they state none."""
    days = (
        stated_day(flag.note) for flag in rule_set.flags if flag.status is FlagStatus.CALIBRATED
    )
    return max((day for day in days if day is not None), default=None)


def _proposal_text(proposal: SignalProposal) -> str:
    rate = "" if proposal.rate is None else f", proposal {percent(float(proposal.rate))}"
    return f"{proposal.signal} on {proposal.day}, {proposal.text}{rate}"


def _note(version: str, answer: ThresholdsAnswer, moves: Sequence[SignalMove]) -> str:
    names = " ".join(own.asset for own in answer.assets)
    command = f"harmonize thresholds {names} --as-of {answer.as_of:%Y-%m-%d} --apply"
    listed = "; ".join(map(move_text, moves))
    return f"Version {version} moves by signals, found with {command}: {listed}."


def _classes(rule_set: RuleSet) -> tuple[MemberClass, ...]:
    requirement = rule_set.requirement
    classes = requirement.classes if isinstance(requirement, ReferenceSchedule) else ()
    return tuple(MemberClass(own.name, own.assets, own.v1) for own in classes if own.v1 is not None)


def _proposals(answer: ThresholdsAnswer) -> list[SignalProposal]:
    return [
        SignalProposal(
            found.asset,
            state.signal,
            _DIRECTIONS[state.signal],
            None if found.proposal is None else Decimal(repr(found.proposal)),
            _EPOCH + timedelta(days=found.day),
            found.text,
        )
        for state in answer.signals
        if state.signal in _DIRECTIONS
        for found in state.now
    ]


def _volumes(answer: ThresholdsAnswer) -> dict[str, Decimal]:
    return {
        own.asset: Decimal(repr(own.volume.value))
        for own in answer.assets
        if isinstance(own.volume, VenueVolume)
    }
