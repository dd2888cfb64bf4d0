"""Notices for Slack and mail: form, limits, and no markup from a venue's text."""

import json
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

import pytest

from harmonize.config.channels import Mail
from harmonize.nightly.notice import Notice, notice
from harmonize.nightly.notice_formats import SECTION, mail, slack
from tests.support.nights import ALERT_NIGHT, FINDING, QUIET_NIGHT

LINK = "https://example.org/margins/?a=1&b=2"
MAIL = Mail("127.0.0.1", 25, "none", "a@example.org", ("b@example.org", "c@example.net"))
EVIL = replace(
    FINDING,
    symbol="A\r\nBcc: thief@example.org\r\n\r\n<!channel> <https://evil.example|click> *B* & co",
    message="größer 保证金",
)


def _of(**changes: Any) -> Notice:
    return notice(replace(QUIET_NIGHT, **changes), LINK)


def _texts(message: dict[str, Any]) -> list[str]:
    return [block["text"]["text"] for block in message["blocks"]]


def test_slack_gets_a_title_plain_lines_and_a_link() -> None:
    message = json.loads(slack(notice(ALERT_NIGHT, LINK)))
    assert list(message) == ["text", "blocks"]
    header, section, link = message["blocks"]
    assert (header["type"], header["text"]["type"]) == ("header", "plain_text")
    assert section["text"]["type"] == "plain_text"
    assert section["text"]["text"].count("\n") == 3
    assert link["text"] == {
        "type": "mrkdwn",
        "text": "<https://example.org/margins/?a=1&amp;b=2>",
    }
    assert message["text"].startswith(header["text"]["text"])


def test_a_quiet_notice_without_a_link_is_a_title_alone() -> None:
    message = json.loads(slack(notice(QUIET_NIGHT, "")))
    assert _texts(message) == [message["text"]] == ["Margins on 2026-11-20: nothing new"]


def test_no_word_of_a_venue_is_markup_in_slack() -> None:
    message = json.loads(slack(_of(new_findings=(EVIL,))))
    _, section, _ = message["blocks"]
    assert section["text"]["type"] == "plain_text"
    text = section["text"]["text"]
    assert not {"<", ">", "\n", "\r"} & set(text)
    assert "&lt;!channel&gt; &lt;https://evil.example|click&gt; *B* &amp; co" in text
    assert "größer 保证金" in text
    assert "evil" not in message["text"]


def test_slack_is_kept_within_its_limits_and_no_escape_is_cut() -> None:
    lines = tuple("&" * 300 for _ in range(200))
    title = "x" * 147 + "&" * 5
    for link in ("", LINK):
        sent = replace(notice(ALERT_NIGHT, link), title=title, lines=lines)
        message = json.loads(slack(sent))
        assert len(message["blocks"]) == 50
    assert message["blocks"][-1]["text"]["type"] == "mrkdwn"
    header, *sections = _texts(message)
    assert header == "x" * 147 + "…"
    assert all(0 < len(section) <= 3000 for section in sections)
    assert {unescape(section) for section in sections[:-1]} == {"&" * 300}


def test_a_line_too_long_for_a_section_is_cut_between_characters() -> None:
    message = json.loads(slack(replace(notice(ALERT_NIGHT, ""), lines=("a" * 2993 + "&<>",))))
    assert _texts(message)[1] == "a" * 2993 + "&amp;…"


def test_a_mail_is_plain_text_in_utf8_with_the_content_of_the_notice() -> None:
    sent = _of(new_findings=(EVIL,))
    read = message_from_bytes(mail(sent, MAIL).as_bytes(), policy=default)
    assert not read.defects
    assert read.get_content_type() == "text/plain"
    assert read.get_content_charset() == "utf-8"
    assert not list(read.iter_parts())
    assert (
        read.get_content().replace("\r\n", "\n") == f"{sent.title}\n\n{sent.lines[0]}\n\n{LINK}\n"
    )
    assert "größer 保证金" in sent.lines[0]


def test_no_word_of_a_venue_is_a_header() -> None:
    sent = replace(_of(new_findings=(EVIL,), night="2026\r\nBcc: thief@example.org"))
    written = mail(sent, MAIL).as_bytes()
    head = written.partition(b"\r\n\r\n")[0].decode("ascii")
    assert {line.partition(":")[0] for line in head.split("\r\n") if line[0] not in " \t"} == {
        *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }
    read = message_from_bytes(written, policy=default)
    assert read["To"] == "b@example.org, c@example.net"
    assert read["Subject"] == sent.title


def test_date_and_id_follow_from_the_notice_and_the_addresses() -> None:
    sent = notice(ALERT_NIGHT, LINK)
    sent_mail, other = mail(sent, MAIL), mail(notice(ALERT_NIGHT, LINK), MAIL)
    assert sent_mail.as_bytes() == other.as_bytes()
    assert parsedate_to_datetime(sent_mail["Date"]).isoformat() == "2026-11-20T01:15:00+00:00"
    assert sent_mail["Message-ID"].endswith("@example.org>")
    third = mail(sent, replace(MAIL, recipients=("d@example.org",)))
    assert third["Message-ID"] != sent_mail["Message-ID"]
    assert mail(notice(QUIET_NIGHT, LINK), MAIL)["Message-ID"] != sent_mail["Message-ID"]


def test_an_id_in_a_long_domain_and_many_recipients_stay_what_they_are() -> None:
    domain = ".".join(("a" * 60,) * 3)
    many = tuple(f"person-{number}@{domain}" for number in range(30))
    sent = mail(notice(ALERT_NIGHT, LINK), replace(MAIL, sender=f"a@{domain}", recipients=many))
    read = message_from_bytes(sent.as_bytes(), policy=default)
    assert read["Message-ID"] == sent["Message-ID"]
    assert [address.addr_spec for address in read["To"].addresses] == list(many)
    assert read["From"].addresses[0].addr_spec == f"a@{domain}"


@pytest.mark.parametrize("beginning", ["", "a;", "a & b", "a < b; c > d"])
def test_a_cut_line_keeps_every_whole_character_that_fits(beginning: str) -> None:
    line = beginning + "x" * 4000
    message = json.loads(slack(replace(notice(ALERT_NIGHT, ""), lines=(line,))))
    text = _texts(message)[1]
    assert len(text) == SECTION
    assert unescape(text.removesuffix("…")) == line[: len(unescape(text)) - 1]
