"""The Hugging Face hub: what of it is in the cache, whether there is a token, and, if asked to, whether it answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gnb.core.errors import GnbError
from gnb.core.hub import hub_host, quiet_client
from gnb.core.registry import is_installed
from gnb.doctor.checks import Case, Check
from gnb.models.hub import asking_hub, is_complete

_SECONDS = 10
"""How long the hub may keep silent."""


def cached_folder(model: str, revision: str | None) -> Path | None:
    """Return the folder in which the hub's cache holds a model's configuration; None if it does not."""
    if not is_installed("huggingface_hub"):
        return None
    quiet_client()
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json", revision=revision)
    return Path(found).parent if isinstance(found, str) else None


def is_cached(model: str, revision: str | None) -> bool:
    """Tell whether the cache holds a model with its tokenizer and all of its weights."""
    folder = cached_folder(model, revision)
    return folder is not None and is_complete(folder)


def check_hub(case: Case) -> Iterator[Check]:
    """Is a token there? With `online`: does the hub answer, and may this user fetch what the run needs?"""
    models = case.hub_models()
    if not models:
        return
    quiet_client()
    from huggingface_hub import get_token
    from huggingface_hub.constants import HF_HUB_OFFLINE

    has_token = bool(get_token())
    if has_token or all(is_cached(model, revision) for model, revision in models.items()):
        yield Check("token", "ok", "there is a token for the hub" if has_token else "none, and none is needed")
    else:
        advice = "Make one (https://huggingface.co/settings/tokens), then: hf auth login, or set HF_TOKEN"
        yield Check("token", "warning", "there is no token for the hub, which gated models need", advice)
    if HF_HUB_OFFLINE:
        yield Check("hub", "warning", "HF_HUB_OFFLINE is set: nothing is fetched", "Unset it to fetch models.")
    elif case.online:
        for model, revision in models.items():
            check = ask_hub(case, model, revision)
            is_needed = check.level == "ok" or not is_cached(model, revision)
            yield (
                check if is_needed else replace(check, level="warning", advice=f"{model} is in the cache: none needed.")
            )


def ask_hub(case: Case, model: str, revision: str | None) -> Check:
    """Ask the hub whether this user may fetch a model, and note in the case how large it is."""
    from huggingface_hub.errors import EntryNotFoundError

    try:
        with asking_hub(model):  # its message says what to do
            from huggingface_hub import get_hf_file_metadata, hf_hub_url

            get_hf_file_metadata(hf_hub_url(model, "config.json", revision=revision), timeout=_SECONDS)
    except GnbError as error:
        if isinstance(error.__cause__, EntryNotFoundError):
            return Check("hub", "fails", f"{model} has no config.json", "Name a model in the layout of transformers.")
        return Check("hub", "fails", str(error))
    case.sizes[model] = _size(model, revision)
    return Check("hub", "ok", f"{model} may be fetched from {hub_host()}")


def _size(model: str, revision: str | None) -> int:
    """Return how many bytes of safetensors the hub holds of a model, 0 if it does not say."""
    from huggingface_hub import HfApi

    try:
        files = HfApi().model_info(model, revision=revision, files_metadata=True, timeout=_SECONDS).siblings or ()
    except Exception:  # access is what counts; the size is only good to know
        return 0
    weights = [file for file in files if file.rfilename.endswith(".safetensors") and "/" not in file.rfilename]
    return sum(file.size or 0 for file in weights)
