"""Paths of a stress as text: what is liquidated, in slices, paid by funds and deleveraged."""

from collections.abc import Iterator

from harmonize.api.stress_paths import DeleveragingRow, SwitchedPaths
from harmonize.cli import stress_numbers
from harmonize.document.stress import StressPathRow, StressRow
from harmonize.text.messages import percent


def paths(row: StressRow, switched: SwitchedPaths) -> Iterator[str]:
    """Yields the outcome of the scenario's path under each liquidity, then what its switches do."""
    for path in row.paths:
        impact = "no impact" if path.liquidity is None else f"impact at {path.liquidity:g}×"
        yield (
            f"path {path.scenario}, {impact}: fall of {percent(path.fall)}, price moves "
            f"{stress_numbers.move(path.move, path.fall)}, liquidated "
            f"{stress_numbers.usd(path.liquidated)} ({stress_numbers.rate(path.share)}), "
            f"loss beyond margin {stress_numbers.usd(path.loss)}{_funded(path)}"
        )
        yield from _sliced(row.underlying, path, switched)
        yield from _deleveraged(row.underlying, path, switched)
    if row.paths:
        path = row.paths[0]
        shocks = (
            []
            if path.volume is None
            else [f"volume of {path.volume:g} times that of the 30 days before"]
        )
        if path.implied_volatility is not None:
            shocks.append(f"implied volatility of {percent(path.implied_volatility)} a year")
        if shocks:
            yield f"largest on the path: {', '.join(shocks)}"


def _funded(path: StressPathRow) -> str:
    """Returns what stated funds pay of the loss; empty without one."""
    if path.paid_by_funds is None:
        return ""
    paid, rest = stress_numbers.usd(path.paid_by_funds), stress_numbers.usd(path.uncovered)
    return f", of which funds pay {paid}; {rest} is uncovered"


def _sliced(underlying: str, path: StressPathRow, switched: SwitchedPaths) -> Iterator[str]:
    for own in switched.slices:
        if (own.underlying, own.liquidity) == (underlying, path.liquidity):
            yield (
                f"  partial liquidation in {own.slices} slices; whole positions: liquidated "
                f"{stress_numbers.usd(own.whole_liquidated)}, loss beyond margin "
                f"{stress_numbers.usd(own.whole_loss)}"
            )


def _deleveraged(underlying: str, path: StressPathRow, switched: SwitchedPaths) -> Iterator[str]:
    """Yields the shorts closed in all, and those of each venue that closes some."""
    own = [
        deleveraging
        for deleveraging in switched.deleveraging
        if (deleveraging.underlying, deleveraging.liquidity) == (underlying, path.liquidity)
    ]
    if not own:
        return
    if not any(part.closed for part in own):
        yield "  auto-deleveraging: none is needed"
        return
    closed, haircut = (
        stress_numbers.usd(sum(amounts))
        for amounts in ((part.closed for part in own), (part.haircut for part in own))
    )
    yield (
        f"  auto-deleveraging: {closed} of longs and of shorts closed against each other at the "
        f"bankruptcy price; haircut of the shorts {haircut}"
    )
    yield from (_venue(part) for part in own if part.least_leverage is not None)


def _venue(own: DeleveragingRow) -> str:
    return (
        f"    {own.venue}: {stress_numbers.usd(own.closed)} of {stress_numbers.usd(own.shorts)}, "
        f"effective leverage from {own.least_leverage:.2g}; haircut {stress_numbers.usd(own.haircut)}"
    )
