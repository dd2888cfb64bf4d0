"""Appends an excerpt of candles to an archive: of the assets of the baseline, or of failed ones.

Run: ``python -m tests.support.recorded_prices SOURCE TARGET baseline``, or with ``failed``. SOURCE is an
archive into which the folder of candles was imported, TARGET the archive to append to.
"""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.core.payload import Payload
from harmonize.market.candle_codec import METHOD
from harmonize.market.card import card_of
from harmonize.market.excerpt import excerpt, excerpt_snapshot, failed_excerpt
from harmonize.market.failed_assets import FAILED_ASSETS
from harmonize.market.prices import PriceSeries
from harmonize.market.source import archived_payloads, read_series
from harmonize.policy.rule_set import ReferenceSchedule
from rules.loader import load

BASELINE = "harmonized-baseline"


def baseline_assets() -> frozenset[str]:
    """Assets that a class of the baseline names."""
    requirement = load(BASELINE).requirement
    assert isinstance(requirement, ReferenceSchedule)
    return frozenset(asset for row in requirement.classes for asset in row.assets)


def baseline_excerpt(archive: Archive) -> tuple[PriceSeries, ...]:
    """Excerpt of the assets of the baseline, with implied volatility."""
    assets = baseline_assets()
    data = read_series(
        archive,
        archive.entries(),
        lambda call: call["underlying"] in assets or call["kind"] == "volatility",
    )
    return excerpt(data.series, assets)


def excerpt_of_failed(archive: Archive) -> tuple[PriceSeries, ...]:
    """Excerpt of the symbols that failed assets had."""
    symbols = {failed.symbol for failed in FAILED_ASSETS}
    data = read_series(archive, archive.entries(), lambda call: call["symbol"] in symbols)
    return failed_excerpt(data.series, symbols)


EXCERPTS = {"baseline": baseline_excerpt, "failed": excerpt_of_failed}


def origins(archive: Archive) -> dict[str, str]:
    """Provenance of each imported file of candles, in words: repository, path, commit and hash."""
    payloads = archived_payloads(archive, archive.entries(), METHOD, lambda _: True)
    provenances = {
        p.provenance.request: p.provenance.source for _, p in payloads if isinstance(p, Payload)
    }
    return {file: source.rpartition("; ")[0] for file, source in provenances.items()}


def append(series: Collection[PriceSeries], known: Mapping[str, str], target: Path) -> None:
    """Append an excerpt; print each series, and the size that the snapshot takes."""
    for part in series:
        card = card_of(part)
        sys.stdout.write(
            f"{part.id} ({part.id.underlying.asset}): {card.candles:,} candles, "
            f"{card.first:%F} to {card.end:%F}\n"
        )
    entry = Archive.open(target).append(excerpt_snapshot(series, known), imported=True)
    sys.stdout.write(f"{len(series)} series: {entry.size:,} bytes\n")


if __name__ == "__main__":
    source = Archive.open(Path(sys.argv[1]))
    append(EXCERPTS[sys.argv[3]](source), origins(source), Path(sys.argv[2]))
