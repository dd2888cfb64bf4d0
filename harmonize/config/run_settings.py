"""What a configuration says of the nightly run, as plain values."""

from dataclasses import dataclass, field

from harmonize.config.channels import Channel


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days, weeks and months of payloads an archive keeps; 0 is none of that kind."""

    daily: int = 0
    weekly: int = 0
    monthly: int = 0


@dataclass(frozen=True, slots=True)
class Notify:
    """When a notice is sent, and where.

    ``on`` holds some of ``new``, ``worse``, ``errors`` and ``changes``; findings below ``level``
    (``error``, ``warning`` or ``info``) send none.
    """

    on: tuple[str, ...] = ("new", "worse", "errors")
    level: str = "error"
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Settings of the nightly run.

    ``site`` is the folder of the site, ``base_url`` where it is published, empty if unsaid and never
    with a slash at its end. ``keep`` None keeps every payload, ``nights`` None every dated folder.
    """

    site: str = "site"
    base_url: str = ""
    title: str = "Margins of venues"
    notify: Notify = field(default_factory=Notify)
    keep: Keep | None = None
    nights: int | None = None
