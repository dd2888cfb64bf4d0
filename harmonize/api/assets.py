"""What is known of an asset: the codes that mean it, and how its contracts are joined."""

from dataclasses import asdict, dataclass
from datetime import date

from harmonize.api.audit import Selection, read
from harmonize.comparison.identity import Identity, Listing, identities
from harmonize.core import tickers
from harmonize.core.instrument import Underlying
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import Change
from harmonize.text.messages import iso_utc
from venues import assets
from venues.assets import AssetEntry

COMPARED = "compared"
"""Status of a contract in the group that is compared."""

ALONE = "no other venue"
"""Status of a contract whose name only one venue has."""


@dataclass(frozen=True, slots=True)
class AssetContract:
    """Contract under the name of an asset, and whether it is compared under it.

    ``price`` is the venue's price per coin in USD; None if it states none on a known day.
    ``source`` names the asset behind the venue's code; empty if the code alone does.
    """

    asset: str
    venue: str
    symbol: str
    observed_at: str
    observed_from: str
    date_kind: str
    price: float | None
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class KnownAssets:
    """Entries of the table of assets, and the contracts that were observed."""

    entries: tuple[AssetEntry, ...]
    contracts: tuple[AssetContract, ...]

    def as_object(self) -> dict[str, object]:
        """Returns what is known as an object for JSON; dates are ISO 8601."""
        return {
            "entries": [
                asdict(entry)
                | {
                    "since": entry.since and entry.since.isoformat(),
                    "until": entry.until and entry.until.isoformat(),
                }
                for entry in self.entries
            ],
            "contracts": [asdict(contract) for contract in self.contracts],
        }


def known_assets(selection: Selection, name: str = "") -> KnownAssets:
    """Returns all that is known of a name, as a code and as an asset; without one, the whole table.

    Without a name, the contracts are those in doubt. Raises RequestError, ArchiveError.
    """
    table = assets.bundled()
    schedules = read(selection)[0].schedules
    judged = identities(schedules)
    if not name:
        doubtful = (c for asset in judged for c in _contracts(asset, judged[asset]))
        contracts = tuple(c for c in doubtful if c.status not in {COMPARED, ALONE})
        return KnownAssets(table.entries, contracts)
    names = _names(name, schedules)
    entries = tuple(entry for entry in table.entries if {entry.code, entry.asset} & names)
    names |= {entry.asset for entry in entries}
    own = (asset for asset in judged if asset in names)
    return KnownAssets(entries, tuple(c for asset in own for c in _contracts(asset, judged[asset])))


def names_asset(change: Change) -> bool:
    """Returns whether a source names the asset of a contract before and after a change, or its ticker does."""
    if tickers.bundled().is_unmistakable(change.underlying):
        return True
    code = Underlying.of(change.symbol.split("/")[0]).asset
    days = [date.fromisoformat(time[:10]) for time in (change.before, change.after) if time]
    entries = [assets.bundled().find(change.venue, code, day) for day in days]
    return bool(entries) and all(entry and entry.asset == change.underlying for entry in entries)


def _names(name: str, schedules: tuple[MarginSchedule, ...]) -> set[str]:
    """Names that a user can mean: the text itself, in capitals, or of the observed assets."""
    observed = {schedule.instrument.underlying.asset for schedule in schedules}
    return {name, name.upper()} | {x for x in observed if x.casefold() == name.casefold()}


def _contracts(asset: str, identity: Identity) -> list[AssetContract]:
    is_alone = len({x.venue for group in identity.groups for x in group}) == 1
    return [
        _contract(asset, x, identity.doubts.get(x.key) or (ALONE if is_alone else COMPARED))
        for group in identity.groups
        for x in sorted(group, key=lambda x: x.key)
    ]


def _contract(asset: str, listing: Listing, status: str) -> AssetContract:
    price = None if listing.price is None else float(listing.price.value)
    return AssetContract(
        asset,
        listing.venue,
        listing.symbol,
        iso_utc(listing.observed_at),
        listing.precision.earliest_text(listing.observed_at),
        listing.precision.kind.value,
        price,
        status,
        listing.source,
    )
