"""The `hub` source: datasets of the Hugging Face hub, or a local folder that is laid out as one."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from gnb.core.components import Source
from gnb.core.errors import InputError, UnknownNameError, causes
from gnb.core.hub import hub_host, quiet_client, require_hub, status_of, without_secrets
from gnb.core.options import Options
from gnb.core.records import Example, Report
from gnb.sources.columns import ColumnOptions
from gnb.sources.labels import UnusableError, parse_split
from gnb.sources.tabular import Reading, Row

_FORMATS = ("parquet", "json", "csv", "text", "arrow")
_CACHE = "cache"
"""The readers of the datasets library that are used: those of files, and that of what they left in the cache, in Arrow.
None of them runs code or reads pickles."""
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class HubOptions(ColumnOptions):
    """Options of the `hub` source."""

    name: str
    """OWNER/NAME of a dataset of the hub, or a local folder that holds its files."""
    config: str | None = None
    """Which of the dataset's configurations, where it has several."""
    split: str | None = None
    """Which of its splits.  [all]"""
    revision: str | None = None
    """Branch, tag or commit.  [main]"""
    streaming: bool = True
    """Read it as it comes; otherwise download it into the cache of the datasets library first."""


class HubSource(Source):
    """A dataset of the Hugging Face hub (or of the server that HF_ENDPOINT names).

    Only tables are read: Parquet, JSON, CSV, text and Arrow files. No code of a dataset is ever run and no pickle read.
    A dataset that is not public needs a token in the environment variable HF_TOKEN.
    """

    options_model: ClassVar[type[Options]] = HubOptions
    argument: ClassVar[str | None] = "name"
    options: HubOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the examples split by split; a split called train, validation (dev, ...) or test is theirs.

        Ids of an id column, which need not differ between splits, are preceded by the split.

        Raises:
            InputError: if the hub does not answer, there is no such dataset, or it holds no tables or no text.
            UnknownNameError: if it has no such split.
        """
        self.notes.clear()
        name = self.options.name
        reading = Reading(self.options, report, self.notes)
        for split, rows in self._tables().items():
            numbered = (Row(number, cells) for number, cells in enumerate(self._iterate(rows), start=1))
            place = f"{name}/{split}"
            yield from reading.examples(place, place, numbered, split=_known_split(split), prefix=f"{split}/")
        reading.finish(name)

    def _tables(self) -> Mapping[str, Iterable[Any]]:
        """Return the chosen splits by name."""
        options = self.options
        quiet_client()
        folder = os.path.expanduser(options.name)
        is_folder = os.path.isdir(folder)
        if not is_folder:
            _check_hub(options.name)
        try:
            splits = self._load(folder if is_folder else options.name, is_folder)
        except InputError:
            raise
        except Exception as error:  # the libraries below raise what they please
            raise InputError(_explain(options.name, error)) from None
        if options.split and options.split not in splits:
            raise UnknownNameError(f"split of {options.name}", options.split, splits)
        return {options.split: splits[options.split]} if options.split else splits

    def _load(self, path: str, is_folder: bool) -> Mapping[str, Iterable[Any]]:
        from datasets import load_dataset_builder

        _be_quiet()
        builder = load_dataset_builder(
            path, name=self.options.config, revision=None if is_folder else self.options.revision
        )
        kind = type(builder).__module__.rpartition(".")[2]
        if kind not in (*_FORMATS, _CACHE):
            read = ", ".join(_FORMATS)
            raise InputError(f"{self.options.name}: its files are read by {kind!r}; gnb reads {read} files only.")
        if self.options.streaming:
            return dict(builder.as_streaming_dataset())
        builder.download_and_prepare()
        return dict(builder.as_dataset())

    def _iterate(self, rows: Iterable[Any]) -> Iterator[Any]:
        iterator = iter(rows)
        while True:
            try:
                cells = next(iterator)
            except StopIteration:
                return
            except Exception as error:  # as above
                raise InputError(_explain(self.options.name, error)) from None
            yield cells


def _be_quiet() -> None:
    """Keep the datasets library from counting downloads, and from progress bars."""
    import datasets

    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    datasets.config.USE_PARQUET_EXPORT = False
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()


def _check_hub(name: str) -> None:
    """Refuse what is no name of a dataset, and a hub that does not answer, before anybody tries again for minutes."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    if not _HUB_ID.fullmatch(name):
        raise InputError(f"{name}: is neither a folder nor the name of a dataset of the hub, OWNER/NAME.")
    try:
        require_hub()
    except OfflineModeIsEnabled:
        return  # what the cache holds is read
    except ConnectionError as error:
        raise InputError(
            f"{name}: the hub at {hub_host()} does not answer ({error}). Connect, or read what the "
            "cache holds with HF_HUB_OFFLINE=1, or a local copy with hub:FOLDER."
        ) from None


def _known_split(name: str) -> str | None:
    try:
        return parse_split(name)
    except UnusableError:
        return None


def _explain(name: str, error: BaseException) -> str:
    """Say in one line what a library below found."""
    known = {
        401: "it does not exist, or is not public; for that, set HF_TOKEN to a token that may read it",
        403: "access is refused; accept its terms on its page and set HF_TOKEN to a token that may read it",
        404: "there is no such dataset, revision or file",
    }
    if type(error).__name__ == "DatasetNotFoundError" and "evision" not in str(error):
        return f"{name}: {known[403 if 'gated' in str(error) else 401]}."
    for status in map(status_of, causes(error)):
        if status in known:
            return f"{name}: {known[status]} (the hub answered {status})."
    said = without_secrets(" ".join(str(error).split()))[:300]
    return f"{name}: cannot be read from the hub: {said or type(error).__name__}"
