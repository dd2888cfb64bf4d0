"""Hyperliquid: the markets of all exchanges, with only the venue's own recorded."""

import json
from collections.abc import Mapping

from tests.replay.answering import Recorded, RequestParams, Responder, made

INFO = "publicPostInfo"


def markets(recorded: Recorded, params: RequestParams) -> object:
    by_type = {
        dict(payload.call.params)["type"]: json.loads(payload.content)
        for payload in reversed(recorded.payloads(INFO))
    }
    return [by_type["meta"]] if params["type"] == "allPerpMetas" else by_type["metaAndAssetCtxs"]


ANSWERS: Mapping[str, Responder] = {INFO: made(markets)}
