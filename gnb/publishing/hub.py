"""Sends a publication to the Hugging Face hub, or to whatever HF_ENDPOINT names: only where the user said so."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gnb.core.errors import GnbError, MissingDependencyError, SettingsError
from gnb.core.hub import explain, quiet_client, require_hub, without_secrets
from gnb.core.registry import is_installed
from gnb.publishing.files import CHECKSUMS, RECORD, read_checksums, read_record

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PREFIX = "hub:"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_LOG_IN = "set HF_TOKEN in the environment, or run: hf auth login"
_REFUSALS = {
    401: f"the token is refused (401). Log in anew: {_LOG_IN}.",
    403: "the token does not allow it (403). Use one that may write to this repository.",
    404: "there is no such repository or owner, or the token may not see it (404). Look at the name.",
    409: "somebody else changed the repository at the same time (409). Run the same command again.",
    413: "it is too large for the hub (413).",
    429: "the hub asks to slow down (429). Try again later.",
}
_OTHERWISE = {
    False: "{} is there already and public; add --public if everybody may see the data.",
    True: "{} is there already and private; make it public in its settings on the hub, or leave --public out.",
}
"""What is wrong with a repository that everybody may see against the user's word, or nobody."""


def repository_name(target: str) -> str:
    """Return the OWNER/NAME of hub:OWNER/NAME.

    Raises:
        SettingsError: if it is written otherwise.
    """
    name = target.removeprefix(PREFIX)
    if not _NAME.fullmatch(name):
        raise SettingsError(f"--to {target}: write hub:OWNER/NAME, such as --to hub:my-name/my-dataset.")
    return name


def check_hub(repository: str) -> None:
    """Look whether anything can be sent at all: there is a hub, and a token for it.

    Args:
        repository: OWNER/NAME, for messages.

    Raises:
        MissingDependencyError: if huggingface_hub is not installed.
        GnbError: if it cannot, in one line that names the reason.
    """
    if not is_installed("huggingface_hub"):
        raise MissingDependencyError("The hub needs huggingface_hub. Install: pip install 'gnb[hub]'")
    quiet_client(bars=False)  # beside those of gnb
    with _explained(repository):
        require_hub()
        from huggingface_hub import get_token

        if not get_token():
            raise GnbError(f"Not logged in to the hub: {_LOG_IN}.")


def upload(folder: Path, repository: str, *, public: bool) -> str:
    """Send all files of a publication in one commit, and return the commit's address.

    A new repository is private unless `public`. One that is there and public gets nothing unless `public`, nor does
    one that is private if `public`. Files that the checksums of an earlier publication name go; the repository's
    history keeps them.

    Args:
        folder: the publication.
        repository: OWNER/NAME.
        public: whether everybody may see it.

    Raises:
        MissingDependencyError: if huggingface_hub is not installed.
        GnbError: if it cannot be sent, in one line that names the reason.
    """
    check_hub(repository)  # its client would try for a minute, and hours may have passed since the last look
    with _explained(repository):
        return _send(folder, repository, public=public)


@contextmanager
def _explained(repository: str) -> Iterator[None]:
    import httpx2

    try:
        yield
    except (httpx2.HTTPError, OSError, ValueError, RuntimeError) as error:  # the last one of its Xet client
        raise GnbError(f"{repository} was not published: {_reason(error)}") from error


def _send(folder: Path, repository: str, *, public: bool) -> str:
    from huggingface_hub import HfApi

    api = HfApi(library_name="gnb")
    api.create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
    private = bool(api.repo_info(repository, repo_type="dataset").private)
    if private is public:
        raise SettingsError(_OTHERWISE[private].format(repository))
    commit = api.upload_folder(
        repo_id=repository,
        folder_path=folder,
        repo_type="dataset",
        commit_message="Publish the dataset with gnb",
        delete_patterns=[escape(name) for name in _published_before(api, repository)],
    )
    return without_secrets(str(commit.commit_url))


def _published_before(api: "HfApi", repository: str) -> list[str]:
    """Return the files that a publication in the repository names as its own; none if gnb wrote none there."""
    with TemporaryDirectory() as name:
        api.snapshot_download(repository, repo_type="dataset", allow_patterns=[CHECKSUMS, RECORD], local_dir=name)
        return list(read_checksums(Path(name))) if read_record(Path(name)) else []


def _reason(error: BaseException) -> str:
    """Say what is wrong and what to do."""
    from huggingface_hub.errors import HFValidationError

    if isinstance(error, HFValidationError):
        return "that is no name of a repository (OWNER/NAME)."
    return explain(error, _REFUSALS)
