"""The `twitter` source: what `gnb collect twitter` wrote, as unlabelled examples."""

from collections.abc import Iterator
from typing import ClassVar

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.lines import is_blank
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report
from gnb.sources.files import UserPath
from gnb.sources.twitter.records import read_records


class TwitterOptions(Options):
    """Options of the `twitter` source."""

    path: UserPath
    """The JSON Lines file that `gnb collect twitter` wrote."""


class TwitterSource(Source):
    """Collected tweets: unlabelled, with the tweet's number as id and all else that was kept as metadata.

    The text is what the author wrote. A tweet without any, such as a picture alone, is reported.
    """

    options_model: ClassVar[type[Options]] = TwitterOptions
    argument: ClassVar[str | None] = "path"
    options: TwitterOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the tweets in the order in which they were collected; lines that hold none are reported.

        Raises:
            InputError: if the file cannot be read, holds no line or is not UTF-8.
        """
        path = self.options.path
        number = 0
        seen: set[str] = set()
        for number, record in read_records(path):
            where = f"{path}:{number}"
            if isinstance(record, Problem):
                report(record)
            elif record["id"] in seen:
                report(Problem(where, f"the tweet {record['id']} a second time; expected each once"))
            elif is_blank(record["text"]):
                report(Problem(where, "a tweet without text, such as a picture alone; expected something to read"))
            else:
                seen.add(record["id"])
                rest = {key: value for key, value in record.items() if key not in ("id", "text")}
                yield Example(record["id"], record["text"], origin=f"{path.name}:{number}", metadata=rest)
        if number == 0:
            raise InputError(f"{path}: holds no tweet; collect some with: gnb collect twitter --query ... --to {path}")
