"""Assets that failed: trading of their spot market stopped after a fall that ended their business.

Archives of prices that are copied later rarely contain them. Statistics over the assets that remain
are therefore too good, and no history of these shows what a failure looks like.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class FailedAsset:
    """Asset that failed, the spot symbol that it had on Binance, and the day on which trading stopped.

    ``stopped`` is the first day, UTC, that was not traded to its end.
    """

    asset: str
    symbol: str
    stopped: date
    source: str


FAILED_ASSETS = (
    FailedAsset(
        "LUNC",
        "LUNAUSDT",
        date(2022, 5, 13),
        "Terra's coin, LUNA until 28 May 2022; Binance spot candles of LUNAUSDT end on 2022-05-13 at "
        "00:00 UTC, at 0.00005, after 64.26 on 2022-05-08",
    ),
    FailedAsset(
        "USTC",
        "USTUSDT",
        date(2022, 5, 13),
        "Terra's dollar coin, UST until 28 May 2022; Binance spot candles of USTUSDT end on 2022-05-13 "
        "at 00:00 UTC, at 0.245779",
    ),
    FailedAsset(
        "FTT",
        "FTTUSDT",
        date(2022, 11, 15),
        "coin of FTX, which filed for insolvency on 11 November 2022; Binance spot candles of FTTUSDT "
        "end on 2022-11-15 at 04:00 UTC and resume on 2023-09-22",
    ),
    FailedAsset(
        "SRM",
        "SRMUSDT",
        date(2022, 11, 28),
        "coin of Serum, an exchange run by FTX and Alameda; Binance spot candles of SRMUSDT end on "
        "2022-11-28 at 02:00 UTC",
    ),
    FailedAsset(
        "ANC",
        "ANCUSDT",
        date(2022, 12, 27),
        "coin of Anchor, the lender of UST; Binance spot candles of ANCUSDT end on 2022-12-27 at 02:00 "
        "UTC",
    ),
)
"""Failed assets whose prices are known, in the order in which they failed."""


def failed_by(day: date, assets: Collection[str]) -> tuple[FailedAsset, ...]:
    """Returns those of some assets that had failed by a day, in the order in which they failed."""
    return tuple(
        failed for failed in FAILED_ASSETS if failed.asset in assets and failed.stopped <= day
    )
