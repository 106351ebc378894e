"""Models of the Hugging Face hub: which commit a name means, fetching it once, and what may go wrong on the way.

A model is fetched into the hub's own cache and then loaded from that folder, so that libraries below have no reason to
ask the network for anything. A name means the commit that was newest when it was first used; `hf download` renews it.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gnb.core.errors import ModelError, causes
from gnb.core.hub import explain, hub_host, quiet_client, require_hub

_SMALL = ("*.json", "*.jinja", "*.model", "*.txt")
"""Configuration and tokenizer."""
SAFETENSORS = ("*.safetensors",)
ANY_WEIGHTS = (*SAFETENSORS, "*.bin")
""".bin files are pickled: only for models that have nothing else, and that torch reads as numbers alone."""
_FOREIGN = ("*/*", "consolidated*")
"""The same weights once more, in the layouts of other programs."""
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
"""Files of which a model has one at least."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PATIENCE = 20
"""Seconds that the hub may take to answer."""
_TOKEN = "make a token (https://huggingface.co/settings/tokens), then: hf auth login, or set HF_TOKEN"  # noqa: S105
_REFUSALS = {
    401: f"the token is refused (401). Log in anew: {_TOKEN}.",
    403: "the token does not allow it (403). Give it the right to read this model.",
}
_OFFLINE = "Offline, use --profile embedded or set base_model to a local folder."
_AGAIN = "Try again later; what has been fetched is kept."


def commit_of(name: str, revision: str | None = None) -> str:
    """Return the commit that a revision of a hub model means: as the cache knows it, else as the hub says.

    Raises:
        ModelError: if neither knows; the message says what helps.
    """
    if revision and _COMMIT.fullmatch(revision):
        return revision
    if known := _cached_commit(name, revision or "main"):
        return known
    with asking_hub(name):
        from huggingface_hub import HfApi

        found = HfApi().model_info(name, revision=revision, timeout=_PATIENCE).sha or ""
    _note_commit(name, revision or "main", found)
    return found


def hub_folder(name: str, revision: str | None = None, *, weights: Sequence[str] = SAFETENSORS) -> Path:
    """Return the folder of the cache that holds a hub model, after fetching what is lacking.

    Args:
        name: owner/name.
        revision: branch, tag or commit; None for the newest commit when the model was first used.
        weights: patterns of the weights that are wanted, the best first; one is enough. Empty for the rest alone.

    Raises:
        ModelError: if it cannot be fetched; the message says why and what helps.
    """
    commit = commit_of(name, revision)
    folder = _repository(name) / "snapshots" / commit
    wanted = [[pattern] for pattern in weights] or [[]]
    if any(is_complete(folder, patterns) for patterns in wanted):
        return folder
    for patterns in wanted:
        with asking_hub(name):
            from huggingface_hub import snapshot_download

            # revisions are commits here, so that what is loaded is what the fingerprint names
            snapshot_download(
                name, revision=commit, allow_patterns=[*_SMALL, *patterns], ignore_patterns=list(_FOREIGN)
            )
        if is_complete(folder, patterns):
            break
    return folder


def is_complete(folder: Path, weights: Sequence[str] = SAFETENSORS) -> bool:
    """Tell whether a folder holds a model's configuration and tokenizer and, if asked for, all of its weights."""
    if not (folder / "config.json").is_file() or not any((folder / name).is_file() for name in TOKENIZERS):
        return False
    return not weights or has_all_weights(folder, weights)


def has_all_weights(folder: Path, weights: Sequence[str] = SAFETENSORS) -> bool:
    """Tell whether a folder holds weights of one of some kinds: one file, or all those that an index names."""
    for pattern in weights:
        index = next(folder.glob(f"{pattern}.index.json"), None)
        if index is None and any(folder.glob(pattern)):
            return True
        if index and all((folder / name).is_file() for name in _indexed(index)):
            return True
    return False


def _indexed(index: Path) -> Iterable[str]:
    """Return the names of the files that hold a model's weights; one that cannot exist if it cannot be read."""
    try:
        return set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (ValueError, TypeError, KeyError, AttributeError):
        return ["weights that a damaged index does not name"]


@contextmanager
def asking_hub(name: str) -> Iterator[None]:
    """Prepare for asking the hub for a model, and turn what goes wrong into one line that says what helps.

    Raises:
        ModelError: without any token or address of the client's own errors.
        SettingsError: if HF_ENDPOINT is no address.
    """
    quiet_client()
    import httpx2

    try:
        require_hub()
        yield
    except (OSError, ValueError, RuntimeError, httpx2.HTTPError) as error:
        from huggingface_hub.constants import HF_HUB_CACHE

        raise ModelError(
            f"The model {name!r} is neither in the cache ({HF_HUB_CACHE}) nor can it be fetched from {hub_host()}: "
            f"{_reason(name, error)}"
        ) from error


def _reason(name: str, error: BaseException) -> str:
    """Say what is wrong and what to do."""
    from huggingface_hub import errors, get_token

    for found in causes(error):
        if isinstance(found, errors.GatedRepoError):
            licence = f"it is gated; accept its licence at https://huggingface.co/{name}"
            return f"{licence} and wait until access is granted." if get_token() else f"{licence}, {_TOKEN}."
        if isinstance(found, errors.RevisionNotFoundError):
            return "it has no such revision. Look at the option revision."
        if isinstance(found, errors.RepositoryNotFoundError):
            return f"there is no such model, or it is private. Look at the name; if it is private, {_TOKEN}."
        if isinstance(found, errors.HFValidationError):
            return "that is no name of a model (owner/name)."
    return explain(error, _REFUSALS, offline=_OFFLINE, again=_AGAIN)


def _repository(name: str) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"


def _cached_commit(name: str, revision: str) -> str | None:
    file = _repository(name) / "refs" / revision
    return file.read_text("utf-8").strip() if file.is_file() else None


def _note_commit(name: str, revision: str, commit: str) -> None:
    """Write into the cache what a revision means, as the hub's client does, so that it goes on meaning it."""
    file = _repository(name) / "refs" / revision
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_text(commit, "utf-8")
    os.replace(part, file)  # in one step, so that nobody reads half of it
