"""Schema of the section ``run`` of a configuration: site, notices and retention."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from harmonize.config.channels import MAX_PORT, Security, Webhook, is_address, is_host
from harmonize.config.run_settings import RunSettings
from harmonize.core.yaml_source import Path as KeyPath
from harmonize.core.yaml_source import printable
from rules.language.consistency import Contradiction, as_list, as_mapping
from rules.language.scalars import Count, Link, Shape, Text

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CHANNEL_KINDS = ("command", "webhook", "slack", "mail")


def _variable(value: object) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(
        value
    ):  # not quoted: it may be the secret
        message = "expected the name of an environment variable such as SLACK_WEBHOOK, not the secret itself"
        raise ValueError(message)
    return value


def _url(value: object) -> str:
    return Webhook(
        value if isinstance(value, str) else ""
    ).url  # its error does not quote the URL either


def _address(value: object) -> str:
    if not isinstance(value, str) or not is_address(value):
        message = f"expected a bare mail address such as a@example.org, found {printable(value)}"
        raise ValueError(message)
    return value


def _host(value: object) -> str:
    if not isinstance(value, str) or not is_host(value):
        message = f"expected a host name such as mail.example.org, found {printable(value)}"
        raise ValueError(message)
    return value


def _port(value: object) -> int:
    if type(value) is not int or not 0 < value <= MAX_PORT:
        message = f"expected a port from 1 to {MAX_PORT}, such as 587, found {printable(value)}"
        raise ValueError(message)
    return value


def _nights(value: object) -> int:
    if type(value) is not int or value < 1:
        message = f"expected a whole number from 1, found {printable(value)}"
        raise ValueError(message)
    return value


_TEXT_SCHEMA = {"type": "string", "minLength": 1}
Variable: TypeAlias = Annotated[str, BeforeValidator(_variable), WithJsonSchema(_TEXT_SCHEMA)]
Url: TypeAlias = Annotated[str, BeforeValidator(_url), WithJsonSchema(_TEXT_SCHEMA)]
Address: TypeAlias = Annotated[str, BeforeValidator(_address), WithJsonSchema(_TEXT_SCHEMA)]
Host: TypeAlias = Annotated[str, BeforeValidator(_host), WithJsonSchema(_TEXT_SCHEMA)]
Port: TypeAlias = Annotated[
    int,
    BeforeValidator(_port),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_PORT}),
]
Nights: TypeAlias = Annotated[
    int, BeforeValidator(_nights), WithJsonSchema({"type": "integer", "minimum": 1})
]
Event: TypeAlias = Literal["new", "worse", "ended", "errors", "changes"]


class WebhookEntry(Shape):
    """URL that receives a notice as JSON: exactly one of the three fields."""

    url: Url | None = Field(default=None, description="URL, if it is not a secret.")
    url_from: Variable | None = Field(
        default=None, description="Environment variable that holds the URL."
    )
    url_file: Text | None = Field(default=None, description="Private file that holds the URL.")


class SlackEntry(Shape):
    """Incoming webhook of Slack, whose URL is a secret: exactly one of the two fields."""

    url_from: Variable | None = Field(
        default=None, description="Environment variable that holds the URL."
    )
    url_file: Text | None = Field(default=None, description="Private file that holds the URL.")


class MailEntry(Shape):
    """Mail server, sender and recipients."""

    host: Host = Field(description="Host of the mail server.")
    port: Port = Field(
        description="Port of the mail server, usually 587 for starttls and 465 for tls."
    )
    security: Security = Field(description="Encryption of the connection: none, starttls or tls.")
    sender: Address = Field(description="Address of the sender.")
    recipients: tuple[Address, ...] = Field(
        min_length=1, description="Addresses of the recipients."
    )
    user_from: Variable | None = Field(
        default=None, description="Environment variable that holds the user."
    )
    password_from: Variable | None = Field(
        default=None, description="Environment variable that holds the password."
    )
    password_file: Text | None = Field(
        default=None, description="Private file that holds the password."
    )


class ChannelEntry(Shape):
    """One notification channel: exactly one of the four fields."""

    command: Annotated[tuple[Text, ...], Field(min_length=1)] | None = Field(
        default=None, description="Program and arguments; it reads the notice from standard input."
    )
    webhook: WebhookEntry | None = Field(default=None, description="URL that receives JSON.")
    slack: SlackEntry | None = Field(default=None, description="Incoming webhook of Slack.")
    mail: MailEntry | None = Field(default=None, description="Mail server.")


class NotifyEntry(Shape):
    """Conditions under which notices are sent, and their channels."""

    on: Annotated[tuple[Event, ...], Field(min_length=1)] = Field(
        default=("new", "worse", "ended", "errors"), description="Events that send a notice."
    )
    level: Literal["error", "warning", "info"] = Field(
        default="error", description="Lowest level of findings that send a notice."
    )
    channels: tuple[ChannelEntry, ...] = Field(
        default=(), description="Channels that receive notices."
    )


class KeepEntry(Shape):
    """Retention of payloads: the last one per day, week and month, for so many of each."""

    daily: Count = Field(default=0, description="Number of days.")
    weekly: Count = Field(default=0, description="Number of weeks.")
    monthly: Count = Field(default=0, description="Number of months.")


class Run(Shape):
    """Settings of the nightly run."""

    site: Text = Field(default=RunSettings().site, description="Folder of the site.")
    base_url: Link | None = Field(default=None, description="Published address of the site.")
    title: Text = Field(default=RunSettings().title, description="Title of the site.")
    notify: NotifyEntry = Field(default_factory=NotifyEntry, description="Notifications.")
    keep: KeepEntry | None = Field(
        default=None, description="Retention of payloads in the archive; if absent, all are kept."
    )
    nights: Nights | None = Field(
        default=None, description="Number of dated folders kept complete; if absent, all."
    )


def contradictions(run: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Yields the contradictions of the unvalidated section."""
    keep = run.get("keep")
    if isinstance(keep, dict) and not any(keep.values()):
        message = "keeps no payloads; set daily, weekly or monthly to a number above 0"
        yield Contradiction(("run", "keep"), message)
    for index, entry in enumerate(as_list(as_mapping(run.get("notify")).get("channels"))):
        key: KeyPath = ("run", "notify", "channels", index)
        if not isinstance(entry, dict) or set(entry) - set(CHANNEL_KINDS):
            continue  # the validation of the schema reports it
        if len(entry) != 1:
            message = f"expected exactly one of {', '.join(CHANNEL_KINDS)}; add others as separate entries"
            yield Contradiction(key, message)
            continue
        yield from _channel_contradictions(key, entry)


def _channel_contradictions(key: KeyPath, entry: Mapping[str, Any]) -> Iterator[Contradiction]:
    (kind,) = entry
    fields = entry[kind]
    key = (*key, kind)
    if fields is None:
        yield Contradiction(key, "is empty; add its fields below it, indented")
    if kind in {"webhook", "slack"} and isinstance(fields, dict):
        names = ("url", "url_from", "url_file") if kind == "webhook" else ("url_from", "url_file")
        if sum(name in fields for name in names) != 1:
            yield Contradiction(key, f"expected exactly one of {', '.join(names)}; use one of them")
    if kind == "mail" and isinstance(fields, dict):
        yield from _mail_contradictions(key, fields)


def _mail_contradictions(key: KeyPath, fields: Mapping[str, Any]) -> Iterator[Contradiction]:
    passwords = [name for name in ("password_from", "password_file") if name in fields]
    if len(passwords) > 1:
        message = "conflicts with password_from; remove one of them"
        yield Contradiction((*key, "password_file"), message)
    if passwords and "user_from" not in fields:
        yield Contradiction(
            (*key, "user_from"), f"missing; add it, because {passwords[0]} requires a user"
        )
    if "user_from" in fields and not passwords:
        message = "missing; add it or password_file, because user_from requires a password"
        yield Contradiction((*key, "password_from"), message)
    if passwords and fields.get("security") == "none":
        message = "sends the password in the clear; use starttls or tls"
        yield Contradiction((*key, "security"), message)
