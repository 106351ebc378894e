"""BERTScore (Zhang et al. 2020): how alike output and reference are in a model's contextual embeddings.

Embedding and matching are bert-score's own functions, and give its numbers. Around them: every text is embedded once
however often it occurs, the model is loaded once, and texts that bert-score 0.3.13 fails on are guarded.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from gnb.core.components import Column, Counts, Metric, Record, Scores
from gnb.core.errors import SettingsError
from gnb.core.options import Options
from gnb.core.records import Segment
from gnb.core.text import comparison_key
from gnb.metrics.counting import ratio, sum_counts
from gnb.models.embedded import NAME as EMBEDDED
from gnb.models.loading import model_identity

if TYPE_CHECKING:
    from gnb.metrics.embeddings import Embedder

EMBEDDED_LAYER = 12
"""Of 18. On 60 items, layers 12 and 13 most often (72 %) found a minimal neutral form nearer to a free one than the
biased text is, and spread the scores widest; 4 to 14 lie within chance of that (`benchmarks/bertscore_layer.py`)."""

Pair = tuple[str, str]
"""A hypothesis and one reference."""

Similarity = tuple[float, float, float]
"""Precision, recall and F1."""

NOTHING: Similarity = (0.0, 0.0, 0.0)
"""How alike an empty text is to any other."""


class BertScoreOptions(Options):
    """Options of the metric `bertscore`."""

    profile_section: ClassVar[str | None] = "bertscore"

    model: str = "embedded"
    """The model whose hidden states are compared: "embedded", a local folder, or a hub id."""
    revision: str | None = None
    """Revision of a hub model; None for its newest."""
    layer: int | None = Field(default=None, ge=1)
    """The layer whose output is compared, from 1 (the lowest); None for the one chosen for the embedded model."""
    max_tokens: int = Field(default=512, ge=8)
    """Longer texts are cut to this many tokens, from 8, or to what the model can take if that is less."""
    batch_size: int = Field(default=32, ge=1)
    """Texts embedded at once, from 1."""
    device: str = "auto"
    """Where the model runs: auto (a GPU if there is one), cpu, cuda, cuda:1, ..."""
    rescale: bool = False
    """Rescaling with a baseline; bert-score has none for Persian, so that only false is accepted."""


class BertScoreMetric(Metric):
    """Precision, recall and F1 of BERTScore in float32, without weights by rarity; the mean over the segments.

    Of several references the one with the highest F1 counts. An empty output scores 0.
    """

    options_model: ClassVar[type[Options]] = BertScoreOptions
    options: BertScoreOptions

    def __init__(self, options: BertScoreOptions) -> None:
        super().__init__(options)
        if options.rescale:
            raise SettingsError("metric 'bertscore': there is no baseline for Persian to rescale with; leave rescale.")
        self.layer = _layer(options)
        name = options.model.rstrip("/").rpartition("/")[2]
        self.columns = (Column("f1", f"BERTScore F1 ({name}, layer {self.layer})", digits=4),)
        self._embedder: Embedder | None = None

    def fingerprint(self) -> Record:
        """Return model, layer and length limit, and the libraries that embed and match."""
        return {
            "metric": "bertscore",
            **model_identity(self.options.model, self.options.revision),
            "layer": self.layer,
            "max_tokens": self.options.max_tokens,
            "dtype": "float32",
            "bert-score": version("bert-score"),
            "transformers": version("transformers"),
        }

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Return precision, recall and F1 of each segment that has a reference; loads the model if need be."""
        pairs = [
            (segment.hypothesis, reference)
            for segment in segments
            for reference in segment.example.references
            if comparison_key(segment.hypothesis) and comparison_key(reference)
        ]
        found = self._similarities(pairs) if pairs else {}
        return [_best(segment, found) for segment in segments]

    def score(self, counts: Sequence[Counts]) -> Scores:
        """Return the mean precision, recall and F1 (about 0 to 1) of the judged segments."""
        total = sum_counts(counts)
        judged = sum(1 for count in counts if count)
        return {key: ratio(total.get(key, 0.0), judged) for key in ("precision", "recall", "f1")}

    def close(self) -> None:
        """Free the model."""
        self._embedder = None

    def _similarities(self, pairs: Iterable[Pair]) -> Mapping[Pair, Similarity]:
        if self._embedder is None:
            from gnb.metrics.embeddings import Embedder

            self._embedder = Embedder(self.options, self.layer)
        return self._embedder.similarities(pairs)


def _best(segment: Segment, found: Mapping[Pair, Similarity]) -> Counts:
    references = segment.example.references
    if not references:
        return {}
    scores = [found.get((segment.hypothesis, reference), NOTHING) for reference in references]
    precision, recall, f1 = max(scores, key=lambda score: score[2])
    return {"precision": precision, "recall": recall, "f1": f1}


def _layer(options: BertScoreOptions) -> int:
    if options.layer is not None:
        return options.layer
    if options.model == EMBEDDED:
        return EMBEDDED_LAYER
    from bert_score.utils import model2layers

    known = model2layers.get(options.model)
    advice = f"bert-score's choice for it is {known}" if known else "bert-score knows no best one for it"
    raise SettingsError(f"metric 'bertscore': name the layer of {options.model} with the option layer; {advice}.")
