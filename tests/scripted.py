"""Components that do as they are told: they answer, raise or stall, and write down what they were asked.

They are brought into a process as a stranger's are, through an entry point: see `Workplace`.
"""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from gnb.core.components import Column, Counts, Metric, Record, Rewriter, Scores, Source
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report, Rewrite, Segment
from gnb.plugins import hookimpl


class ScriptedOptions(Options):
    """What a scripted component does."""

    suffix: str = "!"
    """Text that the rewriter appends."""
    raise_after: int | None = None
    """Raise after so many answers."""
    stall_after: int | None = None
    """Do nothing any more after so many answers."""
    exit_after: int | None = None
    """Call `sys.exit` after so many answers."""
    extra: str = ""
    """Text appended that the fingerprint says nothing about, as if the rewriter answered at random."""
    surplus: int = 0
    """Answers more than texts; below 0, fewer."""
    delay: float = 0.0
    """Seconds that each answer takes."""
    log: str = ""
    """File to which each text is appended as it is answered."""
    fallback: bool = False
    """Mark every answer as a fallback."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Details of every answer."""
    keys: tuple[str, ...] = ()
    """Keys of texts trained on."""
    bare: bool = False
    """Answer with a string, which is no Rewrite."""
    nameless: bool = False
    """Raise when asked for the fingerprint."""


class ScriptedRewriter(Rewriter):
    """Answers each text with itself and a suffix, as its options say."""

    options_model = ScriptedOptions
    options: ScriptedOptions
    closed = 0

    def fingerprint(self) -> Record:
        if self.options.nameless:
            raise RuntimeError("no fingerprint today")
        return {"suffix": self.options.suffix}

    def training_keys(self) -> frozenset[str]:
        return frozenset(self.options.keys)

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        answers = [*texts]
        if self.options.surplus:
            answers = [*answers, *["more"] * self.options.surplus][: len(answers) + self.options.surplus]
        for done, text in enumerate(answers):
            self._obey(done)
            if self.options.log:
                with Path(self.options.log).open("a", encoding="utf-8") as log:
                    log.write(text + "\n")
            answer = text + self.options.suffix + self.options.extra
            rewrite = Rewrite(answer, f"raw {text}", self.options.fallback, self.options.details)
            yield answer if self.options.bare else rewrite  # type: ignore[misc]

    def close(self) -> None:
        self.closed += 1

    def _obey(self, done: int) -> None:
        if done == self.options.raise_after:
            raise RuntimeError("told to raise")
        if done == self.options.exit_after:
            sys.exit(5)
        if done == self.options.stall_after:
            time.sleep(3600)
        time.sleep(self.options.delay)


class ScriptedMetric(Metric):
    """Counts the letters of outputs, as its options say."""

    options_model = ScriptedOptions
    options: ScriptedOptions
    columns = (Column("letters", "letters", digits=1), Column("none", "none"))

    def fingerprint(self) -> Record:
        if self.options.nameless:
            raise RuntimeError("no fingerprint today")
        return {"metric": "letters"}

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        if self.options.raise_after is not None:
            raise RuntimeError("told to raise")
        if self.options.log:
            with Path(self.options.log).open("a", encoding="utf-8") as log:
                log.writelines(f"{segment.hypothesis}\n" for segment in segments)
        return [{"letters": len(segment.hypothesis)} for segment in segments][: len(segments) + self.options.surplus]

    def score(self, counts: Sequence[Counts]) -> Scores:
        return {"letters": sum(each["letters"] for each in counts) / len(counts), "none": float("nan")}


class ScriptedSourceOptions(Options):
    """What the scripted source brings."""

    count: int = 20
    """Examples, 1 or more."""
    bad: int = 0
    """Pieces that cannot be used."""


class ScriptedSource(Source):
    """Brings numbered Persian texts of different lengths, every third unbiased, all in the test split."""

    options_model = ScriptedSourceOptions
    argument = "count"
    options: ScriptedSourceOptions

    def read(self, report: Report) -> Iterator[Example]:
        for number in range(self.options.bad):
            report(Problem(f"script:{number + 1}", "no text, expected one"))
        yield from examples(self.options.count)


def examples(count: int) -> list[Example]:
    """Return numbered examples of different lengths."""
    return [
        Example(
            id=str(number),
            text=text,
            references=(text if number % 3 == 0 else f"{text} همه",),
            biased=number % 3 != 0,
            category="none" if number % 3 == 0 else "family",
            split="test",
        )
        for number in range(count)
        for text in [" ".join(["متن", *["دراز"] * (number % 5), str(number)])]
    ]


class Plugin:
    """Announces the scripted components."""

    @hookimpl
    def register_sources(self, register) -> None:
        register("numbers", "scripted:ScriptedSource", "Numbered texts.")

    @hookimpl
    def register_rewriters(self, register) -> None:
        register("scripted", "scripted:ScriptedRewriter", "Does as it is told.")

    @hookimpl
    def register_metrics(self, register) -> None:
        register("letters", "scripted:ScriptedMetric", "Letters an output.")


plugin = Plugin()


@dataclass
class Workplace:
    """A folder in which real `gnb` processes run, with the scripted components installed."""

    folder: Path

    def __post_init__(self) -> None:
        info = self.folder / "site" / "scripted-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scripted\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[gnb]\nscripted = scripted:plugin\n")

    def start(
        self, *arguments: str, stdin: int = subprocess.DEVNULL, terminal: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start `gnb`, on a terminal if one is given, and return the process."""
        path = os.pathsep.join([str(self.folder / "site"), str(Path(__file__).parent)])
        environment = {**os.environ, "PYTHONPATH": path, "TERM": "xterm-256color"}
        for name in ("GNB_STORE", "NO_COLOR", "COLUMNS"):
            environment.pop(name, None)
        streams = [subprocess.PIPE if terminal is None else terminal] * 2
        stdin = stdin if terminal is None else terminal
        command = [sys.executable, "-m", "gnb", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=stdin, stdout=streams[0], stderr=streams[1]
        )

    def run(self, *arguments: str, code: int = 0, stdin: bytes = b"") -> tuple[str, str]:
        """Run `gnb`, expect an exit code, and return what it wrote to standard output and standard error."""
        process = self.start(*arguments, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin)
        assert process.returncode == code, err.decode()
        return out.decode(), err.decode()

    def on_terminal(self, width: int, *arguments: str) -> str:
        """Run `gnb` on a terminal of that width and return what it shows."""
        leader, follower = pty.openpty()
        subprocess.run(["stty", "cols", str(width), "rows", "50"], stdin=follower, check=True)
        process = self.start(*arguments, terminal=follower)
        os.close(follower)
        shown = b""
        try:
            while part := os.read(leader, 4096):
                shown += part
        except OSError:  # Linux says so at the end of a terminal
            pass
        process.wait()
        os.close(leader)
        return shown.decode().replace("\r", "")
