"""What comparisons across venues need of every schedule in every snapshot, as rows of a table.

A row of ``table_rows`` states what changed. A row here states what was in force as of a snapshot,
with what judges identity and weight: price of the underlying, open interest, exact functions. Amounts
in contracts or coins are stored per unit of price wherever that is exact, so that a night with other
prices repeats the content of the one before.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from harmonize.core.date_precision import DateKind, DatePrecision
from harmonize.core.instrument import Instrument, Payoff, Underlying
from harmonize.core.payload import Origin
from harmonize.core.schedule import (
    AssetPrice,
    Derived,
    FeeAddOn,
    Known,
    MaintenanceMeaning,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Observed,
    Piece,
    Profile,
    T,
    Unknown,
)
from harmonize.history.diff import price_of

_NOT_STORED = Unknown("not stored for comparisons over time")
_FEE = FeeAddOn("", _NOT_STORED)


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A schedule as of a snapshot, as far as comparisons across venues depend on it.

    ``content`` is JSON. It states amounts divided by ``scale``, a price in USD, where that is marked;
    an empty scale divides nothing. ``price`` is the price of the underlying in USD; empty without one.
    ``interest`` is the open interest of the contract in USD; None if it is not observed.
    """

    asset: str
    content: str
    scale: str
    observed_at: datetime
    date_kind: str
    observed_from: datetime | None
    price: str
    priced_at: datetime | None
    price_kind: str
    priced_from: datetime | None
    interest: float | None


def compared_row(schedule: MarginSchedule, interest: float | None) -> ComparedRow:
    """Returns the row of a schedule."""
    price, scale = schedule.price, price_of(schedule)
    content = _content(schedule, scale)
    return ComparedRow(
        asset=schedule.instrument.underlying.asset,
        content=json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        scale=str(scale) if scale and _is_scaled(content) else "",
        observed_at=schedule.observed_at,
        date_kind=schedule.precision.kind.value,
        observed_from=schedule.precision.earliest,
        price=str(price.value) if price else "",
        priced_at=price.observed_at if price else None,
        price_kind=price.precision.kind.value if price else DateKind.EXACT.value,
        priced_from=price.precision.earliest if price else None,
        interest=interest,
    )


def _content(schedule: MarginSchedule, scale: Decimal | None) -> dict[str, Any]:
    instrument, profile = schedule.instrument, schedule.profile
    return {
        "contract": [
            instrument.venue,
            instrument.symbol,
            instrument.id,
            instrument.underlying.asset,
            instrument.underlying.multiplier,
            instrument.quote,
            instrument.settle,
            instrument.payoff.value,
            _day_text(instrument.expiry),
            instrument.asset_source,
            instrument.has_former_code,
            instrument.order_book,
            _day_text(instrument.venue_closed_on),
        ],
        "profile": [
            profile.margin_mode.value,
            profile.account_class,
            profile.position_mode,
            profile.chosen_leverage,
        ],
        "origin": schedule.origin.value,
        "excluded": schedule.exclusion_reason,
        "initial": _observed(schedule.initial, lambda value: _pieces(value, scale)),
        "maintenance": _observed(schedule.maintenance, lambda value: _pieces(value, scale)),
        "capacity": _observed(schedule.capacity, lambda value: _amounts([value], scale)),
        "known_up_to": _amounts([schedule.known_up_to], scale),
    }


def _day_text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _is_scaled(content: dict[str, Any]) -> bool:
    values = [content[name][-1] for name in ("initial", "maintenance", "capacity")]
    return any(value and value[0] for value in (*values, content["known_up_to"]))


def _observed(observed: Observed[T], stored: Callable[[T], list[Any]]) -> list[Any]:
    """Returns the kind of knowledge and the stored value; None for an unknown one."""
    if isinstance(observed, Unknown):
        return ["unknown", None]
    if isinstance(observed, Derived):
        return ["derived" if observed.verified else "unverified", stored(observed.value)]
    return ["known", stored(observed.value)]


def _pieces(function: MarginFunction, scale: Decimal | None) -> list[Any]:
    """Returns whether amounts are per unit of price, the amounts and the rates."""
    pieces = function.pieces
    is_linear = not any(piece.coefficient for piece in pieces)
    amounts = [amount for piece in pieces for amount in (piece.upper, piece.fixed)]
    rates = [str(piece.rate) for piece in pieces]
    curves = [] if is_linear else [[str(piece.coefficient), str(piece.power)] for piece in pieces]
    return [*_amounts(amounts, scale if is_linear else None), rates, curves]


def _amounts(amounts: list[Decimal], scale: Decimal | None) -> list[Any]:
    """Returns whether the amounts are per unit of price, and the amounts.

    They are where multiplication restores every one of them exactly.
    """
    if scale:
        quotients = [
            (amount / scale).normalize() if amount.is_finite() else amount for amount in amounts
        ]
        pairs = zip(quotients, amounts, strict=True)
        if all(quotient * scale == amount for quotient, amount in pairs):
            return [True, list(map(str, quotients))]
    return [False, list(map(str, amounts))]


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows back into schedules; equal margins become one object, read once.

    The schedules have no tiers, fees, notes or evidence.
    """

    _contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _functions: dict[tuple[str, str], MarginFunction] = field(default_factory=dict)
    _parts: dict[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict)
    _included: dict[str, str] = field(default_factory=dict)

    def schedule(self, row: ComparedRow) -> MarginSchedule:
        """Returns the schedule of a row."""
        instrument, profile, origin, excluded, *values = self._parts_of(row.content, row.scale)
        initial, maintenance, capacity, known_up_to = values
        return MarginSchedule(
            instrument=instrument,
            profile=profile,
            observed_at=row.observed_at,
            dates=(row.observed_at,),
            origin=origin,
            rule=None,
            tiers=(),
            initial=initial,
            maintenance=maintenance,
            capacity=capacity,
            meaning=MaintenanceMeaning.LIQUIDATION,
            fee=_FEE,
            evidence=(),
            exclusion_reason=excluded,
            price=_price(row),
            precision=DatePrecision(DateKind(row.date_kind), row.observed_from),
            known_up_to=known_up_to,
        )

    def contract(self, content: str) -> Instrument:
        """Returns the contract of a row's content."""
        instrument: Instrument = self._stored(content)["contract"]
        return instrument

    def profile(self, content: str) -> Profile:
        """Returns the profile of a row's content."""
        profile: Profile = self._stored(content)["profile"]
        return profile

    def venue_of_included(self, content: str) -> str:
        """Returns the venue of a row that comparisons may include; empty if they cannot.

        They can if some margin of its own is known at some size. Identity, trading and shared order
        books are judged apart.
        """
        venue = self._included.get(content)
        if venue is None:
            stored = self._stored(content)
            is_known = any(stored[name][0] != "unknown" for name in ("initial", "maintenance"))
            is_excluded = stored["excluded"] or stored["origin"] is Origin.DOCUMENTATION
            may_be = is_known and not is_excluded and Decimal(stored["known_up_to"][1][0]) > 0
            venue = self._included[content] = stored["contract"].venue if may_be else ""
        return venue

    def _stored(self, content: str) -> dict[str, Any]:
        stored = self._contents.get(content)
        if stored is None:
            stored = self._contents[content] = _with_contract(json.loads(content))
        return stored

    def _parts_of(self, content: str, scale: str) -> tuple[Any, ...]:
        key = (content, scale)
        if key not in self._parts:
            self._parts[key] = self._read(content, scale)
        return self._parts[key]

    def _read(self, content: str, scale: str) -> tuple[Any, ...]:
        stored = self._stored(content)
        factor = Decimal(scale) if scale else Decimal(1)
        return (
            stored["contract"],
            stored["profile"],
            stored["origin"],
            stored["excluded"],
            _known(stored["initial"], lambda value: self._function(value, factor)),
            _known(stored["maintenance"], lambda value: self._function(value, factor)),
            _known(stored["capacity"], lambda value: next(_restored(value, factor))),
            next(_restored(stored["known_up_to"], factor)),
        )

    def _function(self, stored: list[Any], factor: Decimal) -> MarginFunction:
        key = (json.dumps(stored), str(factor) if stored[0] else "")
        if key not in self._functions:
            _, _, rates, curves = stored
            amounts = _restored(stored, factor)
            self._functions[key] = MarginFunction(
                tuple(
                    Piece(next(amounts), next(amounts), Decimal(rate), *map(Decimal, curve))
                    for rate, curve in zip(rates, curves or [()] * len(rates), strict=True)
                )
            )
        return self._functions[key]


def _with_contract(stored: dict[str, Any]) -> dict[str, Any]:
    """Returns a content with its contract, profile and origin as values."""
    venue, symbol, id_, asset, multiplier, quote, settle, payoff, *rest = stored["contract"]
    expiry, source, is_former, book, closed_on = rest
    mode, *settings = stored["profile"]
    instrument = Instrument(
        venue,
        symbol,
        id_,
        Underlying(asset, multiplier),
        quote,
        settle,
        Payoff(payoff),
        expiry=date.fromisoformat(expiry) if expiry else None,
        asset_source=source,
        has_former_code=is_former,
        order_book=book,
        venue_closed_on=date.fromisoformat(closed_on) if closed_on else None,
    )
    profile = Profile(MarginMode(mode), *settings)
    origin = Origin(stored["origin"])
    return stored | {"contract": instrument, "profile": profile, "origin": origin}


def _known(stored: list[Any], value: Callable[[list[Any]], T]) -> Observed[T]:
    status, content = stored
    if status == "unknown":
        return _NOT_STORED
    if status == "known":
        return Known(value(content))
    return Derived(value(content), "", verified=status == "derived")


def _restored(stored: list[Any], factor: Decimal) -> Iterator[Decimal]:
    """Yields the amounts of ``_amounts``."""
    is_scaled, amounts, *_ = stored
    yield from (Decimal(a) * factor if is_scaled else Decimal(a) for a in amounts)


def _price(row: ComparedRow) -> AssetPrice | None:
    if not row.price or row.priced_at is None:
        return None
    precision = DatePrecision(DateKind(row.price_kind), row.priced_from)
    return AssetPrice(Decimal(row.price), row.priced_at, "", precision)
