"""Writes the detection record: what the checks make of plausible corruption.

Run with ``python -m docs.detection``; it takes some minutes.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from docs.generate import table
from tests.support import corruption
from tests.support.corruption import CORRUPTIONS, Outcome, Trial

PAGE = Path(__file__).with_name("detection.md")
BEGIN, END = "<!-- written by docs.detection -->\n", "<!-- end of the record -->"


def record(trials: Sequence[Trial]) -> str:
    """Returns the record as Markdown: totals, a table by corruption, and what passed."""
    venues = {trial.venue for trial in trials}
    totals = (
        f"{len(trials):,} trials on {len(venues)} venues. Hidden or flagged: "
        f"**{_share(trials, 'night')}** as a night after a good one, "
        f"**{_share(trials, 'first_night')}** as a first night.\n"
    )
    parts = [
        totals,
        _by_corruption(trials),
        "Passed, by corruption and venue (as a first night where marked with *):\n",
        _passed(trials),
    ]
    return "\n".join(parts)


def _by_corruption(trials: Sequence[Trial]) -> str:
    headings = (
        "corruption",
        "trials",
        "hidden or flagged",
        "listed as a change",
        "nothing said",
        "first night: hidden or flagged",
    )
    rows = []
    for name in (own.name for own in CORRUPTIONS):
        of_name = [trial for trial in trials if trial.corruption == name]
        if of_name:
            outcomes = [_share(of_name, "night", outcome) for outcome in Outcome]
            first = _share(of_name, "first_night")
            rows.append((name, f"{len(of_name)}", *outcomes, first))
    return table(headings, rows)


def _share(trials: Sequence[Trial], night: str, outcome: Outcome = Outcome.WITHHELD) -> str:
    count = sum(getattr(trial, night) is outcome for trial in trials)
    return f"{100 * count / len(trials):.1f} %"


def _passed(trials: Iterable[Trial]) -> str:
    passed: dict[str, dict[str, None]] = {}
    for trial in trials:
        if trial.night is not Outcome.WITHHELD:
            passed.setdefault(trial.corruption, {})[trial.venue] = None
        elif trial.first_night is not Outcome.WITHHELD:
            passed.setdefault(trial.corruption, {}).setdefault(f"{trial.venue}*")
    return "".join(f"- {name}: {', '.join(sorted(own))}\n" for name, own in sorted(passed.items()))


def main() -> None:
    """Runs every trial and replaces the record in the page."""
    trials = [trial for venue in corruption.venues().values() for trial in corruption.trials(venue)]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{record(trials)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
