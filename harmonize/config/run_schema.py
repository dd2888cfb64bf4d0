"""Schema of the section ``run`` of a configuration: site, notices and retention."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from harmonize.config.channels import MAX_PORT, Security, Webhook, is_address, is_host
from harmonize.config.run_settings import RunSettings
from harmonize.core.yaml_source import Path as KeyPath
from harmonize.core.yaml_source import shown
from rules.language.consistency import Contradiction, mapping, rows
from rules.language.scalars import Count, Link, Shape, Text

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KINDS = ("command", "webhook", "slack", "mail")


def _variable(value: object) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(
        value
    ):  # not quoted: it may be the secret
        message = "must be the name of a variable of the environment, as in SLACK_WEBHOOK, and not the secret"
        raise ValueError(message)
    return value


def _url(value: object) -> str:
    return Webhook(
        value if isinstance(value, str) else ""
    ).url  # its error does not quote the URL either


def _address(value: object) -> str:
    if not isinstance(value, str) or not is_address(value):
        message = f"must be a bare mail address, as in a@example.org, was {shown(value)}"
        raise ValueError(message)
    return value


def _host(value: object) -> str:
    if not isinstance(value, str) or not is_host(value):
        message = f"must be the name of a host, as in mail.example.org, was {shown(value)}"
        raise ValueError(message)
    return value


def _port(value: object) -> int:
    if type(value) is not int or not 0 < value <= MAX_PORT:
        message = f"must be a port from 1 to {MAX_PORT}, as 587, was {shown(value)}"
        raise ValueError(message)
    return value


def _nights(value: object) -> int:
    if type(value) is not int or value < 1:
        message = f"must be a whole number from 1, was {shown(value)}"
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
Event: TypeAlias = Literal["new", "worse", "errors", "changes"]


class WebhookEntry(Shape):
    """URL that receives a notice as JSON: exactly one of the three fields."""

    url: Url | None = Field(default=None, description="The address, where it is no secret.")
    url_from: Variable | None = Field(
        default=None, description="The variable that holds the address."
    )
    url_file: Text | None = Field(
        default=None, description="The private file that holds the address."
    )


class SlackEntry(Shape):
    """Incoming webhook of Slack, whose URL is a secret: exactly one of the two fields."""

    url_from: Variable | None = Field(
        default=None, description="The variable that holds the address."
    )
    url_file: Text | None = Field(
        default=None, description="The private file that holds the address."
    )


class MailEntry(Shape):
    """Mail server, sender and recipients."""

    host: Host = Field(description="The mail server.")
    port: Port = Field(description="Its port: 587 for starttls, 465 for tls, as a rule.")
    security: Security = Field(description="How the connection is made private.")
    sender: Address = Field(description="From whom.")
    recipients: tuple[Address, ...] = Field(min_length=1, description="To whom.")
    user_from: Variable | None = Field(
        default=None, description="The variable that holds the user."
    )
    password_from: Variable | None = Field(default=None, description="That holds the password.")
    password_file: Text | None = Field(default=None, description="The private file that holds it.")


class ChannelEntry(Shape):
    """One notification channel: exactly one of the four fields."""

    command: Annotated[tuple[Text, ...], Field(min_length=1)] | None = Field(
        default=None, description="A program and its arguments; it reads the notice from stdin."
    )
    webhook: WebhookEntry | None = Field(default=None, description="A place that takes JSON.")
    slack: SlackEntry | None = Field(default=None, description="An incoming webhook of Slack.")
    mail: MailEntry | None = Field(default=None, description="A mail server.")


class NotifyEntry(Shape):
    """Conditions under which notices are sent, and their channels."""

    on: Annotated[tuple[Event, ...], Field(min_length=1)] = Field(
        default=("new", "worse", "errors"), description="What is worth a notice."
    )
    level: Literal["error", "warning", "info"] = Field(
        default="error", description="Findings below this level send none."
    )
    channels: tuple[ChannelEntry, ...] = Field(default=(), description="Where notices go.")


class KeepEntry(Shape):
    """Retention of payloads: the last one per day, week and month, for so many of each."""

    daily: Count = Field(default=0, description="Days.")
    weekly: Count = Field(default=0, description="Weeks.")
    monthly: Count = Field(default=0, description="Months.")


class Run(Shape):
    """Settings of the nightly run."""

    site: Text = Field(default=RunSettings().site, description="The folder of the site.")
    base_url: Link | None = Field(default=None, description="Where the site is published.")
    title: Text = Field(default=RunSettings().title, description="The title of the site.")
    notify: NotifyEntry = Field(default_factory=NotifyEntry, description="Notices.")
    keep: KeepEntry | None = Field(default=None, description="What the archive keeps; absent: all.")
    nights: Nights | None = Field(
        default=None, description="Dated folders kept whole; absent: all."
    )


def contradictions(run: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Yields the contradictions of the unvalidated section."""
    keep = run.get("keep")
    if isinstance(keep, dict) and not any(keep.values()):
        message = "keeps nothing; give daily, weekly or monthly a number above 0"
        yield Contradiction(("run", "keep"), message)
    for index, entry in enumerate(rows(mapping(run.get("notify")).get("channels"))):
        key: KeyPath = ("run", "notify", "channels", index)
        if not isinstance(entry, dict) or set(entry) - set(KINDS):
            continue  # the validation of the schema reports it
        if len(entry) != 1:
            message = f"must be one of {', '.join(KINDS)}; write one, and others as entries"
            yield Contradiction(key, message)
            continue
        yield from _channel_contradictions(key, entry)


def _channel_contradictions(key: KeyPath, entry: Mapping[str, Any]) -> Iterator[Contradiction]:
    (kind,) = entry
    fields = entry[kind]
    key = (*key, kind)
    if fields is None:
        yield Contradiction(key, "is empty; write its fields below it, indented")
    if kind in {"webhook", "slack"} and isinstance(fields, dict):
        names = ("url", "url_from", "url_file") if kind == "webhook" else ("url_from", "url_file")
        if sum(name in fields for name in names) != 1:
            yield Contradiction(key, f"must have one of {', '.join(names)}; write one of them")
    if kind == "mail" and isinstance(fields, dict):
        yield from _mail_contradictions(key, fields)


def _mail_contradictions(key: KeyPath, fields: Mapping[str, Any]) -> Iterator[Contradiction]:
    passwords = [name for name in ("password_from", "password_file") if name in fields]
    if len(passwords) > 1:
        message = "stands beside password_from; remove one of them"
        yield Contradiction((*key, "password_file"), message)
    if passwords and "user_from" not in fields:
        yield Contradiction((*key, "user_from"), f"is missing; {passwords[0]} belongs to a user")
    if "user_from" in fields and not passwords:
        message = "is missing; add it, or password_file, for the user of user_from"
        yield Contradiction((*key, "password_from"), message)
    if passwords and fields.get("security") == "none":
        message = "would send the password in the clear; write starttls or tls"
        yield Contradiction((*key, "security"), message)
