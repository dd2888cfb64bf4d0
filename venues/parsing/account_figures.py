"""Recognizes figures of one account in responses to a key, which are not the venue's own."""

import re

from harmonize.core.payload import UnreadablePayloadError, escape
from venues.fields import JsonObject, is_missing

_OWNER = re.compile(r"account|user|personal|custom|vip|coef", re.IGNORECASE)
"""Parts of field names that state whose figure it is, or a multiplier of the account's figures."""


def reject_account_fields(row: JsonObject, pointer: str, *, read: str = "") -> None:
    """Checks that a row shows figures that apply to every account; ``read`` is accounted for.

    Raises UnreadablePayloadError: a field states a figure of the account that asked, so the
    venue's own figures are not observable.
    """
    for name in row:
        if name != read and _OWNER.search(name) and not is_missing(row, name):
            reason = "states a figure of the account that asked; the venue's own is not observable"
            raise UnreadablePayloadError(where=f"{pointer}/{escape(name)}", reason=reason)
