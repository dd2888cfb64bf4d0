"""Formats a notice for Slack and mail."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from json import dumps

from harmonize.config.channels import Mail
from harmonize.nightly.notice import Notice

BLOCKS = 50
"""Maximum number of blocks in a Slack message."""

SECTION = 3000
"""Maximum number of characters in a Slack section."""

HEADER = 150
"""Maximum number of characters in a Slack header."""

_PROTOCOL = SMTP.clone(cte_type="7bit", max_line_length=78)


def slack(notice: Notice) -> bytes:
    """Returns a notice as a Slack message in which no text of a venue is markup.

    Lines are plain text, with &, < and > escaped. ``text``, which Slack's notifications show, has the
    title and the link only.
    """
    blocks: list[object] = [
        _block("header", _plain_text(_truncated(_escaped(notice.title), HEADER)))
    ]
    blocks += [_block("section", _plain_text(text)) for text in _sections(notice.lines)]
    text = _escaped(notice.title)
    if notice.link:
        link = _block("section", {"type": "mrkdwn", "text": f"<{_escaped(notice.link)}>"})
        blocks = [*blocks[: BLOCKS - 1], link]
        text = f"{text}\n{_escaped(notice.link)}"
    return dumps({"text": text, "blocks": blocks[:BLOCKS]}, ensure_ascii=False).encode()


def mail(notice: Notice, channel: Mail) -> EmailMessage:
    """Returns a notice as a plain text mail. Date and id derive from notice and addresses."""
    message = EmailMessage(policy=_PROTOCOL)
    message["Subject"] = notice.title
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.recipients)
    message["Date"] = format_datetime(datetime.fromisoformat(notice.as_of))
    addresses = (channel.sender, *channel.recipients)
    parts = (notice.document, *(address.encode() for address in addresses))
    digest = sha256(b"\0".join(parts)).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{channel.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    body = [notice.title, "", *notice.lines, *(("", notice.link) if notice.link else ())]
    message.set_content("".join(f"{line}\n" for line in body), cte="quoted-printable")
    return message


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _truncated(escaped: str, length: int) -> str:
    """Returns the start of an escaped text, at most ``length`` characters and without a cut escape."""
    if len(escaped) <= length:
        return escaped
    start = escaped[: length - 1]
    ampersand = start.rfind("&")
    is_whole = ampersand < 0 or ";" in start[ampersand:]
    return f"{start if is_whole else start[:ampersand]}…"


def _sections(lines: Sequence[str]) -> Iterator[str]:
    """Yields the lines, joined into as few sections as possible."""
    section = ""
    for text in (_truncated(_escaped(line), SECTION) for line in lines):
        joined = f"{section}\n{text}" if section else text
        if len(joined) > SECTION:
            yield section
            joined = text
        section = joined
    if section:
        yield section


def _plain_text(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _block(kind: str, text: dict[str, object]) -> dict[str, object]:
    return {"type": kind, "text": text}
