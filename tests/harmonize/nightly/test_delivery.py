"""Delivery to real servers on loopback: retries, final failures, and secrets that never leak."""

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
from tests.support.nights import ALERT_NIGHT, FINDING, QUIET_NIGHT
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

NOTICE = notice(replace(ALERT_NIGHT, new_findings=(replace(FINDING, message="größer 保证金"),)), "")
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


def services(
    sleep: Callable[[float], None] = lambda _: None, tls: ssl.SSLContext | None = None
) -> DeliveryServices:
    trusted = tls or ssl.create_default_context()
    environment = {"PATH": "/usr/bin:/bin", "PAGER_TOKEN": "t", "HARMONIZE_OKX_SECRET": "s3cr3t"}
    return DeliveryServices(environment, trusted, sleep, http_seconds=5.0, mail_seconds=5.0)


def test_a_webhook_gets_the_complete_notice_as_json() -> None:
    with receiver(200) as server:
        assert send(NOTICE, (Webhook(server.url + HIDDEN),), services()) == ()
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", HIDDEN, NOTICE.document)
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(request.body)["findings"][0]["message"] == "größer 保证金"


def test_slack_gets_text_and_blocks() -> None:
    with receiver(204) as server:
        assert send(NOTICE, (Slack(server.url + HIDDEN),), services()) == ()
    message = json.loads(server.requests[0].body)
    assert list(message) == ["text", "blocks"]
    assert "größer 保证金" in message["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("bad", [500, 503, 599, 429, DROP, GARBAGE])
def test_what_may_pass_is_tried_again_until_it_has(bad: int) -> None:
    waits: list[float] = []
    with receiver(bad, bad, bad, 200) as server:
        assert send(NOTICE, (Webhook(server.url),), services(waits.append)) == ()
    assert len(server.requests) == 4
    assert waits == [1.0, 2.0, 4.0]


def test_what_does_not_pass_is_given_up_after_three_more_tries() -> None:
    waits: list[float] = []
    with receiver(502) as server:
        failures = send(NOTICE, (Webhook(server.url + HIDDEN),), services(waits.append))
    assert failures == (Failure("webhook", 0, "HTTP status 502, 4 attempts"),)
    assert (len(server.requests), waits) == (4, [1.0, 2.0, 4.0])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 410, 413])
def test_a_refusal_is_final(status: int) -> None:
    with receiver(status, 200) as server:
        failures = send(NOTICE, (Slack(server.url + HIDDEN),), services(_no_sleep))
    assert failures == (Failure("slack", 0, f"HTTP status {status}"),)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [("7", 7.0), ("0", 1.0), ("86400", LONGEST_WAIT), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0)],
)
def test_a_server_that_asks_for_patience_gets_some(retry_after: str, wait: float) -> None:
    waits: list[float] = []
    with receiver(429, 200, Retry_After=retry_after) as server:
        assert send(NOTICE, (Webhook(server.url),), services(waits.append)) == ()
    assert waits == [wait]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with receiver(200) as other, receiver(status, Location=f"{other.url}{HIDDEN}") as server:
        failures = send(NOTICE, (Webhook(server.url + HIDDEN),), services(_no_sleep))
    reason = f"HTTP status {status}, a redirect; use the address of its target"
    assert failures == (Failure("webhook", 0, reason),)
    assert (len(server.requests), other.requests) == (1, [])


@pytest.mark.parametrize("how", [HANG, DRIP])
def test_a_server_that_keeps_silent_or_drips_is_not_waited_for(how: int) -> None:
    begun = time.monotonic()
    with receiver(how) as server:
        failures = send(NOTICE, (Webhook(server.url),), replace(services(), http_seconds=0.2))
    assert failures == (Failure("webhook", 0, "no response within 0.2 s, 4 attempts"),)
    assert time.monotonic() - begun < 3.0


def test_a_server_that_is_not_there_is_tried_again() -> None:
    waits: list[float] = []
    (failure,) = send(NOTICE, (Webhook(CLOSED + HIDDEN),), services(waits.append))
    assert failure.reason == "cannot connect: Connection refused, 4 attempts"
    assert len(waits) == 3


def test_tls_is_verified_and_a_wrong_certificate_is_final(tls: Tls) -> None:
    server_tls, trusting = tls
    with receiver(200, tls=server_tls) as server:
        channels = (Webhook(server.url + HIDDEN),)
        (failure,) = send(NOTICE, channels, services(_no_sleep))
        assert not server.requests
        assert send(NOTICE, channels, services(tls=trusting)) == ()
    assert failure.reason.startswith("untrusted certificate: ")
    assert len(server.requests) == 1


def test_a_dead_channel_stops_no_other(tmp_path: Path) -> None:
    received = tmp_path / "told.json"
    writes = f"import sys; open({str(received)!r}, 'wb').write(sys.stdin.buffer.read())"
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
        failures = send(NOTICE, channels, services())
    assert [(failure.kind, failure.position) for failure in failures] == [
        ("webhook", 0),
        ("command", 1),
        ("mail", 3),
    ]
    assert (len(server.requests), len(office.envelopes)) == (2, 1)
    assert received.read_bytes() == NOTICE.document


def test_a_command_gets_the_notice_on_stdin_and_its_marks_in_the_environment(
    tmp_path: Path,
) -> None:
    script, received = tmp_path / "page.py", tmp_path / "told.json"
    script.write_text(
        "import json, os, sys\n"
        "whole = {'argv': sys.argv[2:], 'env': dict(os.environ), 'notice': json.load(sys.stdin)}\n"
        "json.dump(whole, open(sys.argv[1], 'w'))\n"
    )
    command = Command((sys.executable, str(script), str(received), "--now", "a b; $(false)"))
    linked = notice(ALERT_NIGHT, "https://example.org/margins")
    assert send(linked, (command,), services()) == ()
    whole = json.loads(received.read_text())
    assert whole["argv"] == ["--now", "a b; $(false)"]
    assert whole["notice"] == json.loads(linked.document)
    variables = {
        name: value for name, value in whole["env"].items() if name.startswith("HARMONIZE_")
    }
    assert variables == {
        "HARMONIZE_NIGHT": "2026-11-20",
        "HARMONIZE_TITLE": "Margins on 2026-11-20: 1 error, 1 new or worse finding, 1 change",
        "HARMONIZE_LINK": "https://example.org/margins",
        "HARMONIZE_EXIT_CODE": "3",
    }
    assert whole["env"]["PAGER_TOKEN"] == "t"  # noqa: S105 - a token of nobody


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(7)", "ended with exit code 7"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import time; time.sleep(30)", "no end within 1 s"),
        ("import os; os.close(0)", ""),
    ],
)
def test_the_reason_of_a_failed_command_is_how_it_ended(code: str, message: str) -> None:
    command = Command((sys.executable, "-c", code, "s3cr3t"))
    big = replace(NOTICE, document=b"x" * 1_000_000)
    failures = send(big, (command,), replace(services(), command_seconds=1.0))
    assert [failure.reason for failure in failures] == ([message] if message else [])


def _mail(port: int, security: Security, user: str = "", password: str = "") -> Mail:
    return Mail(HOST, port, security, "a@example.org", ("b@example.org",), user, password)


def test_a_mail_arrives_as_it_was_written() -> None:
    with post_office() as office:
        assert send(NOTICE, (_mail(office.port, "none"),), services()) == ()
    (envelope,) = office.envelopes
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
        assert send(NOTICE, (channel,), services(tls=trusting)) == ()
        (failure,) = send(NOTICE, (channel,), services(_no_sleep))
    assert (len(office.envelopes), office.logins) == (1, [("a-user", "a-password")])
    assert failure.reason.startswith("untrusted certificate: ")


def test_a_refused_login_is_reported_without_the_servers_text(tls: Tls) -> None:
    server_tls, trusting = tls
    with post_office(tls=server_tls) as office:
        channel = _mail(office.port, "tls", "s3cr3t-user", "s3cr3t")
        failures = send(NOTICE, (channel,), services(tls=trusting))
    assert failures == (Failure("mail", 0, "refused the login (535)"),)
    assert set(office.logins) == {("s3cr3t-user", "s3cr3t")}
    assert not office.envelopes


def test_a_mail_is_never_sent_in_the_clear_if_tls_is_configured(tls: Tls) -> None:
    with post_office() as office:
        failures = send(NOTICE, (_mail(office.port, "starttls"),), services(tls=tls[1]))
    reason = "does not support the configured STARTTLS or login"
    assert failures == (Failure("mail", 0, reason),)
    assert not office.envelopes


def test_recipients_that_are_refused_are_counted() -> None:
    with post_office(refused=("b@example.org",)) as office:
        mail = _mail(office.port, "none")
        two = replace(mail, recipients=("b@example.org", "c@example.org"))
        failures = send(NOTICE, (mail, two), services())
    assert [failure.reason for failure in failures] == [
        "refused every recipient",
        "refused 1 of 2 recipients",
    ]
    assert len(office.envelopes) == 1


def test_a_silent_mail_server_is_reported() -> None:
    with receiver(HANG) as server:
        port = int(server.url.rpartition(":")[2])
        failures = send(NOTICE, (_mail(port, "none"),), replace(services(), mail_seconds=0.2))
    assert [failure.reason for failure in failures] == ["no response within 0.2 s"]


def test_a_venues_words_cannot_add_a_recipient_or_a_header() -> None:
    evil = replace(FINDING, symbol="A\r\nBcc: thief@example.org\r\n.\r\nRCPT TO:<c@example.org>")
    sent = notice(
        replace(QUIET_NIGHT, night="2026\r\nBcc: thief@example.org", new_findings=(evil,)), ""
    )
    with post_office() as office:
        assert send(sent, (_mail(office.port, "none"),), services()) == ()
    (envelope,) = office.envelopes
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
        urls = [server.url for server in (refusing, failing, moving, dropping)]
        channels: tuple[Channel, ...] = (
            *(Webhook(f"{url}{HIDDEN}") for url in (*urls, CLOSED)),
            *(Slack(f"{url}{HIDDEN}") for url in urls),
            Slack(untrusted.url.replace("https", "http") + HIDDEN),
            Mail(HOST, office.port, "tls", "a@b.org", ("c@d.org",), "s3cr3t", "s3cr3t"),
            Command(("/none/s3cr3t", "s3cr3t")),
            Command((sys.executable, "-c", "raise SystemExit(1)", "s3cr3t")),
        )
        opened = services(tls=trusting)
        failures = send(NOTICE, channels, opened)
    assert [failure.position for failure in failures] == list(range(len(channels)))
    output = f"{failures!r} {[str(failure) for failure in failures]} {opened!r} {channels!r} {caplog.text} {capfd.readouterr()}"
    assert "s3cr3t" not in output
    for failure in failures:
        place = f"run.notify.channels[{failure.position}] ({failure.kind})"
        assert str(failure) == f"{place}: {failure.reason}"
    assert not re.search(r"127\.0\.0\.1:\d", " ".join(map(str, failures)))


def test_the_default_services_trusts_what_gathering_trusts() -> None:
    services = default_services({"A": "s3cr3t"})
    assert services.tls.verify_mode == ssl.CERT_REQUIRED
    assert services.tls.check_hostname
    assert (services.http_seconds, services.command_seconds) == (10.0, 60.0)
    assert "s3cr3t" not in repr(services)


def _no_sleep(_: float) -> None:
    raise AssertionError
