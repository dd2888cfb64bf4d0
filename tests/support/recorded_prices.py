"""Appends the excerpt of candles for the assets of the baseline to an archive.

Run: ``python -m tests.support.recorded_prices SOURCE TARGET``. SOURCE is an archive into which the
folder of candles was imported, TARGET the archive to append to.
"""

import sys
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.market.card import card_of
from harmonize.market.excerpt import excerpt, excerpt_snapshot
from harmonize.market.source import read_series
from harmonize.policy.rule_set import ReferenceSchedule
from rules.loader import load

BASELINE = "harmonized-baseline"


def baseline_assets() -> frozenset[str]:
    """Assets that a class of the baseline names."""
    requirement = load(BASELINE).requirement
    assert isinstance(requirement, ReferenceSchedule)
    return frozenset(asset for row in requirement.classes for asset in row.assets)


def main(source: Path, target: Path) -> None:
    """Print each series of the excerpt, and the size that its snapshot takes."""
    archive = Archive.open(source)
    assets = baseline_assets()
    data = read_series(
        archive,
        archive.entries(),
        lambda call: call["underlying"] in assets or call["kind"] == "volatility",
    )
    series = excerpt(data.series, assets)
    for part in series:
        card = card_of(part)
        sys.stdout.write(f"{part.id}: {card.candles:,} candles, {card.first:%F} to {card.end:%F}\n")
    entry = Archive.open(target).append(excerpt_snapshot(series), imported=True)
    sys.stdout.write(f"{len(series)} series of {len(assets)} assets: {entry.size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
