"""A keyring in the file that TEST_KEYRING names."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Keeps what it is told in a JSON file of services and names."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(service, {}).get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        kept = self._read()
        kept.setdefault(service, {})[username] = password
        Path(os.environ["TEST_KEYRING"]).write_text(json.dumps(kept), "utf-8")

    def _read(self) -> dict[str, dict[str, str]]:
        return json.loads(Path(os.environ["TEST_KEYRING"]).read_text("utf-8"))
