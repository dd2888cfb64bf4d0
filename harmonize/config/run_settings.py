"""Settings of the nightly run as plain values."""

from dataclasses import dataclass, field

from harmonize.config.channels import Channel


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """Number of days, weeks and months for which an archive keeps payloads; 0 keeps none."""

    daily: int = 0
    weekly: int = 0
    monthly: int = 0


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Conditions under which a notice is sent, and its channels.

    ``on`` lists events: ``new``, ``worse``, ``ended``, ``errors`` or ``changes``. Findings below ``level``
    (``error``, ``warning`` or ``info``) send no notice.
    """

    on: tuple[str, ...] = ("new", "worse", "ended", "errors")
    level: str = "error"
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Settings of the nightly run.

    ``site`` is the folder of the site. ``base_url`` is its published address, without a trailing slash
    and empty if not configured. None keeps every payload (``keep``) or dated folder (``nights``).
    """

    site: str = "site"
    base_url: str = ""
    title: str = "Margins of venues"
    notify: NotificationSettings = field(default_factory=NotificationSettings)
    keep: RetentionSettings | None = None
    nights: int | None = None
