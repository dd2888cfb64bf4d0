"""A notice in the forms that Slack and mail take."""

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
"""How many blocks Slack takes in a message."""

SECTION = 3000
"""How many characters Slack takes in a section."""

HEADER = 150
"""How many characters Slack takes in a header."""

_PROTOCOL = SMTP.clone(cte_type="7bit", max_line_length=78)


def slack(notice: Notice) -> bytes:
    """Write a notice as a message of Slack, of which a venue's words are never markup.

    They stand in plain text, with &, < and > escaped. ``text``, which notifications show, holds
    the title and the link alone.
    """
    blocks: list[object] = [_block("header", _plain_text(_within(_escaped(notice.title), HEADER)))]
    blocks += [_block("section", _plain_text(text)) for text in _sections(notice.lines)]
    text = _escaped(notice.title)
    if notice.link:
        link = _block("section", {"type": "mrkdwn", "text": f"<{_escaped(notice.link)}>"})
        blocks = [*blocks[: BLOCKS - 1], link]
        text = f"{text}\n{_escaped(notice.link)}"
    return dumps({"text": text, "blocks": blocks[:BLOCKS]}, ensure_ascii=False).encode()


def mail(notice: Notice, channel: Mail) -> EmailMessage:
    """Write a notice as a mail of plain text; date and id follow from the notice and the addresses."""
    message = EmailMessage(policy=_PROTOCOL)
    message["Subject"] = notice.title
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.recipients)
    message["Date"] = format_datetime(datetime.fromisoformat(notice.as_of))
    parts = (notice.document, *(one.encode() for one in (channel.sender, *channel.recipients)))
    digest = sha256(b"\0".join(parts)).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{channel.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    body = [notice.title, "", *notice.lines, *(("", notice.link) if notice.link else ())]
    message.set_content("".join(f"{line}\n" for line in body), cte="quoted-printable")
    return message


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _within(escaped: str, most: int) -> str:
    """The beginning of an escaped text that is within ``most`` characters and cuts no escape."""
    if len(escaped) <= most:
        return escaped
    kept = escaped[: most - 1]
    opened = kept.rfind("&")
    return f"{kept if ';' in kept[opened:] or opened < 0 else kept[:opened]}…"


def _sections(lines: Sequence[str]) -> Iterator[str]:
    """Lines joined into as few texts as there can be."""
    section = ""
    for line in (_within(_escaped(one), SECTION) for one in lines):
        joined = f"{section}\n{line}" if section else line
        if len(joined) > SECTION:
            yield section
            joined = line
        section = joined
    if section:
        yield section


def _plain_text(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _block(kind: str, text: dict[str, object]) -> dict[str, object]:
    return {"type": kind, "text": text}
