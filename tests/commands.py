"""The command line in this process, and the files that it reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from gnb.cli.main import main


def gnb(*arguments: str) -> int:
    """Run a command as a user does; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["gnb", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    return int(end.value.code or 0)


def write(path: Path, *rows: dict[str, Any]) -> None:
    """Write JSON Lines, and make the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
