"""Where a preparation works, and how its result appears in one step: nothing unfinished ever lies in the target."""

import shutil
from pathlib import Path

from gnb.core.errors import SettingsError
from gnb.core.manifest import MANIFEST, changed_since, is_manifest
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
            SettingsError: if the target cannot be written, or holds anything but an earlier, unchanged result.
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

    def publish(self) -> bool:
        """Let the complete outputs become the target, and clear away the rest; tell whether they replaced a result.

        Raises:
            SettingsError: if that was changed in the meantime.
        """
        _check_target(self.target)
        replaced = (self.target / MANIFEST).exists()
        _remove(self._old)
        if self.target.exists():
            self.target.rename(self._old)
        self.out.rename(self.target)
        self.discard()
        return replaced

    def discard(self) -> None:
        """Remove the folder; the target stays as it is."""
        _remove(self.folder)


def _check_target(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise SettingsError(f"--to {target}: is a file; name a folder.")
    if not any(target.iterdir()):
        return
    if not is_manifest(target / MANIFEST):
        raise SettingsError(f"--to {target}: holds other files; name an empty folder or one that gnb prepare wrote.")
    if changed := list(changed_since(target)):
        names = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        raise SettingsError(
            f"--to {target}: {names} changed since gnb prepare wrote it; move it away, or name another folder."
        )


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
