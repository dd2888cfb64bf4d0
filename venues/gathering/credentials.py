"""Keys of venues that answer only to an account: from the environment or a private file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harmonize.core import secret_file
from harmonize.core.yaml_source import WrittenError, read

PREFIX = "HARMONIZE_"
_NAMES = {
    "API_KEY": "apiKey",
    "SECRET": "secret",
    "PASSWORD": "password",
    "UID": "uid",
    "PRIVATE_KEY": "privateKey",
    "WALLET_ADDRESS": "walletAddress",
}
"""What a variable ends in, and how ccxt calls the credential."""


class CredentialsError(Exception):
    """A file of keys that cannot be used: one line that says why, and never what is in it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of one venue by their ccxt names. Printing shows the names alone."""

    values: Mapping[str, str] = field(repr=False)

    def hide(self, text: str) -> str:
        """Take every secret out of a text before it is shown or kept."""
        for value in sorted(self.values.values(), key=len, reverse=True):
            text = text.replace(value, "[secret]")
        return text


NONE = Credentials({})


def from_environment(environment: Mapping[str, str], venue: str) -> Credentials:
    """Read ``HARMONIZE_<VENUE>_API_KEY``, ``_SECRET`` and so on."""
    start = f"{PREFIX}{venue.upper()}_"
    found = {name: environment.get(f"{start}{ending}", "") for ending, name in _NAMES.items()}
    return Credentials({name: value for name, value in found.items() if value})


def from_file(path: Path) -> dict[str, Credentials]:
    """Read keys by venue from YAML that only its owner may read.

    Raises CredentialsError: not there, readable by others, or not shaped as keys.
    """
    try:
        written = read(secret_file.text(path), path.name)
    except secret_file.PrivateError as error:
        raise CredentialsError(str(error)) from None
    except WrittenError as error:  # its message quotes the text, which is secret
        message = (
            f"{path}:{error.line}:{error.column}: is not YAML of the form venue: {{apiKey: …}}"
        )
        raise CredentialsError(message) from None
    return _by_venue(written.value, path)


def _by_venue(value: object, path: Path) -> dict[str, Credentials]:
    names = set(_NAMES.values())
    if not isinstance(value, dict):
        message = f"{path} must name venues, each with its keys, as binance: {{apiKey: …}}"
        raise CredentialsError(message)
    found = {}
    for venue, keys in value.items():
        if not isinstance(keys, dict) or not all(isinstance(one, str) for one in keys.values()):
            message = f"{path}: the keys of {venue} must be texts by name, in quotes"
            raise CredentialsError(message)
        strangers = sorted(set(keys) - names)
        if strangers:
            message = (
                f"{path}: {venue} has {', '.join(map(str, strangers))}; "
                f"the names are {', '.join(sorted(names))}"
            )
            raise CredentialsError(message)
        found[str(venue)] = Credentials({name: one for name, one in keys.items() if one})
    return found
