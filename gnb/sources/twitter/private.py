"""Files that nobody else may read: the session, the key of the hashes, screenshots."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from gnb.core.errors import GnbError


def state_dir() -> Path:
    """Return the folder of what gnb remembers of X: `gnb/twitter` in the user's state folder. It may not exist yet."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gnb" / "twitter"


def write_private(path: Path, data: bytes) -> None:
    """Write a file with mode 600, in one step: it is there with all of the data, or as it was.

    Raises:
        GnbError: if it cannot be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise GnbError(f"{path}: cannot be written ({error.strerror}).") from None


class HandleHash:
    """Hashes names of users: the same name always gets the same hash, and nobody without the key can try names.

    The hash is HMAC-SHA-256 of the lower-cased name (RFC 2104), its first 32 hexadecimal digits. The key is drawn at
    the first use and kept in the state folder.
    """

    def __init__(self) -> None:
        self._key = _key(state_dir() / "handle-key")

    def __call__(self, handle: str) -> str:
        """Return the hash of a name, with or without its @."""
        name = handle.removeprefix("@").lower().encode()
        return hmac.new(self._key, name, hashlib.sha256).hexdigest()[:32]


def _key(path: Path) -> bytes:
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    try:
        return path.read_bytes()
    except OSError as error:
        raise GnbError(f"{path}: cannot be read ({error.strerror}).") from None
