"""States how far the assets of an answer are survivors, and which failed ones the archive has."""

from collections.abc import Collection
from datetime import datetime

from harmonize.api.adequacy_prices import last_closes
from harmonize.api.question import Question
from harmonize.market.failed_assets import failed_by
from harmonize.text.messages import counted


def survivors_note(question: Question, as_of: datetime, assets: Collection[str]) -> str:
    """Returns a line on the failed assets among those of an answer and in the archive.

    An asset counts as failed from the day on which its trading stopped. Raises ArchiveError.
    """
    failed = [own.asset for own in failed_by(as_of.date(), last_closes(question))]
    included = [asset for asset in failed if asset in assets]
    others = [asset for asset in failed if asset not in assets]
    count = counted(len(assets), "asset")
    if included:
        note = f"{len(included)} of {count} failed: {', '.join(included)}; the others are survivors"
        absent = ""
    else:
        note = f"survivors only: {count} with archived prices"
        absent = "; assets that failed before are absent"
    if not others:
        return f"{note}{absent}"
    also = counted(len(others), "failed asset")
    return f"{note}; the archive also has prices of {also}, not included: {', '.join(others)}"
