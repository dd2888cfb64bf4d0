"""Reads API keys of venues from the environment or a private file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harmonize.core import secret_file
from harmonize.core.yaml_source import YamlSourceError, parse_yaml

PREFIX = "HARMONIZE_"
_NAMES = {
    "API_KEY": "apiKey",
    "SECRET": "secret",
    "PASSWORD": "password",
    "UID": "uid",
    "PRIVATE_KEY": "privateKey",
    "WALLET_ADDRESS": "walletAddress",
}
"""Suffix of the environment variable, and ccxt's name of the credential."""


class CredentialsError(Exception):
    """A file of keys that cannot be used; the one-line message never quotes its content."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of one venue by ccxt name. The representation excludes the values."""

    values: Mapping[str, str] = field(repr=False)

    def hide(self, text: str) -> str:
        """``text`` with every secret replaced, for display or storage."""
        for value in sorted(self.values.values(), key=len, reverse=True):
            text = text.replace(value, "[secret]")
        return text


NONE = Credentials({})


def from_environment(environment: Mapping[str, str], venue: str) -> Credentials:
    """Keys from ``HARMONIZE_<VENUE>_API_KEY``, ``_SECRET`` and so on; empty if none is set."""
    prefix = f"{PREFIX}{venue.upper()}_"
    values = {name: environment.get(f"{prefix}{suffix}", "") for suffix, name in _NAMES.items()}
    return Credentials({name: value for name, value in values.items() if value})


def from_file(path: Path) -> dict[str, Credentials]:
    """Reads keys by venue from a YAML file that only its owner may read.

    Raises CredentialsError if the file is missing, readable by others, or not keys by venue.
    """
    try:
        source = parse_yaml(secret_file.read_secret(path), path.name)
    except secret_file.SecretFileError as error:
        raise CredentialsError(str(error)) from None
    except YamlSourceError as error:  # its own message quotes the file, which is secret
        message = (
            f"{path}:{error.line}:{error.column}: expected YAML of the form venue: {{apiKey: …}}"
        )
        raise CredentialsError(message) from None
    return _by_venue(source.value, path)


def _by_venue(value: object, path: Path) -> dict[str, Credentials]:
    known_names = set(_NAMES.values())
    if not isinstance(value, dict):
        message = f"{path}: expected keys by venue, such as binance: {{apiKey: …}}"
        raise CredentialsError(message)
    credentials = {}
    for venue, keys in value.items():
        if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
            message = f"{path}: {venue}: expected text by key name; put the values in quotes"
            raise CredentialsError(message)
        unknown_names = sorted(set(keys) - known_names)
        if unknown_names:
            message = (
                f"{path}: {venue}: unknown key {', '.join(map(str, unknown_names))}; "
                f"use {', '.join(sorted(known_names))}"
            )
            raise CredentialsError(message)
        credentials[str(venue)] = Credentials({name: key for name, key in keys.items() if key})
    return credentials
