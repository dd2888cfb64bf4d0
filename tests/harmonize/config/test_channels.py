"""An invalid channel cannot be built, and neither channels nor their errors show a secret."""

import re
from typing import Any

import pytest

from harmonize.config.channels import Channel, Command, Mail, Slack, Webhook, is_url

MAIL: dict[str, Any] = {
    "host": "mail.example.org",
    "port": 587,
    "security": "starttls",
    "sender": "a@example.org",
    "recipients": ("b@example.org",),
}


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://localhost:8080/hook?x=1#y",
        "https://hooks.slack.com/services/T0/B0/s3cr3t",
        "http://[::1]:80/",
        "https://10.0.0.1?x",
    ],
)
def test_an_http_url_is_accepted(url: str) -> None:
    assert is_url(url)
    assert Webhook(url).url == Slack(url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/s3cr3t",
        "file:///etc/s3cr3t",
        "https://user:s3cr3t@example.org/",
        "https://example.org/s3cr3t\r\nHost: x",
        "https://example.org/s3cr3t\n",
        "https://example.org/s3cr3t x",
        "https://exämple.org/s3cr3t",
        "https://example..org/s3cr3t",
        "https://example.org:0/s3cr3t",
        "https://example.org:99999/s3cr3t",
        "https://example.org:s3cr3t/",
        f"https://{'a' * 64}.org/s3cr3t",
    ],
)
@pytest.mark.parametrize("kind", [Webhook, Slack])
def test_another_url_is_refused_and_not_quoted(kind: type[Webhook | Slack], url: str) -> None:
    with pytest.raises(ValueError, match="expected an address") as raised:
        kind(url)
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "mail example"}, "expected a host"),
        ({"host": ""}, "expected a host"),
        ({"port": 0}, "expected a host and a port"),
        ({"port": 65_536}, "expected a host and a port"),
        ({"recipients": ()}, "expected a sender and recipients"),
        ({"sender": "A <a@example.org>"}, "expected a sender"),
        ({"sender": "a@example.org\r\nBcc: c@example.org"}, "expected a sender"),
        ({"recipients": ("b@example.org\n",)}, "expected a sender and recipients"),
        ({"recipients": ("a..b@example.org",)}, "expected a sender and recipients"),
        ({"user": "u"}, "expected both"),
        ({"password": "s3cr3t"}, "expected both"),
        ({"user": "u", "password": "s3cr3t", "security": "none"}, "use starttls or tls"),
        ({"user": "u", "password": "s3cr3t-ü"}, "printable ASCII"),
        ({"user": "u\n", "password": "s3cr3t"}, "printable ASCII"),
    ],
)
def test_an_invalid_mail_server_is_refused(changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        Mail(**(MAIL | changes))
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize("argv", [(), ("",), ("a", "b\0")])
def test_a_command_names_a_program(argv: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected a program"):
        Command(argv)


@pytest.mark.parametrize(
    "channel",
    [
        Command(("page", "--token=s3cr3t")),
        Webhook("https://example.org/s3cr3t"),
        Slack("https://example.org/s3cr3t"),
        Mail(**MAIL, user="s3cr3t", password="s3cr3t"),  # noqa: S106 - not a real password
    ],
)
def test_a_channel_does_not_print_its_secrets(channel: Channel) -> None:
    assert "s3cr3t" not in f"{channel} {channel!r}"
