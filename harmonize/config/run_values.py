"""Converts the section ``run`` of a configuration to plain values and resolves its secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harmonize.config.channels import Channel, Command, Mail, Slack, Webhook
from harmonize.config.run_schema import CHANNEL_KINDS, ChannelEntry, MailEntry, Run
from harmonize.config.run_settings import NotificationSettings, RetentionSettings, RunSettings
from harmonize.core import secret_file
from harmonize.core.yaml_source import Path as KeyPath
from harmonize.core.yaml_source import YamlSourceError, decode_utf8, parse_yaml
from rules.language.errors import dotted_path
from rules.language.scalars import Shape
from rules.loader import RuleError, read_bytes


def resolve_settings(run: Run, path: Path, environment: Mapping[str, str]) -> RunSettings:
    """Returns the section of the configuration at ``path`` with its secrets resolved.

    Raises RuleError, with file:line:column: variables or files are missing or invalid.
    """
    secrets = _Secrets(path, environment)
    channels = []
    problems: list[str] = []
    for index, entry in enumerate(run.notify.channels):
        try:
            channels.append(_channel(entry, ("run", "notify", "channels", index), secrets))
        except RuleError as error:
            problems += error.lines
    if problems:
        raise RuleError(*problems)
    keep = run.keep
    return RunSettings(
        site=run.site,
        base_url=(run.base_url or "").rstrip("/"),
        title=run.title,
        notify=NotificationSettings(tuple(run.notify.on), run.notify.level, tuple(channels)),
        keep=None if keep is None else RetentionSettings(keep.daily, keep.weekly, keep.monthly),
        nights=run.nights,
    )


@dataclass(frozen=True, slots=True)
class _Secrets:
    """Looks up secrets in the environment and in files beside the configuration at ``path``."""

    path: Path
    environment: Mapping[str, str]

    def secret(self, entry: Shape, name: str, key: KeyPath) -> str:
        """Returns the secret that ``<name>_from`` or ``<name>_file`` names; empty if neither is set.

        Raises RuleError: the variable is not set, or the file is unreadable or empty.
        """
        variable = getattr(entry, f"{name}_from", None)
        if variable is not None:
            secret = self.environment.get(variable, "").strip()
            if not secret:
                message = f"environment variable {variable} is not set; set it to the secret"
                raise self.error((*key, f"{name}_from"), message)
            return secret
        file = getattr(entry, f"{name}_file", None)
        if file is None:
            return ""
        try:
            secret = secret_file.read_secret(self.path.parent / file).strip()
        except secret_file.SecretFileError as error:
            raise self.error((*key, f"{name}_file"), str(error)) from None
        if not secret:
            message = f"{self.path.parent / file} is empty; add the secret to it"
            raise self.error((*key, f"{name}_file"), message)
        return secret

    def error(self, key: KeyPath, message: str) -> RuleError:
        """Returns the error for one key of the configuration, with its line and column."""
        name = str(self.path)
        source = parse_yaml(decode_utf8(read_bytes(self.path), name), name)
        reason = f"{dotted_path(key)}: {message}"
        return RuleError(str(YamlSourceError(name, *source.place(key), reason)))


def _channel(entry: ChannelEntry, key: KeyPath, secrets: _Secrets) -> Channel:
    kind = next(name for name in CHANNEL_KINDS if getattr(entry, name) is not None)
    key = (*key, kind)
    try:
        if entry.command is not None:
            return Command(entry.command)
        if entry.webhook is not None:
            return Webhook(entry.webhook.url or secrets.secret(entry.webhook, "url", key))
        if entry.slack is not None:
            return Slack(secrets.secret(entry.slack, "url", key))
        if entry.mail is not None:
            return _mail(entry.mail, key, secrets)
    except ValueError as error:
        raise secrets.error(key, str(error)) from None
    raise AssertionError(kind)


def _mail(entry: MailEntry, key: KeyPath, secrets: _Secrets) -> Mail:
    return Mail(
        host=entry.host,
        port=entry.port,
        security=entry.security,
        sender=entry.sender,
        recipients=entry.recipients,
        user=secrets.secret(entry, "user", key),
        password=secrets.secret(entry, "password", key),
    )
