"""The endpoint's address and key: what they may look like, and how the key stays out of every text."""

import os
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import SecretStr

from gnb.core.errors import SettingsError
from gnb.rewriters.gpt.options import GptOptions

Clean = Callable[[str], str]
"""`clean` with the key of one endpoint."""
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.%]+")
_OPENAI = ("openai.com", "openai.azure.com")


def check_address(options: GptOptions) -> None:
    """Refuse an address that holds a secret, and a key in the place of its variable's name, without repeating either.

    Raises:
        SettingsError: saying what to write instead.
    """
    if options.api_key_env is not None and not _VARIABLE.fullmatch(options.api_key_env):
        raise SettingsError(
            "api_key_env takes the NAME of an environment variable in capital letters, such as OPENAI_API_KEY."
            " Put the key into that variable, and nowhere else."
        )
    try:
        parts = urlsplit(options.base_url)
        is_address = (
            parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0
        )
    except ValueError:  # the brackets or the port are wrong; a password may be why
        parts, is_address = urlsplit(""), False
    if "@" in options.base_url or parts.query or parts.fragment:
        raise SettingsError(
            "base_url holds a user name, a password or a query: write the plain address, put the key into an"
            " environment variable, and name that with -o gpt.api_key_env=NAME."
        )
    if not is_address:
        raise SettingsError("base_url is no address: write an address such as http://localhost:8000/v1.")


def is_openai(options: GptOptions) -> bool:
    """Tell whether the endpoint is OpenAI's own."""
    host = urlsplit(options.base_url).hostname or ""
    return any(host == name or host.endswith(f".{name}") for name in _OPENAI)


def key_variable(options: GptOptions) -> str | None:
    """Return the name of the environment variable that holds the key; None if the endpoint gets none."""
    return options.api_key_env or ("OPENAI_API_KEY" if is_openai(options) else None)


def gets_openai_key(options: GptOptions) -> bool:
    """Tell whether the endpoint is OpenAI's own, or one that the user gives OpenAI's key."""
    return is_openai(options) or key_variable(options) == "OPENAI_API_KEY"


def read_key(options: GptOptions) -> SecretStr | None:
    """Return the key from the environment; None if the endpoint gets none.

    Raises:
        SettingsError: if its variable is not set, or if what it holds cannot be a key.
    """
    variable = key_variable(options)
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise SettingsError(f"{options.base_url} needs a key: set the environment variable {variable}.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError(f"The key in {variable} holds characters that no key has. Copy it anew.")
    return SecretStr(key)


def clean(said: str, key: SecretStr | None) -> str:
    """Return what a server said without the key, which it may repeat, and with whole characters alone."""
    whole = whole_characters(said)
    return whole.replace(key.get_secret_value(), "[key]") if key else whole


def whole_characters(text: str) -> str:
    """Return a text with U+FFFD for halves of surrogate pairs, which JSON can carry but nobody can send or print."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
