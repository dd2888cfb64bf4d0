"""What limits the answer of a stress, in sentences."""

from collections.abc import Iterator, Sequence

from harmonize.api.stress_accounts import accounted_underlyings
from harmonize.api.stress_validation import FALLS_ALONE, POSITIONS_ALONE
from harmonize.document.stress import StressRow
from harmonize.document.stress_volumes import volume_sentence
from harmonize.stress.defaults import JOINT_FALL
from harmonize.stress.positions import NO_ACCOUNT, Positions
from harmonize.stress.scenario import Scenario
from harmonize.text.words import join_words


def limit_statements(
    scenario: Scenario | None,
    positions: Positions | None,
    rows: Sequence[StressRow],
    *,
    with_impact: bool,
    has_funds: bool,
) -> list[str]:
    """Returns what limits an answer, in sentences."""
    lines = []
    if scenario is not None and scenario.contains_its_cascade:
        lines.append(
            f"{scenario.id} is a recorded path: it already contains its own liquidations. "
            + (
                "Impact is on as requested, and counts them twice."
                if with_impact
                else "Impact is off in the replay; --impact switches it on. Curve, contributions and "
                "effects are of a sudden fall as large, with impact."
            )
        )
    lines += _margined_alone(scenario, positions, rows)
    lines += filter(None, [volume_sentence(rows)])
    lines.append(FALLS_ALONE)
    counted = "only the stated ones" if has_funds else "none"
    lines.append(f"No insurance fund is archived: reverse stress counts {counted}.")
    if has_funds and len(rows) > 1:
        lines.append(
            "A stated fund stands in full behind each underlying: the sum of what it pays can exceed it."
        )
    return lines


def _margined_alone(
    scenario: Scenario | None, positions: Positions | None, rows: Sequence[StressRow]
) -> Iterator[str]:
    """Yields what the results do not know of positions that fall together."""
    accounted = accounted_underlyings(positions) if positions else ()
    names = [row.underlying for row in rows if row.underlying in accounted]
    if names:
        yield (
            f"Curve, paths, contributions, map, effects and sensitivity of {join_words(names)}: each "
            "position margined alone. The results of accounts have their shared margin."
        )
    is_joint = len(rows) > 1 or (scenario is not None and scenario.is_joint)
    has_single = positions is None or bool((positions.account == NO_ACCOUNT).any())
    if is_joint and has_single:
        every = "Every underlying is simulated alone: no accounts are known"
        yield (
            f"{POSITIONS_ALONE if accounted else every}. On a Hyperliquid sample, the joint fall of 2025-10-10 "
            f"makes {JOINT_FALL.text} ({JOINT_FALL.mark})."
        )


def switch_statements(slices: int, *, is_deleveraged: bool) -> Iterator[str]:
    """Yields what partial liquidation and auto-deleveraging state, and where they do not act."""
    if slices > 1:
        yield (
            f"Partial liquidation: {slices} slices on paths alone, each closed at its own threshold, where "
            f"its loss is realised for the next ones. {_WHOLE} liquidate whole positions."
        )
    if is_deleveraged:
        yield (
            "Auto-deleveraging: its trigger is not identified by public data. What covers the loss "
            "is closed after the path, and no more; prices are those without it. "
            f"{_WHOLE} have none."
        )


_WHOLE = "Curve, contributions, map, effects, sensitivity and results of accounts"
