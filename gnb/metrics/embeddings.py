"""Contextual embeddings of texts, and bert-score's matching of them."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from copy import copy
from itertools import batched
from typing import TYPE_CHECKING

import torch
from bert_score.utils import get_bert_embedding, greedy_cos_idf
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoModel

from gnb.core.errors import SettingsError
from gnb.models.explaining import LOCAL, check_complete, explained
from gnb.models.hub import ANY_WEIGHTS
from gnb.models.loading import load_tokenizer, model_folder
from gnb.models.placing import pick_device

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from gnb.metrics.bertscore import BertScoreOptions, Pair, Similarity

REMEMBERED_BYTES = 512 * 2**20
"""How much of the embeddings is kept for later calls, so that the references of a matrix are embedded once."""

_Embedding = tuple[torch.Tensor, torch.Tensor]
"""A text's token embeddings (tokens, width) and token weights (tokens)."""


class Embedder:
    """A model cut off above the layer that is wanted, and the texts that it has embedded.

    Raises:
        ModelError: if the model cannot be loaded.
        SettingsError: if it has no such layer.
    """

    def __init__(self, options: "BertScoreOptions", layer: int) -> None:
        self.batch_size = options.batch_size
        self.device = pick_device(options.device)
        self.tokenizer = copy(load_tokenizer(options.model, options.revision))  # others may share it
        self.model = _load_model(options, layer).to(self.device)
        # bert-score 0.3.13 cuts texts to this length and fails on tokenizers that name none: theirs is about 1e30.
        limits = (self.tokenizer.model_max_length, _positions(self.model.config), options.max_tokens)
        self.tokenizer.model_max_length = min(limit for limit in limits if limit)
        self.weights: defaultdict[int | None, float] = defaultdict(lambda: 1.0)
        self.weights |= {self.tokenizer.sep_token_id: 0.0, self.tokenizer.cls_token_id: 0.0}
        self.known: OrderedDict[str, _Embedding] = OrderedDict()

    def similarities(self, pairs: Iterable["Pair"]) -> Mapping["Pair", "Similarity"]:
        """Return precision, recall and F1 of every pair of texts; no text may be empty."""
        by_length = sorted(set(pairs), key=lambda pair: (len(pair[0]), pair))
        found: dict[Pair, Similarity] = {}
        for batch in batched(by_length, self.batch_size):
            embeddings = self._embed({text for pair in batch for text in pair})
            hypotheses = _padded([embeddings[hypothesis] for hypothesis, _ in batch])
            references = _padded([embeddings[reference] for _, reference in batch])
            columns = greedy_cos_idf(*references, *hypotheses)
            rows = zip(*(column.tolist() for column in columns), strict=True)
            found.update(zip(batch, rows, strict=True))
        return found

    def _embed(self, texts: Iterable[str]) -> Mapping[str, _Embedding]:
        found = {text: self.known.pop(text) for text in texts if text in self.known}
        missing = sorted(set(texts) - set(found), key=lambda text: (len(text), text))
        for batch in batched(missing, self.batch_size):
            embedded, mask, weights = get_bert_embedding(
                list(batch), self.model, self.tokenizer, self.weights, device=self.device
            )
            for number, text in enumerate(batch):
                length = int(mask[number].sum())
                found[text] = _lengthened(embedded[number, :length].clone(), weights[number, :length].clone())
        self.known.update(found)
        self._forget()
        return found

    def _forget(self) -> None:
        """Drop what was used longest ago."""
        size = sum(embedded.nbytes for embedded, _ in self.known.values())
        while size > REMEMBERED_BYTES:
            _, (embedded, _) = self.known.popitem(last=False)
            size -= embedded.nbytes


def _load_model(options: "BertScoreOptions", layer: int) -> "PreTrainedModel":
    folder = model_folder(options.model, options.revision, weights=ANY_WEIGHTS)
    with explained(options.model):
        layers = AutoConfig.from_pretrained(folder, **LOCAL).get_text_config().num_hidden_layers
        if layer > layers:
            raise SettingsError(f"metric 'bertscore': {options.model} has {layers} layers, so layer cannot be {layer}.")
        model, info = AutoModel.from_pretrained(
            folder, num_hidden_layers=layer, dtype=torch.float32, output_loading_info=True, **LOCAL
        )
        check_complete(options.model, info["missing_keys"])
    encoder: PreTrainedModel = model.get_encoder() if model.config.is_encoder_decoder else model
    return encoder.eval()


def _positions(config: "PreTrainedConfig") -> int | None:
    return getattr(config.get_text_config(), "max_position_embeddings", None)


def _lengthened(vectors: torch.Tensor, weights: torch.Tensor) -> _Embedding:
    """Double the last of two tokens, without weight, so that no number changes.

    bert-score 0.3.13 takes two tokens for [CLS] and [SEP] alone, an empty text, and sets its precision and recall
    to 0; behind a start token alone, as of Gemma, they are a text of one token.
    """
    if len(vectors) != 2:
        return vectors, weights
    return torch.cat([vectors, vectors[-1:]]), torch.cat([weights, weights.new_zeros(1)])


def _padded(embeddings: list[_Embedding]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return embeddings, mask and weights as bert-score pads them."""
    vectors, weights = zip(*embeddings, strict=True)
    lengths = torch.tensor([len(vector) for vector in vectors])
    mask = torch.arange(int(lengths.max())).expand(len(lengths), -1) < lengths.unsqueeze(1)
    return (
        pad_sequence(list(vectors), batch_first=True, padding_value=2.0),
        mask.to(vectors[0].device),
        pad_sequence(list(weights), batch_first=True),
    )
