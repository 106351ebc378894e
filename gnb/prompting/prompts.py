"""System prompts: those that ship, by name, or a file of the user's own."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gnb.core.errors import SettingsError, UnknownNameError
from gnb.core.fingerprint import hash_text

_FOLDER = resources.files("gnb") / "prompting" / "prompts"
_SUFFIXES = (".md", ".txt")


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """A system prompt. A shipped one never changes; a better one gets a new number.

    Attributes:
        name: its name, or its file's.
        text: what the model is told, without white space at its ends.
    """

    name: str
    text: str

    @property
    def hash(self) -> str:
        """The hash of its text: what identifies it, wherever it lies."""
        return hash_text(self.text)


def prompt_names() -> list[str]:
    """Return the names of the prompts that ship."""
    return sorted(Path(entry.name).stem for entry in _FOLDER.iterdir() if entry.name.endswith(".md"))


def load_prompt(name: str) -> SystemPrompt:
    """Load a prompt by its name, or from a file: anything with a folder or with the ending .md or .txt.

    Raises:
        UnknownNameError: if no prompt goes by that name.
        SettingsError: if the file cannot be read, is no UTF-8 text, or is empty.
    """
    if name in prompt_names():
        return SystemPrompt(name, (_FOLDER / f"{name}.md").read_text("utf-8").strip())
    path = Path(name).expanduser()
    if path.suffix not in _SUFFIXES and len(path.parts) < 2:
        raise UnknownNameError("prompt", name, prompt_names())
    try:
        text = path.read_text("utf-8-sig").strip()
    except OSError as error:
        raise SettingsError(f"The prompt {name}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The prompt {name}: is not UTF-8 text.") from None
    if not text:
        raise SettingsError(f"The prompt {name}: is empty.")
    return SystemPrompt(path.name, text)
