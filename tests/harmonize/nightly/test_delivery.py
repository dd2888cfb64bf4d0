"""Notices against real servers on loopback: what is tried again, what is not, and what never leaks."""

import json
import logging
import re
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from harmonize.config.channels import Channel, Command, Mail, Security, Slack, Webhook
from harmonize.nightly.delivery import (
    LONGEST_WAIT,
    DeliveryServices,
    Failure,
    default_services,
    send,
)
from harmonize.nightly.notice import notice
from tests.support.nights import FINDING, LOUD, QUIET
from tests.support.receivers import (
    DRIP,
    DROP,
    GARBAGE,
    HANG,
    HOST,
    certificate,
    post_office,
    receiver,
)

NOTICE = notice(replace(LOUD, new_findings=(replace(FINDING, message="größer 保证金"),)), "")
HIDDEN = "/s3cr3t?key=s3cr3t"
CLOSED = "http://127.0.0.1:1"
Tls = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def door(
    sleep: Callable[[float], None] = lambda _: None, tls: ssl.SSLContext | None = None
) -> DeliveryServices:
    trusted = tls or ssl.create_default_context()
    environment = {"PATH": "/usr/bin:/bin", "PAGER_TOKEN": "t", "HARMONIZE_OKX_SECRET": "s3cr3t"}
    return DeliveryServices(environment, trusted, sleep, http_seconds=5.0, mail_seconds=5.0)


def test_a_webhook_gets_the_whole_notice_as_json() -> None:
    with receiver(200) as server:
        assert send(NOTICE, (Webhook(server.url + HIDDEN),), door()) == ()
    (taken,) = server.taken
    assert (taken.method, taken.path, taken.body) == ("POST", HIDDEN, NOTICE.document)
    assert taken.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(taken.body)["findings"][0]["message"] == "größer 保证金"


def test_slack_gets_text_and_blocks() -> None:
    with receiver(204) as server:
        assert send(NOTICE, (Slack(server.url + HIDDEN),), door()) == ()
    message = json.loads(server.taken[0].body)
    assert list(message) == ["text", "blocks"]
    assert "größer 保证金" in message["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("bad", [500, 503, 599, 429, DROP, GARBAGE])
def test_what_may_pass_is_tried_again_until_it_has(bad: int) -> None:
    waits: list[float] = []
    with receiver(bad, bad, bad, 200) as server:
        assert send(NOTICE, (Webhook(server.url),), door(waits.append)) == ()
    assert len(server.taken) == 4
    assert waits == [1.0, 2.0, 4.0]


def test_what_does_not_pass_is_given_up_after_three_more_tries() -> None:
    waits: list[float] = []
    with receiver(502) as server:
        found = send(NOTICE, (Webhook(server.url + HIDDEN),), door(waits.append))
    assert found == (Failure("webhook", 0, "answered 502, 4 times"),)
    assert (len(server.taken), waits) == (4, [1.0, 2.0, 4.0])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 410, 413])
def test_a_refusal_is_final(status: int) -> None:
    with receiver(status, 200) as server:
        found = send(NOTICE, (Slack(server.url + HIDDEN),), door(_no_sleep))
    assert found == (Failure("slack", 0, f"answered {status}"),)
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("7", 7.0), ("0", 1.0), ("86400", LONGEST_WAIT), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0)],
)
def test_a_server_that_asks_for_patience_gets_some(asked: str, waited: float) -> None:
    waits: list[float] = []
    with receiver(429, 200, Retry_After=asked) as server:
        assert send(NOTICE, (Webhook(server.url),), door(waits.append)) == ()
    assert waits == [waited]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with receiver(200) as other, receiver(status, Location=f"{other.url}{HIDDEN}") as server:
        found = send(NOTICE, (Webhook(server.url + HIDDEN),), door(_no_sleep))
    reason = f"answered {status}, a redirect; name the address that it leads to"
    assert found == (Failure("webhook", 0, reason),)
    assert (len(server.taken), other.taken) == (1, [])


@pytest.mark.parametrize("how", [HANG, DRIP])
def test_a_server_that_keeps_silent_or_drips_is_not_waited_for(how: int) -> None:
    begun = time.monotonic()
    with receiver(how) as server:
        found = send(NOTICE, (Webhook(server.url),), replace(door(), http_seconds=0.2))
    assert found == (Failure("webhook", 0, "did not answer within 0.2 s, 4 times"),)
    assert time.monotonic() - begun < 3.0


def test_a_server_that_is_not_there_is_tried_again() -> None:
    waits: list[float] = []
    (found,) = send(NOTICE, (Webhook(CLOSED + HIDDEN),), door(waits.append))
    assert found.reason == "cannot be reached: Connection refused, 4 times"
    assert len(waits) == 3


def test_tls_is_verified_and_a_wrong_certificate_is_final(tls: Tls) -> None:
    server_tls, trusting = tls
    with receiver(200, tls=server_tls) as server:
        channels = (Webhook(server.url + HIDDEN),)
        (found,) = send(NOTICE, channels, door(_no_sleep))
        assert not server.taken
        assert send(NOTICE, channels, door(tls=trusting)) == ()
    assert found.reason.startswith("has a certificate that is not trusted: ")
    assert len(server.taken) == 1


def test_a_dead_channel_stops_no_other(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    writes = f"import sys; open({str(told)!r}, 'wb').write(sys.stdin.buffer.read())"
    with receiver(200) as server, post_office() as office:
        channels: tuple[Channel, ...] = (
            Webhook(CLOSED + HIDDEN),
            Command((str(tmp_path / "none"),)),
            Slack(server.url),
            _mail(1, "none"),
            Command((sys.executable, "-c", writes)),
            Webhook(server.url),
            _mail(office.port, "none"),
        )
        found = send(NOTICE, channels, door())
    assert [(one.kind, one.position) for one in found] == [
        ("webhook", 0),
        ("command", 1),
        ("mail", 3),
    ]
    assert (len(server.taken), len(office.taken)) == (2, 1)
    assert told.read_bytes() == NOTICE.document


def test_a_command_gets_the_notice_on_stdin_and_its_marks_in_the_environment(
    tmp_path: Path,
) -> None:
    script, told = tmp_path / "page.py", tmp_path / "told.json"
    script.write_text(
        "import json, os, sys\n"
        "whole = {'argv': sys.argv[2:], 'env': dict(os.environ), 'notice': json.load(sys.stdin)}\n"
        "json.dump(whole, open(sys.argv[1], 'w'))\n"
    )
    command = Command((sys.executable, str(script), str(told), "--now", "a b; $(false)"))
    linked = notice(LOUD, "https://example.org/margins")
    assert send(linked, (command,), door()) == ()
    whole = json.loads(told.read_text())
    assert whole["argv"] == ["--now", "a b; $(false)"]
    assert whole["notice"] == json.loads(linked.document)
    marks = {name: one for name, one in whole["env"].items() if name.startswith("HARMONIZE_")}
    assert marks == {
        "HARMONIZE_NIGHT": "2026-11-20",
        "HARMONIZE_TITLE": "Margins on 2026-11-20: 1 error, 1 finding new or worse, 1 change",
        "HARMONIZE_LINK": "https://example.org/margins",
        "HARMONIZE_EXIT_CODE": "3",
    }
    assert whole["env"]["PAGER_TOKEN"] == "t"  # noqa: S105 - a token of nobody


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(7)", "ended with exit code 7"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9"),
        ("import time; time.sleep(30)", "did not end within 1 s"),
        ("import os; os.close(0)", ""),
    ],
)
def test_a_command_that_fails_says_how_it_ended(code: str, said: str) -> None:
    command = Command((sys.executable, "-c", code, "s3cr3t"))
    big = replace(NOTICE, document=b"x" * 1_000_000)
    found = send(big, (command,), replace(door(), command_seconds=1.0))
    assert [one.reason for one in found] == ([said] if said else [])


def _mail(port: int, security: Security, user: str = "", password: str = "") -> Mail:
    return Mail(HOST, port, security, "a@example.org", ("b@example.org",), user, password)


def test_a_mail_arrives_as_it_was_written() -> None:
    with post_office() as office:
        assert send(NOTICE, (_mail(office.port, "none"),), door()) == ()
    (envelope,) = office.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("a@example.org", ["b@example.org"])
    assert isinstance(envelope.content, bytes)
    read = message_from_bytes(envelope.content, policy=default)
    assert (read["Subject"], read["To"]) == (NOTICE.title, "b@example.org")
    assert "größer 保证金" in read.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_is_sent_under_tls_after_a_login(security: Security, tls: Tls) -> None:
    server_tls, trusting = tls
    starttls = server_tls if security == "starttls" else None
    implicit = None if starttls else server_tls
    with post_office(tls=implicit, starttls=starttls) as office:
        channel = _mail(office.port, security, "a-user", "a-password")
        assert send(NOTICE, (channel,), door(tls=trusting)) == ()
        (found,) = send(NOTICE, (channel,), door(_no_sleep))
    assert (len(office.taken), office.logins) == (1, [("a-user", "a-password")])
    assert found.reason.startswith("has a certificate that is not trusted: ")


def test_a_login_that_is_refused_is_told_without_its_words(tls: Tls) -> None:
    server_tls, trusting = tls
    with post_office(tls=server_tls) as office:
        channel = _mail(office.port, "tls", "s3cr3t-user", "s3cr3t")
        found = send(NOTICE, (channel,), door(tls=trusting))
    assert found == (Failure("mail", 0, "refused the login (535)"),)
    assert set(office.logins) == {("s3cr3t-user", "s3cr3t")}
    assert not office.taken


def test_a_mail_is_never_sent_in_the_clear_where_tls_is_asked_for(tls: Tls) -> None:
    with post_office() as office:
        found = send(NOTICE, (_mail(office.port, "starttls"),), door(tls=tls[1]))
    reason = "does not offer STARTTLS or the login that the configuration asks for"
    assert found == (Failure("mail", 0, reason),)
    assert not office.taken


def test_recipients_that_are_refused_are_counted() -> None:
    with post_office(refused=("b@example.org",)) as office:
        one = _mail(office.port, "none")
        two = replace(one, recipients=("b@example.org", "c@example.org"))
        found = send(NOTICE, (one, two), door())
    assert [one.reason for one in found] == [
        "refused every recipient",
        "took the mail, but not for 1 of 2 recipients",
    ]
    assert len(office.taken) == 1


def test_a_mail_server_that_is_none_is_told() -> None:
    with receiver(HANG) as server:
        port = int(server.url.rpartition(":")[2])
        found = send(NOTICE, (_mail(port, "none"),), replace(door(), mail_seconds=0.2))
    assert [one.reason for one in found] == ["did not answer within 0.2 s"]


def test_a_venues_words_cannot_add_a_recipient_or_a_header() -> None:
    evil = replace(FINDING, symbol="A\r\nBcc: thief@example.org\r\n.\r\nRCPT TO:<c@example.org>")
    sent = notice(replace(QUIET, night="2026\r\nBcc: thief@example.org", new_findings=(evil,)), "")
    with post_office() as office:
        assert send(sent, (_mail(office.port, "none"),), door()) == ()
    (envelope,) = office.taken
    assert envelope.rcpt_tos == ["b@example.org"]
    assert isinstance(envelope.content, bytes)
    read = message_from_bytes(envelope.content, policy=default)
    assert read["Bcc"] is None
    assert sent.lines[0] in read.get_content()


def test_no_secret_is_in_a_failure_a_log_or_what_is_printed(
    tls: Tls, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    server_tls, trusting = tls
    with (
        receiver(404) as refusing,
        receiver(500) as failing,
        receiver(302, Location=f"{CLOSED}{HIDDEN}") as moving,
        receiver(DROP) as dropping,
        receiver(200, tls=server_tls) as untrusted,
        post_office(tls=server_tls) as office,
    ):
        urls = [one.url for one in (refusing, failing, moving, dropping)]
        channels: tuple[Channel, ...] = (
            *(Webhook(f"{url}{HIDDEN}") for url in (*urls, CLOSED)),
            *(Slack(f"{url}{HIDDEN}") for url in urls),
            Slack(untrusted.url.replace("https", "http") + HIDDEN),
            Mail(HOST, office.port, "tls", "a@b.org", ("c@d.org",), "s3cr3t", "s3cr3t"),
            Command(("/none/s3cr3t", "s3cr3t")),
            Command((sys.executable, "-c", "raise SystemExit(1)", "s3cr3t")),
        )
        opened = door(tls=trusting)
        found = send(NOTICE, channels, opened)
    assert [one.position for one in found] == list(range(len(channels)))
    shown = f"{found!r} {[str(one) for one in found]} {opened!r} {channels!r} {caplog.text} {capfd.readouterr()}"
    assert "s3cr3t" not in shown
    assert all(str(one) == f"run.notify.channels[{one.position}] ({one.kind}): {one.reason}" for one in found)  # fmt: skip
    assert not re.search(r"127\.0\.0\.1:\d", " ".join(map(str, found)))


def test_the_default_services_trusts_what_gathering_trusts() -> None:
    found = default_services({"A": "s3cr3t"})
    assert found.tls.verify_mode == ssl.CERT_REQUIRED
    assert found.tls.check_hostname
    assert (found.http_seconds, found.command_seconds) == (10.0, 60.0)
    assert "s3cr3t" not in repr(found)


def _no_sleep(_: float) -> None:
    raise AssertionError
