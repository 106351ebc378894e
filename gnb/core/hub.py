"""What all that ask the Hugging Face hub share: a client that keeps quiet, whether it answers, words without secrets.

What a refusal means each of them says itself: of a model or a dataset to read, or of a place to write to.
"""

import logging
import os
import re
import socket
import sys
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from gnb.core.errors import SettingsError, causes

_SECONDS = 5
"""How long a connection may take to be made."""
_SECRETS = re.compile(r"(?<=//)[^\s/@]+@|(?<=[^\s?])\?[^\s'\"]+=[^\s'\"]*")
"""What an address may hold before its host, and the signature that it may end in."""


def quiet_client(*, bars: bool = True) -> None:
    """Keep the hub's client from phoning home, from showing addresses, and from drawing bars for nobody.

    Args:
        bars: whether it may draw them on a terminal.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when it is imported
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
    from huggingface_hub.utils.logging import set_verbosity

    constants.HF_HUB_DISABLE_TELEMETRY = True  # it may have been imported before
    set_verbosity(logging.ERROR)  # its import would undo the level that is set at the logger itself
    if not (bars and sys.stderr.isatty()):
        disable_progress_bars()


def require_hub() -> None:
    """Look whether the hub can be reached at all: its client would try for about a minute before it says so.

    Raises:
        SettingsError: if HF_ENDPOINT is no address, or the token none.
        ConnectionError: if it cannot, or must not.
    """
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE
    from huggingface_hub.errors import OfflineModeIsEnabled

    if HF_HUB_OFFLINE:
        raise OfflineModeIsEnabled
    parts = urlsplit(ENDPOINT)
    try:
        address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    except ValueError:  # a port that is no number
        address = ("", 0)
    if parts.scheme not in ("http", "https") or not address[0]:
        raise SettingsError("HF_ENDPOINT is no address: write one such as https://huggingface.co, or unset it.")
    _check_token()
    if {parts.scheme, "all"} & urllib.request.getproxies().keys():
        return  # only the proxy knows
    try:
        socket.create_connection(address, timeout=_SECONDS).close()
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


def _check_token() -> None:
    from huggingface_hub import get_token

    if (token := get_token()) and not (token.isascii() and token.isprintable()):
        raise SettingsError("The token of the hub holds characters that no token has. Copy it anew (HF_TOKEN).")


def hub_host() -> str:
    """Return the hub's host, and its port if one is named, without what else the address may hold."""
    from huggingface_hub.constants import ENDPOINT

    return urlsplit(ENDPOINT).netloc.rpartition("@")[2]


def explain(
    error: BaseException, refusals: Mapping[int, str], *, offline: str = "", again: str = "Try again later."
) -> str:
    """Say why the hub could not be used and what helps. The texts of the errors themselves may hold secrets.

    Args:
        error: what the client raised.
        refusals: what the hub's answers mean, by HTTP status.
        offline: what to do without a connection.
        again: what to do if it may go well another time.
    """
    import httpx2
    from huggingface_hub import errors

    for found in causes(error):
        if status := status_of(found):
            return refusals.get(status, f"the hub is in trouble ({status}). {again}")
        if isinstance(found, errors.OfflineModeIsEnabled):
            return f"HF_HUB_OFFLINE is set; unset it to ask the hub. {offline}".strip()
        if "CERTIFICATE_VERIFY_FAILED" in str(found):
            return "its certificate cannot be verified. Look at HF_ENDPOINT, the proxy and SSL_CERT_FILE."
        if isinstance(found, httpx2.ConnectError | ConnectionError):
            return f"no connection to the hub. Look at the network, the proxy and HF_ENDPOINT. {offline}".strip()
        if isinstance(found, httpx2.TimeoutException | TimeoutError):
            return f"the hub does not answer in time. {again}"
    what = getattr(error, "strerror", None) or type(error).__name__
    return f"the transfer broke off ({what}). {again}"


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of the answer that an error tells of, None if it tells of none."""
    return getattr(getattr(error, "response", None), "status_code", None)


def without_secrets(text: str) -> str:
    """Return what a library says without the passwords and signatures that addresses in it hold."""
    return _SECRETS.sub("", text)
