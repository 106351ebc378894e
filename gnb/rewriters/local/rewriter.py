"""The rewriter that base and lora share: a stream of texts in, windows sorted by length, batches, answers in order."""

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from itertools import batched
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from gnb.core.calibration import DEFAULT_THRESHOLD, Calibration
from gnb.core.components import Record, Rewriter
from gnb.core.records import Rewrite
from gnb.core.sentences import GROUP, LONGEST
from gnb.models.adapters import resolve_adapter
from gnb.models.detector import Detection, Detector
from gnb.models.loading import LoadedModel, load_tokenizer, model_identity
from gnb.models.memory import NO_ROOM, in_fitting_parts
from gnb.models.placing import context_length
from gnb.models.prompt import PUBLISHED, Prompt
from gnb.models.quick import Asked, is_quick
from gnb.models.vllm import check_vllm
from gnb.rewriters.local.asking import ChatAsking, PlainAsking, check_room
from gnb.rewriters.local.finishing import Finisher
from gnb.rewriters.local.lines import Line, in_batches, is_answered, join_lines, worded_lines
from gnb.rewriters.local.options import LocalOptions
from gnb.rewriters.local.postprocess import VERSION
from gnb.rewriters.local.rows import FIRST_DRAFT

if TYPE_CHECKING:
    from gnb.rewriters.local.decoders import Decoder
    from gnb.rewriters.local.rows import Decoded, Hints


class LocalRewriter(Rewriter):
    """Prompts a causal language model and decodes what it answers. Each line of a text is rewritten by itself."""

    options: LocalOptions
    _few = False
    """Whether few lines were asked for so far, so that the model may be one that starts sooner and takes no batches."""

    @abstractmethod
    def load(self, *, generates: bool = False, few: bool = False) -> LoadedModel:
        """Load the model that answers.

        Args:
            generates: whether the model must be able to `generate`; one that cannot may load faster.
            few: whether it is for a few texts only; one that answers them one by one may load faster still.
        """

    def template(self) -> str:
        """Return the template of plain prompts."""
        return self.options.prompt or PUBLISHED

    def is_chat(self) -> bool:
        """Tell whether the model is asked with its chat template."""
        if self.options.template == "auto":
            return bool(load_tokenizer(self.options.base_model, self.options.revision).chat_template)
        return self.options.template == "chat"

    def calibration(self) -> Calibration:
        """Return what makes a probability of bias of a margin."""
        return Calibration()

    def hints(self, line: Line) -> "Hints":
        """Return the edits that an answer may well make, as `GuidedDecoder.decode` takes them."""
        return {}

    def calibrated_folder(self) -> Path | None:
        """Return the folder whose note holds the calibration of the scores in `details`; None if there is none."""
        name = self.detector_name()
        return None if name == "none" else resolve_adapter(name, kind="detector")

    def detector_name(self) -> str:
        """Return the detector that decides which texts are changed, or "none"."""
        return "none"

    def others(self) -> int:
        """Return how many more answers to try where the first one is unsure."""
        return 0

    def fingerprint(self) -> Record:
        """Return the model's identity and every setting that could change an answer."""
        options = self.options
        return {
            **model_identity(options.base_model, options.revision),
            "dtype": options.dtype,
            "quantisation": options.quantisation,
            **self._asking.fingerprint(),
            "decoding": self._decoding,
            "copy_bonus": options.copy_bonus,
            "threshold": options.threshold,
            "edit_threshold": options.edit_threshold,
            "alternatives": self.others(),
            "calibration": asdict(self.calibration()) if self._is_margin_cut else None,
            "detector": self._detector.fingerprint() if self._detector else None,
            "output_layer": options.output_layer,
            "length": [options.length_factor, options.length_margin, context_length(options), LONGEST, GROUP],
            "postprocess": VERSION,
        }

    def training_keys(self) -> frozenset[str]:
        """Return the keys of the texts that are shown as examples whatever is asked."""
        return self._asking.shown_keys()

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        """Yield one answer a text. A window of texts is read ahead and sorted by length; answers keep their order."""
        if self.options.engine == "vllm":
            check_vllm(self.options)
        _ = self._asking  # a wrong prompt is told before a model is loaded
        for window in batched(texts, self.options.window):
            yield from self._rewrite_window(window)

    def close(self) -> None:
        """Free the model."""
        if "_loaded" in vars(self):
            self._loaded.close()
        self._forget("_loaded", "_generating", "_prompt", "_stop", "_decoder", "_detector", "_asked")

    def _rewrite_window(self, texts: Sequence[str]) -> Iterator[Rewrite]:
        lines = {line: None for text in texts for line in worded_lines(text)}
        self._choose_model(list(lines))
        detections = self._detect(list(lines))
        chosen = [line for line in lines if self._is_changed(detections.get(line))]
        noted = {line: asdict(found) for line, found in detections.items()}
        answers = {line: Rewrite(line, details=noted[line]) for line in lines.keys() - {*chosen}}
        waiting = iter(texts)
        text = next(waiting, None)
        for batch in in_batches([self._encode(line) for line in chosen], self._fits):
            for line, answer in self._answer_fitting(batch).items():
                answers[line] = replace(answer, details={**answer.details, **noted.get(line, {})})
            while text is not None and is_answered(text, answers):
                yield join_lines(text, answers)
                text = next(waiting, None)
        while text is not None:
            yield join_lines(text, answers)
            text = next(waiting, None)

    def _choose_model(self, lines: list[str]) -> None:
        self._few = self._asked.are_few(lines)
        if not self._few and "_loaded" in vars(self) and is_quick(self._loaded):
            self._forget("_loaded", "_prompt", "_stop", "_decoder")

    def _forget(self, *names: str) -> None:
        for name in names:
            vars(self).pop(name, None)

    def _detect(self, lines: list[str]) -> dict[str, Detection]:
        return dict(zip(lines, self._detector.detect(lines), strict=True)) if self._detector else {}

    def _is_changed(self, found: Detection | None) -> bool:
        """Tell whether a line goes to the model: without a detector every line does."""
        threshold = DEFAULT_THRESHOLD if self.options.threshold is None else self.options.threshold
        return found is None or found.probability >= threshold

    def _encode(self, line: str) -> Line:
        tokens = self._prompt.tokens_of(line.strip())
        before, after = self._prompt.around(line.strip())
        wanted = max(1, int(self.options.length_factor * len(tokens)) + self.options.length_margin)
        room = self._context - len(before) - len(tokens) - len(after)
        return Line(line, tokens, before, after, wanted if wanted <= room else 0)

    def _fits(self, batch: Sequence[Line]) -> bool:
        return self._cost(batch) <= self._batch_tokens

    def _cost(self, batch: Sequence[Line]) -> int:
        """Return the tokens of prompt and draft that a batch takes; its first line is the longest."""
        first = batch[0]
        own = len(first.before) if self._prompt.is_long else 0
        drafted = first.tokens[:FIRST_DRAFT] if self._has_short_drafts else first.tokens
        return len(batch) * (own + len(first.tokens) + len(first.after) + len(drafted))

    def _answer_fitting(self, batch: list[Line]) -> dict[str, Rewrite]:
        """Answer a batch, in parts where memory does not suffice."""
        answers: dict[str, Rewrite] = {}
        for part, found in in_fitting_parts(self._answer_batch, batch, len(batch), self._note_overflow):
            alone = {line.text: Rewrite(line.text, None, True, {"reason": NO_ROOM}) for line in part}
            answers |= alone if found is None else found
        return answers

    def _note_overflow(self, batch: Sequence[Line]) -> None:
        self._batch_tokens = min(self._batch_tokens, self._cost(batch) // 2)

    def _answer_batch(self, batch: Sequence[Line]) -> dict[str, Rewrite]:
        answers: dict[str, Rewrite] = {}
        for decode, lines in self._by_decoding(batch).items():
            if lines:
                answers |= self._finisher.finish(lines, decode(lines))
        too_long = {"reason": "longer than the context"}
        return answers | {line.text: Rewrite(line.text, None, True, too_long) for line in batch if not line.limit}

    def _by_decoding(self, batch: Sequence[Line]) -> "dict[Callable[[list[Line]], list[Decoded]], list[Line]]":
        """Share out the lines that fit. Guided decoding knows no sliding window, so lines that exceed it go plain."""
        fitting = [line for line in batch if line.limit]
        if self._decoding != "guided" or not self._prompt.is_shared:
            return {self._decode_plain: fitting}
        window = getattr(self._loaded.model.config, "sliding_window", None) or self._context
        near = [line for line in fitting if len(line.prompt) + line.limit <= window]
        return {self._decode_guided: near, self._decode_plain: [line for line in fitting if line not in near]}

    def _decode_guided(self, lines: list[Line]) -> "list[Decoded]":
        from gnb.rewriters.local.decoders import decode_changed

        sources, limits, hints = zip(*((line.tokens, line.limit, self.hints(line)) for line in lines), strict=True)
        if self._has_short_drafts:
            return decode_changed(self._decoder, sources, limits, self.others())
        return self._decoder.decode(sources, limits, self._least, hints)

    def _decode_plain(self, lines: list[Line]) -> "list[Decoded]":
        from gnb.rewriters.local.plain import decode_plain
        from gnb.rewriters.local.rows import Decoded

        if self._is_margin_cut:  # there is no margin that could reach the threshold
            return [Decoded(line.tokens) for line in lines]
        prompts, limits = [line.prompt for line in lines], [line.limit for line in lines]
        return decode_plain(self._generating, prompts, limits, self._stop)

    @cached_property
    def _asked(self) -> Asked:
        return Asked()

    @cached_property
    def _context(self) -> int:
        return context_length(self.options, getattr(self._loaded.model.config, "max_position_embeddings", None))

    @cached_property
    def _batch_tokens(self) -> int:
        """How much a batch holds: as much as the options allow, until it turns out not to fit. vLLM batches itself."""
        return self.options.batch_tokens if self.options.engine == "transformers" else sys.maxsize

    @property
    def _least(self) -> float | None:
        """The margin from which a line is changed: any where the detector has decided already; None for greedy."""
        if self._detector:
            return -inf
        if self.options.threshold is None:
            return None
        return self.calibration().score(self.options.threshold)

    @property
    def _has_short_drafts(self) -> bool:
        """Whether first drafts are short: lines are known to change, and answers do not depend on what is drafted."""
        return self._detector is not None and self._decoding == "guided" and not self.options.copy_bonus

    @property
    def _decoding(self) -> str:
        if self.options.engine == "vllm":
            return "vllm"
        # flash attention takes no mask such as guided decoding's
        return "plain" if self.options.attention == "flash_attention_2" else self.options.decoding

    @property
    def _is_margin_cut(self) -> bool:
        """Whether the threshold is one of the margin, so that an answer depends on its calibration."""
        return self.options.threshold is not None and self.detector_name() == "none"

    @cached_property
    def _detector(self) -> Detector | None:
        return None if self.detector_name() == "none" else Detector(self.options, self.detector_name())

    @cached_property
    def _loaded(self) -> LoadedModel:
        return self.load(generates=self._decoding != "guided", few=self._few)

    @cached_property
    def _generating(self) -> LoadedModel:
        return self._loaded if hasattr(self._loaded.model, "generate") else self.load(generates=True)

    @cached_property
    def _asking(self) -> PlainAsking | ChatAsking:
        return ChatAsking(self.options) if self.is_chat() else PlainAsking(self.template())

    @cached_property
    def _prompt(self) -> Prompt:
        prompt = self._asking.prompt(self._loaded.tokenizer)
        check_room(prompt, self._context)
        return prompt

    @property
    def _finisher(self) -> Finisher:
        return Finisher(self._asking, self._loaded.tokenizer, self.options.edit_threshold)

    @cached_property
    def _stop(self) -> frozenset[int]:
        """The end tokens, and every token that holds a line break: an answer is one line, as its text is."""
        from gnb.models.vocabulary import line_break_ids

        tokenizer = self._loaded.tokenizer
        settings = getattr(self._loaded.model, "generation_config", None)
        ends = getattr(settings, "eos_token_id", None) or ()  # of Llama 3 Instruct several
        ends = [ends] if isinstance(ends, int) else ends
        return frozenset({tokenizer.eos_token_id, self._prompt.end, *ends, *line_break_ids(tokenizer)})

    @cached_property
    def _decoder(self) -> "Decoder":
        from gnb.rewriters.local.decoders import build_decoder

        return build_decoder(self._loaded, self._prompt, self._stop, self.options)
