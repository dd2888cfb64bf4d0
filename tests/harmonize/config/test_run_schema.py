"""The section ``run`` of a configuration: values, secrets, and errors with their location."""

from pathlib import Path
from typing import Any

import pytest

from harmonize.config import schema
from harmonize.config.channels import Command, Mail, Slack, Webhook
from harmonize.config.run_settings import NotificationSettings, RetentionSettings, RunSettings
from harmonize.config.run_values import resolve_settings
from rules.loader import RuleError

CONFIG = """\
run:
  site: out/site
  base_url: https://example.org/margins/
  title: Margins
  notify:
    on: [new, errors, changes]
    level: warning
    channels:
      - command: [/usr/local/bin/page, --now]
      - webhook: {url_from: HOOK}
      - webhook: {url: "https://example.org/hook"}
      - slack: {url_file: slack.txt}
      - mail:
          host: mail.example.org
          port: 587
          security: starttls
          sender: a@example.org
          recipients: [b@example.org]
          user_from: SMTP_USER
          password_from: SMTP_PASSWORD
  keep: {daily: 90, monthly: 120}
  nights: 400
"""
SLACK = "https://hooks.slack.com/services/T/B/s3cr3t"
ENVIRONMENT = {
    "HOOK": "https://example.org/s3cr3t\n",
    "SMTP_USER": "a-user",
    "SMTP_PASSWORD": "s3cr3t",
}


def _write_config(text: str) -> Path:
    path = Path("c.yaml")
    path.write_text(text)
    slack = Path("slack.txt")
    slack.write_text(f"{SLACK}\n")
    slack.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _settings(text: str, environment: dict[str, str] | None = None) -> RunSettings:
    path = _write_config(text)
    configuration = schema.load(path, {})
    return resolve_settings(
        configuration.run, path, ENVIRONMENT if environment is None else environment
    )


def test_the_section_is_read_with_its_secrets() -> None:
    run_settings = _settings(CONFIG)
    assert run_settings == RunSettings(
        site="out/site",
        base_url="https://example.org/margins",
        title="Margins",
        notify=NotificationSettings(
            ("new", "errors", "changes"),
            "warning",
            (
                Command(("/usr/local/bin/page", "--now")),
                Webhook("https://example.org/s3cr3t"),
                Webhook("https://example.org/hook"),
                Slack(SLACK),
                Mail(
                    "mail.example.org",
                    587,
                    "starttls",
                    "a@example.org",
                    ("b@example.org",),
                    "a-user",
                    "s3cr3t",
                ),
            ),
        ),
        keep=RetentionSettings(daily=90, weekly=0, monthly=120),
        nights=400,
    )
    assert "s3cr3t" not in repr(run_settings)


@pytest.mark.parametrize("text", ["{}", "run: {}", "rules: []"])
def test_a_configuration_without_the_section_has_its_defaults(text: str) -> None:
    run_settings = _settings(text)
    assert run_settings == RunSettings()
    assert run_settings.site == "site"
    assert run_settings.base_url == ""
    assert run_settings.keep is None
    assert run_settings.nights is None
    assert run_settings.notify == NotificationSettings(
        on=("new", "worse", "ended", "errors"), level="error", channels=()
    )


def test_a_configuration_is_read_without_its_secrets() -> None:
    """An audit reads the same file on machines without the secrets."""
    assert len(schema.load(_write_config(CONFIG), {}).run.notify.channels) == 5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("site:", "sites:", "2:3: run.sites: unknown field; did you mean site?"),
        ("out/site", "[]", "2:9: run.site: expected text, found a list"),
        ("https://example.org/margins/", "example.org", "3:13: run.base_url: expected an address such as https://example.org/margins, without ? and #, found 'example.org'"),
        ("https://example.org/margins/", "https://example.org/?a", "3:13: run.base_url: expected an address"),
        ("https://example.org/margins/", '"https://example.org/|<a>"', "3:13: run.base_url: expected an address"),
        ("  notify:", "  notified:", "5:3: run.notified: unknown field; did you mean notify?"),
        ("[new, errors, changes]", "[new, error]", "6:15: run.notify.on[1]: expected 'new', 'worse', 'ended', 'errors' or 'changes', found 'error'"),
        ("[new, errors, changes]", "[]", "6:9: run.notify.on: empty; add an entry"),
        ("level: warning", "level: grave", "7:12: run.notify.level: expected 'error', 'warning' or 'info', found 'grave'"),
        ("command: [/usr/local/bin/page, --now]", "command: []", "9:18: run.notify.channels[0].command: empty; add an entry"),
        ("command: [/usr/local/bin/page, --now]", "command: page --now", "9:18: run.notify.channels[0].command: expected a list, found 'page --now'"),
        ("command: [/usr/local/bin/page, --now]", "comand: [a]", "9:9: run.notify.channels[0].comand: unknown field; did you mean command?"),
        ("command: [/usr/local/bin/page, --now]", "{}", "9:9: run.notify.channels[0]: expected exactly one of command, webhook, slack, mail"),
        ("command: [/usr/local/bin/page, --now]", "command: null", "9:18: run.notify.channels[0].command: is empty; add its fields"),
        ("command: [/usr/local/bin/page, --now]", "{command: [a], slack: {url_from: B}}", "9:9: run.notify.channels[0]: expected exactly one of"),
        ("{url_from: HOOK}", "{}", "10:18: run.notify.channels[1].webhook: expected exactly one of url, url_from, url_file"),
        ("{url_from: HOOK}", "{url_from: A, url_file: B}", "10:18: run.notify.channels[1].webhook: expected exactly one of"),
        ("url_from: HOOK", "url_from: https://s3cr3t", "10:29: run.notify.channels[1].webhook.url_from: expected the name of an environment variable"),
        ("https://example.org/hook", "ftp://example.org/s3cr3t", "11:24: run.notify.channels[2].webhook.url: expected an address such as"),
        ("https://example.org/hook", "https://u:s3cr3t@example.org/", "11:24: run.notify.channels[2].webhook.url: expected an address such as"),
        ("{url_file: slack.txt}", "{url: s3cr3t}", "12:16: run.notify.channels[3].slack: expected exactly one of url_from, url_file"),
        ("mail.example.org", "mail server", "14:17: run.notify.channels[4].mail.host: expected a host name such as mail.example.org, found 'mail server'"),
        ("port: 587", "port: 0", "15:17: run.notify.channels[4].mail.port: expected a port from 1 to 65535, such as 587, found 0"),
        ("port: 587", "port: true", "15:17: run.notify.channels[4].mail.port: expected a port"),
        ("starttls", "ssl", "16:21: run.notify.channels[4].mail.security: expected 'none', 'starttls' or 'tls', found 'ssl'"),
        ("starttls", "none", "16:21: run.notify.channels[4].mail.security: sends the password in the clear"),
        ("sender: a@example.org", "sender: a@example.org Bcc c@example.org", "17:19: run.notify.channels[4].mail.sender: expected a bare mail address"),
        ("[b@example.org]", '["B <b@example.org>"]', "18:24: run.notify.channels[4].mail.recipients[0]: expected a bare mail address"),
        ("          user_from: SMTP_USER\n", "", "14:11: run.notify.channels[4].mail.user_from: missing; add it, because password_from requires a user"),
        ("          password_from: SMTP_PASSWORD\n", "", "14:11: run.notify.channels[4].mail.password_from: missing"),
        ("password_from: SMTP_PASSWORD", "password: s3cr3t", "14:11: run.notify.channels[4].mail.password_from: missing"),
        ("{daily: 90, monthly: 120}", "{daily: 0, weekly: 0}", "21:9: run.keep: keeps no payloads; set daily"),
        ("{daily: 90, monthly: 120}", "{}", "21:9: run.keep: keeps no payloads"),
        ("daily: 90", "daily: -1", "21:17: run.keep.daily: expected a whole number of at least 0, found -1"),
        ("daily: 90", "daily: 1.5", "21:17: run.keep.daily: expected a whole number of at least 0, found 1.5"),
        ("daily: 90", "yearly: 90", "21:10: run.keep.yearly: unknown field"),
        ("nights: 400", "nights: 0", "22:11: run.nights: expected a whole number from 1, found 0"),
        ("nights: 400", "nights: many", "22:11: run.nights: expected a whole number from 1, found 'many'"),
    ],
)  # fmt: skip
def test_an_error_states_its_location_and_no_secret(old: str, new: str, message: str) -> None:
    assert old in CONFIG
    path = _write_config(CONFIG.replace(old, new, 1))
    with pytest.raises(RuleError) as raised:
        schema.load(path, {})
    assert str(raised.value).startswith(f"c.yaml:{message}")
    assert "\n" not in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"HOOK": ""}, "10:29: run.notify.channels[1].webhook.url_from: environment variable HOOK is not set; set it to the secret"),
        ({"HOOK": " \n"}, "10:29: run.notify.channels[1].webhook.url_from: environment variable HOOK is not set"),
        ({"HOOK": "s3cr3t"}, "10:18: run.notify.channels[1].webhook: expected an address such as"),
        ({"HOOK": "https://example.org/s3cr3t\nHost: x"}, "10:18: run.notify.channels[1].webhook: expected an address such as"),
        ({"SMTP_USER": ""}, "19:22: run.notify.channels[4].mail.user_from: environment variable SMTP_USER is not set"),
        ({"SMTP_PASSWORD": ""}, "20:26: run.notify.channels[4].mail.password_from: environment variable SMTP_PASSWORD is not set"),
        ({"SMTP_PASSWORD": "s3cr3t-ü"}, "14:11: run.notify.channels[4].mail: expected a user and a password of printable ASCII"),
    ],
)  # fmt: skip
def test_a_missing_or_invalid_secret_is_reported_by_its_location(
    changes: dict[str, str], message: str
) -> None:
    with pytest.raises(RuleError) as raised:
        _settings(CONFIG, ENVIRONMENT | changes)
    assert str(raised.value).startswith(f"c.yaml:{message}")
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.chmod(0o640), "slack.txt: readable by other users; make it private with: chmod 600 slack.txt"),
        (lambda path: path.unlink(), "slack.txt: cannot read the file: No such file or directory"),
        (lambda path: path.write_text(" \n"), "slack.txt is empty; add the secret to it"),
        (lambda path: path.write_bytes(b"s3cr3t\xff"), "slack.txt: expected UTF-8 text; save the file as UTF-8"),
    ],
)  # fmt: skip
def test_an_unusable_private_file_is_reported(change: Any, message: str) -> None:
    path = _write_config(CONFIG)
    configuration = schema.load(path, {})
    change(Path("slack.txt"))
    with pytest.raises(RuleError) as raised:
        resolve_settings(configuration.run, path, ENVIRONMENT)
    assert str(raised.value) == f"c.yaml:12:27: run.notify.channels[3].slack.url_file: {message}"


def test_every_unusable_secret_is_a_line() -> None:
    with pytest.raises(RuleError) as raised:
        _settings(CONFIG, ENVIRONMENT | {"HOOK": "", "SMTP_USER": ""})
    assert [line[:12] for line in raised.value.lines] == ["c.yaml:10:29", "c.yaml:19:22"]


def test_a_password_may_come_from_a_private_file() -> None:
    text = CONFIG.replace("password_from: SMTP_PASSWORD", "password_file: password")
    Path("password").write_text("s3cr3t\n")
    Path("password").chmod(0o600)
    mail = _settings(text).notify.channels[-1]
    assert isinstance(mail, Mail)
    assert mail.password == "s3cr3t"  # noqa: S105 - not a real password


def test_two_sources_of_a_password_are_refused() -> None:
    text = CONFIG.replace(
        "          password_from: SMTP_PASSWORD\n",
        "          password_from: SMTP_PASSWORD\n          password_file: password\n",
    )
    with pytest.raises(RuleError) as raised:
        schema.load(_write_config(text), {})
    message = (
        "c.yaml:21:26: run.notify.channels[4].mail.password_file: conflicts with password_from"
    )
    assert str(raised.value).startswith(message)
