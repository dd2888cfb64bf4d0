"""How much the liquidated notional of a case depends on each assumption.

Each is halved and doubled, except the liquidity multiplier, whose assumed range is far wider.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from harmonize.api.stress_case import StressCase, default_rows
from harmonize.document.stress import StressSensitivityRow
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.curve import curve
from harmonize.stress.defaults import StressDefaults
from harmonize.stress.sensitivity import SCALES, Scale, SensitivityRow, sensitivity
from harmonize.stress.thresholds import Thresholds, thresholds

_OF_IMPACT = ("impact coefficient", "impact exponent")
"""Assumptions of the package that matter for given positions."""


_LIQUIDITY = "liquidity multiplier"

_STATED_AS = {
    "leverage, median": "effective leverage",
    "leverage, log-sd": "effective leverage",
    "smallest size": "position sizes",
    "largest size": "position sizes",
    "impact coefficient": "impact coefficient",
    "impact exponent": "impact exponent",
    _LIQUIDITY: "liquidity multiplier on volatility",
    "closing of price gaps": "closing of price gaps between venues",
    "time to sell": "time to sell a liquidation",
    "resolution of the model": "resolution of the model",
    "volatility": "volatility and volume",
    "average daily volume": "volatility and volume",
    "open interest": "open interest",
}
"""Row of the assumptions, with its mark, to which each halved and doubled number belongs."""


def sensitivity_rows(case: StressCase) -> Iterator[StressSensitivityRow]:
    """Yields the assumptions, largest spread first, under the first liquidity multiplier.

    Nothing without an impact. Raises StressInputError: input that cannot be simulated.
    """
    if not case.impacts:
        return
    given = _thresholds(case)
    own = sensitivity(
        case.defaults, lambda defaults: _liquidated_under(case, given, defaults), _scales(case)
    )
    rows = [*own]
    if case.given_impact is None:
        rows += [*_market_rows(case, given), _liquidity_row(case, given)]
    marks = {own.name: own.mark for own in default_rows(case)}
    for row in sorted(rows, key=lambda row: (-row.spread, row.name)):
        mark = marks.get(_STATED_AS[row.name], "")
        span = _liquidity_span(case) if row.name == _LIQUIDITY else ""
        yield StressSensitivityRow(row.name, row.base, row.halved, row.doubled, mark, span)


def _scales(case: StressCase) -> Mapping[str, Scale]:
    """Returns the assumptions of the package that matter: of given positions, those of the impact."""
    names = SCALES.keys() if case.is_synthetic else set(_OF_IMPACT)
    if case.given_impact is not None:
        names -= set(_OF_IMPACT)
    return {name: scale for name, scale in SCALES.items() if name in names}


def _thresholds(case: StressCase) -> Thresholds:
    own = unchanged(case.book())
    return thresholds(own.positions, own.falls)


def _liquidated_under(case: StressCase, given: Thresholds, defaults: StressDefaults) -> float:
    """Returns the liquidated notional under other assumptions; most of them change no position."""
    varied, own = replace(case, defaults=defaults), case.defaults
    is_same_book = (
        defaults.leverage is own.leverage
        and defaults.sizes is own.sizes
        and defaults.grid_rows is own.grid_rows
    )
    return _liquidated(varied, given if is_same_book else _thresholds(varied))


def _liquidated(case: StressCase, given: Thresholds, liquidity: float | None = None) -> float:
    """Returns the liquidated notional at the shock, in USD; by default under the first multiplier."""
    impacts = case.impacts
    impact = impacts[min(impacts) if liquidity is None else liquidity]
    return float(curve(given, impact, [case.shock]).liquidated[0])


def _liquidity_row(case: StressCase, given: Thresholds) -> SensitivityRow:
    """Returns the figures at both ends of the assumed multipliers."""
    base = _liquidated(case, given)
    last = _liquidated(case, given, max(case.impacts))
    return SensitivityRow(_LIQUIDITY, base, base, last)


def _liquidity_span(case: StressCase) -> str:
    return f"{min(case.impacts):g}× to {max(case.impacts):g}×"


def _market_rows(case: StressCase, given: Thresholds) -> Iterator[SensitivityRow]:
    """Yields the inputs measured for the case.

    Open interest times a factor is that factor times the result with the volume divided by it: sizes
    and leverage do not depend on it. Given positions have none.
    """
    base = _liquidated(case, given)

    def at(volatility: float = 1.0, volume: float = 1.0) -> float:
        market = case.market
        scaled = replace(
            market,
            volatility=volatility * (market.volatility or 0.0),
            daily_volume=volume * (market.daily_volume or 0.0),
        )
        return _liquidated(replace(case, market=scaled), given)

    yield SensitivityRow("volatility", base, at(volatility=0.5), at(volatility=2.0))
    yield SensitivityRow("average daily volume", base, at(volume=0.5), at(volume=2.0))
    if case.is_synthetic:
        yield SensitivityRow("open interest", base, 0.5 * at(volume=2.0), 2.0 * at(volume=0.5))
