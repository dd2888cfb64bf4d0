"""The section ``run`` of a configuration as plain values, with the secrets that it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harmonize.config.channels import Channel, Command, Mail, Slack, Webhook
from harmonize.config.run_schema import KINDS, ChannelEntry, MailEntry, Run
from harmonize.config.run_settings import Keep, Notify, RunSettings
from harmonize.core import secret_file
from harmonize.core.yaml_source import Path as Where
from harmonize.core.yaml_source import WrittenError, decode, read
from rules.language.errors import dotted
from rules.language.scalars import Shape
from rules.loader import RuleError, content


def settings(run: Run, path: Path, environment: Mapping[str, str]) -> RunSettings:
    """Give the section of the configuration at ``path`` as values, with the secrets it names.

    Raises RuleError, with file:line:column: a variable or file is not there or does not fit.
    """
    secrets = _Secrets(path, environment)
    channels = tuple(
        _channel(one, ("run", "notify", "channels", number), secrets)
        for number, one in enumerate(run.notify.channels)
    )
    keep = run.keep
    return RunSettings(
        site=run.site,
        base_url=(run.base_url or "").rstrip("/"),
        title=run.title,
        notify=Notify(tuple(run.notify.on), run.notify.level, channels),
        keep=None if keep is None else Keep(keep.daily, keep.weekly, keep.monthly),
        nights=run.nights,
    )


@dataclass(frozen=True, slots=True)
class _Secrets:
    """Where secrets are looked up, and where what names them stands."""

    path: Path
    environment: Mapping[str, str]

    def of(self, entry: Shape, name: str, where: Where) -> str:
        """The secret that ``<name>_from`` or ``<name>_file`` names; empty where neither is given."""
        variable = getattr(entry, f"{name}_from", None)
        if variable is not None:
            found = self.environment.get(variable, "").strip()
            if not found:
                message = f"the variable {variable} is not set; set it to the secret"
                raise self.error((*where, f"{name}_from"), message)
            return found
        file = getattr(entry, f"{name}_file", None)
        if file is None:
            return ""
        try:
            found = secret_file.text(self.path.parent / file).strip()
        except secret_file.PrivateError as error:
            raise self.error((*where, f"{name}_file"), str(error)) from None
        if not found:
            message = f"{self.path.parent / file} is empty; write the secret into it"
            raise self.error((*where, f"{name}_file"), message)
        return found

    def error(self, where: Where, message: str) -> RuleError:
        """What is wrong at a place of the configuration."""
        name = str(self.path)
        written = read(decode(content(self.path), name), name)
        said = f"{dotted(where)}: {message}"
        return RuleError(str(WrittenError(name, *written.place(where), said)))


def _channel(entry: ChannelEntry, where: Where, secrets: _Secrets) -> Channel:
    kind = next(one for one in KINDS if getattr(entry, one) is not None)
    where = (*where, kind)
    try:
        if entry.command is not None:
            return Command(entry.command)
        if entry.webhook is not None:
            return Webhook(entry.webhook.url or secrets.of(entry.webhook, "url", where))
        if entry.slack is not None:
            return Slack(secrets.of(entry.slack, "url", where))
        if entry.mail is not None:
            return _mail(entry.mail, where, secrets)
    except ValueError as error:
        raise secrets.error(where, str(error)) from None
    raise AssertionError(kind)


def _mail(entry: MailEntry, where: Where, secrets: _Secrets) -> Mail:
    return Mail(
        host=entry.host,
        port=entry.port,
        security=entry.security,
        sender=entry.sender,
        recipients=entry.recipients,
        user=secrets.of(entry, "user", where),
        password=secrets.of(entry, "password", where),
    )
