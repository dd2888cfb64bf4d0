"""Hyperliquid: the markets of all exchanges, of which the venue's own were recorded."""

import json
from collections.abc import Mapping

from tests.replay.answering import Answer, Asked, Recorded, made

INFO = "publicPostInfo"


def markets(recorded: Recorded, asked: Asked) -> object:
    by_type = {
        dict(one.call.params)["type"]: json.loads(one.content)
        for one in reversed(recorded.payloads(INFO))
    }
    return [by_type["meta"]] if asked["type"] == "allPerpMetas" else by_type["metaAndAssetCtxs"]


ANSWERS: Mapping[str, Answer] = {INFO: made(markets)}
