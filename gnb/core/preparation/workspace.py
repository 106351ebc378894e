"""Where a preparation works, and how its result appears in one step: nothing unfinished ever lies in the target."""

import shutil
from pathlib import Path

from gnb.core.errors import SettingsError
from gnb.core.manifest import MANIFEST, is_manifest
from gnb.core.records import SPLITS

ARCHIVE = "gender_neutralize.7z"
PUBLISHED = ("train.json", "test.json")
CONFLICTS = "conflicts.jsonl"
OUTPUTS = (*(f"{split}.{end}" for split in SPLITS for end in ("jsonl", "parquet")), *PUBLISHED, ARCHIVE, CONFLICTS)
"""Everything that a preparation writes, apart from the manifest."""


class Workspace:
    """A hidden folder beside the target, `.NAME.preparing`: the work file, and the outputs until they are complete."""

    def __init__(self, target: Path) -> None:
        """Make the folder; what an earlier, interrupted run has cleaned stays in it.

        Raises:
            SettingsError: if the target cannot be written, or holds anything but an earlier result.
        """
        self.target = target.resolve()  # a link to a folder stays a link
        self.folder = self.target.parent / f".{self.target.name}.preparing"
        self.out = self.folder / "out"
        self._old = self.folder / "old"
        _check_target(self.target)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"--to {target}: cannot be written ({error.strerror}).") from None

    def begin(self) -> None:
        """Clear away the outputs of an interrupted run. Call it with the work file open, which keeps others out."""
        if self._old.exists() and not self.target.exists():
            self._old.rename(self.target)  # it was interrupted between the two renames of `publish`
        _remove(self.out)
        self.out.mkdir()

    @property
    def work_file(self) -> Path:
        """The file that holds the work done so far."""
        return self.folder / "work.sqlite"

    def publish(self) -> None:
        """Let the complete outputs become the target, in place of an earlier result, and clear away the rest."""
        _remove(self._old)
        if self.target.exists():
            self.target.rename(self._old)
        self.out.rename(self.target)
        _remove(self.folder)


def _check_target(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise SettingsError(f"--to {target}: is a file; name a folder.")
    names = {path.name for path in target.iterdir()}
    if names and not (is_manifest(target / MANIFEST) and names <= {*OUTPUTS, MANIFEST}):
        raise SettingsError(f"--to {target}: holds other files; name an empty folder or one that gnb prepare wrote.")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
