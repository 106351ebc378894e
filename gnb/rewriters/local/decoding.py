"""Decoding that takes the input as a draft of the answer.

Input-guided aggressive decoding: Ge et al. 2022, "Lossless Acceleration for Seq2seq Generation with Aggressive
Decoding" (arXiv 2205.10350). The answer is mostly the input, so one forward pass over prompt and input verifies how
far the model would have copied; from the first change on, short drafts follow wherever the answer's tail is found in
the input again. Each token is the one that plain greedy decoding picks,
unless other answers are asked for (`gnb.rewriters.local.alternatives`).

Rejected draft tokens stay in the key-value cache and are masked, so that all rows of a batch keep one length.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from gnb.models.placing import input_device
from gnb.models.running import hidden_states, new_cache
from gnb.models.vocabulary import OutputLayer
from gnb.rewriters.local.alternatives import Alternative, alternatives, most_probable
from gnb.rewriters.local.choices import margins, second_choices
from gnb.rewriters.local.rows import Change, Decoded, Frame, Hints, Predicted, Row

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_KEEP_SHARE = 0.75
"""Finished rows leave the batch once fewer than this share of its rows is still going."""
_PART = 256
"""Places whose probabilities are computed at once."""


class GuidedDecoder:
    """Decodes batches of texts behind one shared prompt prefix.

    Args:
        model: any causal language model of transformers whose decoder can be run without its output layer.
        frame: the prompt around every text, and what answers may hold.
    """

    def __init__(self, model: "PreTrainedModel", frame: Frame) -> None:
        self.model, self.frame, self.layer = model, frame, OutputLayer(model, frame.tokens)
        self._prefix = self._run_prefix()

    def decode(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        least: float | None = None,
        hints: Sequence[Hints] | None = None,
        *,
        first_draft: int | None = None,
        others: int = 0,
    ) -> list[Decoded]:
        """Answer each text.

        Args:
            sources: the tokens of each text.
            limits: how many tokens each answer may have at the most.
            least: from which margin (see `Decoded`) an answer differs from its text, if need be by the change that
                leads most or trails least, and below which it is the text; None for greedy decoding alone.
            hints: for each text, what edits an answer may well make where; they count in the margin too.
            first_draft: how many tokens of each text are offered at first, for texts that change soon; `least` does
                not count then, and no margin is found. None for whole texts.
            others: how many answers besides its first one a text may have where the model is unsure; the most
                probable counts if it leads clearly (`most_probable`). 0 for the first one alone.
        """
        import torch

        start = len(self.frame.before)
        rows = [
            Row(list(source), start + len(source) + len(self.frame.after), limit, least, hinted)
            for source, limit, hinted in zip(sources, limits, hints or [{}] * len(sources), strict=True)
        ]
        with torch.inference_mode():
            batch = _Batch(self, rows, others, seeks_changes=first_draft is None)
            batch.step(
                [[*row.source, *self.frame.after] for row in rows],
                [row.source[: row.limit - 1][:first_draft] for row in rows],
            )
            while batch.rows:
                drafts = [[] if row.done else row.next_draft() for row in batch.rows]
                batch.step([row.answer[-1:] or [self.frame.before[-1]] for row in batch.rows], drafts)
        return [most_probable(row, (other for other in batch.others if other.first is row)) for row in rows]

    def _run_prefix(self) -> Any:
        import torch

        cache = new_cache(self.model)
        with torch.inference_mode():
            tokens = torch.tensor([self.frame.before], device=input_device(self.model))
            hidden_states(self.model, input_ids=tokens, cache=cache, use_cache=True)
        return [(layer.keys, layer.values) for layer in cache.layers]

    def prefix_cache(self, size: int) -> Any:
        """Return a cache that holds the prefix for a batch of that size."""
        return new_cache(
            self.model,
            [(keys.expand(size, -1, -1, -1), values.expand(size, -1, -1, -1)) for keys, values in self._prefix],
        )


class _Batch:
    """The rows still going.

    Attributes:
        cache: their keys and values.
        mask: which tokens of the cache count, shape (rows, tokens).
        others: the other answers that were begun.
        layer: the output layer, with what the texts' own tokens add to it.
        extra: the rows of the output layer that the texts brought.
        stops: the rows of the output layer that end an answer.
        end: the end token.
        foreign: whether a text lacks such a token, shape (rows, extra).
        changes: the most likely change of each text, known after the first step if they are sought.
    """

    def __init__(self, decoder: GuidedDecoder, rows: list[Row], others: int, *, seeks_changes: bool) -> None:
        import torch

        self.decoder, self.rows, self._most_others, self._seeks_changes = decoder, rows, others, seeks_changes
        self.changes: list[Change] = []
        self.others: list[Alternative] = []
        self.cache = decoder.prefix_cache(len(rows))
        device = input_device(decoder.model)
        self.mask = torch.ones(len(rows), len(decoder.frame.before), dtype=torch.long, device=device)
        own = [row.own_tokens() for row in rows]
        extra = sorted(set().union(*own) - set(decoder.layer.ids.tolist()))
        self.layer = decoder.layer.extended(extra)
        self.stops = self.layer.positions(torch.tensor(sorted(decoder.frame.stop), device=device))
        self.end = torch.tensor(decoder.frame.end, device=device)
        self.extra = self.layer.positions(torch.tensor(extra, dtype=torch.long, device=device))
        # a token that one text brings must not become an answer to another: that would depend on the neighbours
        foreign = [[token not in tokens for token in extra] for tokens in own]
        self.foreign = torch.tensor(foreign, dtype=torch.bool, device=device).reshape(len(rows), len(extra))

    def step(self, contexts: list[list[int]], drafts: list[list[int]]) -> None:
        """Run the model over each row's context and draft, and let each row take what it agrees with."""
        offset = self.mask.shape[1]
        hidden = self._run([context + draft for context, draft in zip(contexts, drafts, strict=True)], contexts)
        predictions = self._predict(hidden, contexts, drafts)
        if self._seeks_changes:
            self._seeks_changes = False
            for row, change, draft, predicted in zip(self.rows, self.changes, drafts, predictions, strict=True):
                row.decide(change, draft, predicted, self.decoder.frame)
        for index, row in enumerate(self.rows):
            if not row.done:
                taken = row.accept(drafts[index], predictions[index], self.decoder.frame.stop)
                self.mask[index, offset + len(contexts[index]) + taken :] = 0
        self._renew()

    def _run(self, blocks: list[list[int]], contexts: list[list[int]]) -> "torch.Tensor":
        import torch

        device = self.mask.device
        width = max(map(len, blocks))
        starts = torch.tensor(
            [row.start + len(row.answer) - len(context) for row, context in zip(self.rows, contexts, strict=True)]
        )
        tokens = torch.tensor([block + [0] * (width - len(block)) for block in blocks], device=device)
        filled = torch.tensor([[1] * len(block) + [0] * (width - len(block)) for block in blocks], device=device)
        self.mask = torch.cat([self.mask, filled], dim=1)
        last = torch.tensor([len(context) - 1 for context in contexts], device=device)  # from there on is predicted
        found = hidden_states(
            self.decoder.model,
            input_ids=tokens,
            attention_mask=self._attention(width),
            position_ids=(starts[:, None] + torch.arange(width)).to(device),
            cache=self.cache,
            use_cache=True,
            filled=filled.bool(),
            read=filled.bool() & (torch.arange(width, device=device) >= last[:, None]),
        )
        hidden: torch.Tensor = found.last_hidden_state.to(device)
        return hidden

    def _copied(self, drafts: list[list[int]]) -> "torch.Tensor":
        """Return, for each place that is predicted, the token that copying would put there."""
        import torch

        end = self.decoder.frame.end
        rows = zip(self.rows, drafts, strict=True)
        return torch.tensor(
            [token for row, draft in rows for token in (*draft, row.behind(draft, end))], device=self.mask.device
        )

    def _attention(self, width: int) -> "torch.Tensor":
        """Return what is added to the attention scores, shape (rows, 1, width, tokens in the cache).

        A mask of this shape is taken as it is, so that a sliding window does not count masked places.
        """
        import torch

        total = self.mask.shape[1]
        causal = torch.ones(width, total, dtype=torch.bool, device=self.mask.device).tril(total - width)
        hidden = ~(causal[None] & self.mask[:, None].bool())
        dtype = self.decoder.model.dtype
        scores = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device)
        return scores.masked_fill_(hidden, torch.finfo(dtype).min)[:, None]

    def _predict(self, hidden: "torch.Tensor", contexts: list[list[int]], drafts: list[list[int]]) -> list[Predicted]:
        import torch

        sizes = [len(draft) + 1 for draft in drafts]
        places = [
            (index, len(context) - 1 + step) for index, context in enumerate(contexts) for step in range(sizes[index])
        ]
        where = torch.tensor(places, device=hidden.device)
        logits = self.layer.logits(hidden[where[:, 0], where[:, 1]])
        logits[:, self.extra] = logits[:, self.extra].masked_fill(self.foreign[where[:, 0]], float("-inf"))
        self._add_hints(logits, sizes)
        copied = self.layer.positions(self._copied(drafts))[:, None]
        if self._seeks_changes:
            self.changes = self._best_changes(logits, copied, sizes)
        if weight := self.decoder.frame.copy_bonus:
            # no bonus where no draft is on offer: the input says nothing of what follows there
            offered = [row.sure and bool(draft) for row, draft in zip(self.rows, drafts, strict=True)]
            bonus = [weight * flag for flag, size in zip(offered, sizes, strict=True) for _ in range(size)]
            logits.scatter_add_(1, copied, torch.tensor(bonus, dtype=logits.dtype, device=logits.device)[:, None])
        highest, words = logits.max(-1)
        # in float32 whatever the model computes in, a part at a time: the whole would take much memory
        sums = torch.cat([part.float().logsumexp(-1) for part in torch.split(logits, _PART)])
        chances = highest.float() - sums
        seconds = second_choices(logits, words, chances, self.layer.ids) if self._most_others else {}
        tokens = self.layer.ids[words].tolist()
        return [
            Predicted(
                tokens[start : start + size],
                chances[start : start + size].tolist(),
                {step: seconds[start + step] for step in range(size) if start + step in seconds},
            )
            for start, size in zip(accumulate(sizes, initial=0), sizes, strict=False)
        ]

    def _add_hints(self, logits: "torch.Tensor", sizes: list[int]) -> None:
        """Add each row's hints where its answer is drafted from the source."""
        import torch

        hints = [
            (place, token, value)
            for start, row, size in zip(accumulate(sizes, initial=0), self.rows, sizes, strict=False)
            if size > 1 and row.sure
            for place in range(start, start + size)
            for token, value in row.hints.get(row.offer + place - start, {}).items()
        ]
        if hints:
            places, tokens, values = (torch.tensor(column, device=logits.device) for column in zip(*hints, strict=True))
            logits[places, self.layer.positions(tokens)] += values.to(logits.dtype)

    def _best_changes(self, logits: "torch.Tensor", copied: "torch.Tensor", sizes: list[int]) -> "list[Change]":
        import torch

        is_end = copied[:, 0] == self.layer.positions(self.end)
        leads, others = margins(logits, copied, self.stops, is_end)
        tokens = torch.split(self.layer.ids[others], sizes)
        places = [int(part.argmax()) for part in torch.split(leads, sizes)]
        return [
            Change(float(part[place]), place, int(token[place]))
            for part, token, place in zip(torch.split(leads, sizes), tokens, places, strict=True)
        ]

    def _renew(self) -> None:
        """Put the other answers of finished rows in their places, and drop finished rows."""
        others = [(place, other) for place, row in enumerate(self.rows) if row.done for other in self._others_of(row)]
        going = [(place, row) for place, row in enumerate(self.rows) if not row.done]
        if not others and len(going) > _KEEP_SHARE * len(self.rows):
            return
        self.others += [other for _, other in others]
        begun = [(place, other) for place, other in others if not other.done]
        self._keep([place for place, _ in going + begun])
        self.rows = [row for _, row in going + begun]
        for place, (_, other) in enumerate(begun, start=len(going)):
            self.mask[place] *= self.mask[place].cumsum(0) <= other.held  # not what the first answer goes on with

    def _others_of(self, row: Row) -> list[Alternative]:
        if isinstance(row, Alternative):
            return []
        return alternatives(row, self.decoder.frame.stop, self._most_others)

    def _keep(self, places: list[int]) -> None:
        """Go on with the rows at these places, some of them several times."""
        import torch

        keep = torch.tensor(places, dtype=torch.long, device=self.mask.device)
        self.mask, self.foreign = self.mask[keep], self.foreign[keep]
        if places:
            self.cache.batch_select_indices(keep.cpu())  # layers may lie on several devices
