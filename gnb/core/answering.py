"""Asks one rewriter: for what the store lacks of its outputs, each kept at once, or for texts as they arrive."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from gnb.core.components import Metric, Record, Rewriter
from gnb.core.errors import GnbError, StoreError, shown
from gnb.core.lines import is_blank
from gnb.core.metering import Meter
from gnb.core.progress import Follow
from gnb.core.records import Rewrite
from gnb.core.store import Store

_TOO_FEW = "It gave {} answers to {} texts."
_TOO_MANY = "It gave more than one answer a text to {} texts."
FAULTS = (Exception, SystemExit)
"""What a component may raise without ending the comparison; Ctrl-C is not among them."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one rewriter made of the texts.

    Attributes:
        fingerprint: the hash of its record; empty if it failed before it had one.
        record: what identifies it.
        rewrites: its answers by text.
        trained_on: keys of texts in its training data, as `Rewriter.training_keys` gives them.
        error: why answers are missing; empty if none is.
    """

    fingerprint: str = ""
    record: Record = field(default_factory=dict)
    rewrites: Mapping[str, Rewrite] = field(default_factory=dict)
    trained_on: frozenset[str] = frozenset()
    error: str = ""


def answer(rewriter: Rewriter, texts: Sequence[str], store: Store, follow: Follow) -> Answers:
    """Return a rewriter's answers to unique texts, from the store where it has them. What it raises becomes `error`.

    Raises:
        StoreError: if the store cannot be used.
    """
    fingerprint = ""
    record: Record = {}
    try:
        record = identify(rewriter)
        fingerprint = store.add_record("rewriter", record)
        trained_on = rewriter.training_keys()  # what is wrong with them is told before an hour is spent on answers
        _complete(rewriter, fingerprint, texts, store, follow)
        # Read back: another process that answered first has the last word.
        return Answers(fingerprint, record, store.outputs(fingerprint, texts), trained_on)
    except StoreError:
        raise
    except FAULTS as error:
        return Answers(fingerprint, record, error=reason(error))


def identify(component: Rewriter | Metric) -> Record:
    """Return a component's record with its class, so that two classes with equal records never share a result.

    Raises:
        GnbError: if the record has a key "class" of its own, as one of the two would be lost.
    """
    kind, record = type(component), component.fingerprint()
    if "class" in record:
        raise GnbError("Its fingerprint has a key 'class', which gnb sets itself. Call the key something else.")
    return {"class": f"{kind.__module__}:{kind.__qualname__}", **record}


@contextmanager
def closed_after(component: Rewriter | Metric) -> Iterator[None]:
    """Close a component at the end of a block. If that fails, it is logged: the results are there."""
    try:
        yield
    finally:
        try:
            component.close()
        except FAULTS as error:
            kind = type(component)
            _log.info("%s:%s failed to close: %s", kind.__module__, kind.__qualname__, reason(error))


def reason(error: BaseException) -> str:
    """Say in words what a component raised."""
    return str(error) if isinstance(error, GnbError) else f"{type(error).__name__}: {error}".removesuffix(": ")


class AnswerError(GnbError):
    """A rewriter answered with something else than a Rewrite. Whoever knows what the user calls it names it."""


class MiscountError(AnswerError):
    """A rewriter gave another number of answers than there were texts."""


def _complete(rewriter: Rewriter, fingerprint: str, texts: Sequence[str], store: Store, follow: Follow) -> None:
    stored = store.outputs(fingerprint, texts)
    missing = [text for text in texts if text not in stored]
    follow(len(stored), len(texts))
    if not missing:
        return
    with Meter() as meter, closed_after(rewriter):
        try:
            for done, (text, rewrite) in enumerate(_as_completed(rewriter, missing, meter), start=len(stored) + 1):
                store.add_output(fingerprint, text, meter.note(text, rewrite))
                follow(done, len(texts))
                if meter.waiting <= 0:
                    store.share_out(fingerprint, meter.shares())
        except MiscountError:
            # No telling which answer belongs to which text.
            store.remove_outputs(fingerprint, missing)
            raise
        finally:
            store.share_out(fingerprint, meter.shares())


def _as_completed(rewriter: Rewriter, texts: Sequence[str], meter: Meter) -> Iterator[tuple[str, Rewrite]]:
    """Yield each text with its answer, in the order in which the answers arrive.

    Raises:
        MiscountError, AnswerError: as `pairs`.
    """
    waiting = set(range(len(texts)))
    for place, rewrite in rewriter.rewrite_as_completed(meter.taken(texts)):
        if place not in waiting:
            raise MiscountError(_TOO_MANY.format(len(texts)))
        waiting.remove(place)
        yield texts[place], _checked(rewrite)
    if waiting:
        raise MiscountError(_TOO_FEW.format(len(texts) - len(waiting), len(texts)))


def answered(rewriter: Rewriter, name: str, batches: Iterable[Sequence[str]]) -> Iterator[tuple[str, Rewrite]]:
    """Yield each text with its answer, batch by batch, so that nobody who types waits; blank texts reach no rewriter.

    Args:
        rewriter: the rewriter.
        name: what the user calls it.
        batches: the texts.

    Raises:
        GnbError: with the name, where `pairs` raises one of its own.
    """
    try:
        for texts in batches:
            asked = [text for text in texts if not is_blank(text)]
            answers = pairs(rewriter, asked)
            for text in texts:
                yield (text, Rewrite("")) if is_blank(text) else next(answers)
            if asked:
                next(answers, None)  # a surplus of answers shows only at their end
    except AnswerError as error:
        raise GnbError(f"{name} failed: {error}") from None


def pairs(rewriter: Rewriter, texts: Sequence[str]) -> Iterator[tuple[str, Rewrite]]:
    """Yield each text with its answer.

    Raises:
        MiscountError: at the end, if the rewriter gave another number of answers than there are texts.
        AnswerError: if it answered with something else than a Rewrite.
    """
    rewrites = iter(rewriter.rewrite(iter(texts)))
    for done, text in enumerate(texts):
        rewrite = next(rewrites, None)
        if rewrite is None:
            raise MiscountError(_TOO_FEW.format(done, len(texts)))
        yield text, _checked(rewrite)
    if next(rewrites, None) is not None:
        raise MiscountError(_TOO_MANY.format(len(texts)))


def _checked(rewrite: object) -> Rewrite:
    if not (isinstance(rewrite, Rewrite) and isinstance(rewrite.text, str)):
        raise AnswerError(f"It answered with {shown(rewrite)}, not with a Rewrite that holds a text.")
    return rewrite
