"""Which texts are biased, how surely, in which category, and by which words: a view on a rewriter with a detector."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from gnb.core.answering import answered
from gnb.core.calibration import DEFAULT_THRESHOLD
from gnb.core.components import Rewriter
from gnb.core.edits import changed_spans
from gnb.core.errors import GnbError, InputError, SettingsError
from gnb.core.records import Rewrite
from gnb.core.settings import Settings
from gnb.core.text import has_persian_letters
from gnb.plugins.manager import installed_plugins
from gnb.rewriters.local.rewriter import LocalRewriter

_WINDOW = 256
"""Texts read ahead, as many as local rewriters sort by length."""


@dataclass(frozen=True, slots=True)
class Words:
    """Some words of a text.

    Attributes:
        start: the place of their first character in the text, counted from 0.
        end: the place behind their last character.
        text: the words themselves.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a text.

    Attributes:
        text: the text.
        biased: whether the probability reaches the threshold.
        probability: that the text is biased, 0 to 1.
        category: the guideline's category of the bias; None for a text that is not biased.
        words: the words that a neutral version changes; none for a text that is not biased.
    """

    text: str
    biased: bool
    probability: float
    category: str | None = None
    words: tuple[Words, ...] = ()


def detect(
    texts: Iterable[str],
    *,
    rewriter: str = "lora",
    profile: str = "embedded",
    threshold: float | None = None,
    words: bool = True,
    **options: Any,
) -> Iterator[Finding]:
    """Yield what is found in each text, in order; up to 256 texts are read ahead.

    Args:
        texts: the texts, or one text.
        rewriter: the rewriter whose detector judges and whose answers name the words.
        profile: the built-in profile: base model, adapter and detector.
        threshold: the probability from which a text counts as biased, 0 to 1; None for the rewriter's own.
        words: whether to look for the words; without them next to nothing is rewritten, which is faster.
        options: options of the rewriter, such as detector="my-detector".

    Raises:
        GnbError: at once, if a name is no string; at the first text, if there is no such rewriter, profile, option or
            model, or no detector; at a text that is no string.
    """
    for option, name in (("rewriter", rewriter), ("profile", profile)):
        if not isinstance(name, str):
            raise SettingsError(f"{option} is {name!r}: give a name, as a string, or leave it out.")
    many = isinstance(texts, Iterable) and not isinstance(texts, str | bytes)
    batches = batched(_strings(texts if many else [texts]), _WINDOW)
    return findings(Settings(profile=profile), rewriter, batches, threshold=threshold, words=words, **options)


def findings(
    settings: Settings,
    name: str,
    batches: Iterable[Sequence[str]],
    *,
    threshold: float | None = None,
    words: bool = True,
    **options: Any,
) -> Iterator[Finding]:
    """Yield what is found in each text, batch by batch; the arguments are those of `detect`, with whole settings.

    Raises:
        GnbError: as `detect`.
    """
    if threshold is not None:
        options["threshold"] = threshold
    rewriter = _build(settings, name, options)
    limit = threshold_of(rewriter)
    if not words and "threshold" in type(rewriter.options).model_fields:
        # the detector judges every text, and the rewriter gets those alone that are biased for certain
        rewriter = _build(settings, name, {**options, "threshold": 1.0})
    with rewriter:
        for text, answer in answered(rewriter, name, batches):
            yield _finding(text, answer, name, limit, words=words)


def threshold_of(rewriter: Rewriter) -> float:
    """Return the probability from which a rewriter takes a text as biased."""
    threshold = getattr(rewriter.options, "threshold", None)
    return DEFAULT_THRESHOLD if threshold is None else float(threshold)


def _strings(texts: Iterable[object]) -> Iterator[str]:
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise InputError(f"Text {number} is no string, but of type {type(text).__name__}: give texts as str.")
        yield text


def _build(settings: Settings, name: str, options: Mapping[str, Any]) -> Rewriter:
    rewriter = settings.build_rewriter(name, installed_plugins().registry, **options)
    if isinstance(rewriter, LocalRewriter) and rewriter.detector_name() == "none":  # before a model is loaded in vain
        raise _no_detector(name)
    return rewriter


def _finding(text: str, answer: Rewrite, name: str, threshold: float, *, words: bool) -> Finding:
    if not has_persian_letters(text):  # nothing is said in Persian, and detectors are not asked
        return Finding(text, biased=False, probability=0.0)
    if "probability" not in answer.details:
        raise _no_detector(name)
    probability = answer.details["probability"]
    if probability < threshold:
        return Finding(text, biased=False, probability=probability)
    spans = changed_spans(text, answer.text) if words else []
    found = tuple(Words(start, end, text[start:end]) for start, end in spans)
    return Finding(text, True, probability, answer.details.get("category"), found)


def _no_detector(name: str) -> GnbError:
    return GnbError(
        f"The rewriter {name!r} gives no probability of bias. Use one that has a detector: -r lora with "
        "-o lora.detector=embedded, or a folder that `gnb train --task detect` wrote."
    )
