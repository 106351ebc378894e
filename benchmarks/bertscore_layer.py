"""Which layer of the embedded model suits BERTScore, by what each can tell apart. The cost grows with the layer.

Run: python -m benchmarks.bertscore_layer [ITEMS]
The items are biased texts of the bundled corpus with a minimal and a free neutral form. A layer serves if it finds the
minimal form nearer to the free one than (a) the biased text itself, which only the edit can tell, and (b) the minimal
form of another item. One pass through the model serves all layers: what a model cut off above a layer gives is that
layer's output after the final norm.
"""

import sys
from itertools import islice
from statistics import mean

import torch
from bert_score.utils import greedy_cos_idf

from gnb.core.records import Example
from gnb.metrics.bertscore import BertScoreOptions
from gnb.metrics.embeddings import Embedder
from gnb.sources.bundled import BundledOptions, BundledSource

LAYERS = 18


def items(number: int) -> list[Example]:
    """Return items from all over the corpus."""
    found = [
        e for e in BundledSource(BundledOptions()).read(lambda problem: None) if e.biased and len(e.references) > 1
    ]
    return list(islice(found, 0, None, max(len(found) // number, 1)))[:number]


@torch.no_grad()
def states(embedder: Embedder, text: str) -> list[torch.Tensor]:
    """Return what each layer makes of a text, from the lowest."""
    ids = torch.tensor([embedder.tokenizer(text).input_ids])
    hidden = embedder.model(ids, output_hidden_states=True).hidden_states[1:]
    return [*(embedder.model.norm(state) for state in hidden[:-1]), hidden[-1]]


def f1(output: torch.Tensor, reference: torch.Tensor) -> float:
    """Return bert-score's F1 of two embedded texts."""
    sides = [(state.clone(), torch.ones(state.shape[:2]), torch.ones(state.shape[:2])) for state in (reference, output)]
    return float(greedy_cos_idf(*sides[0], *sides[1])[2])


def main() -> None:
    """Print the table as Markdown."""
    examples = items(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    embedder = Embedder(BertScoreOptions(device="cpu"), LAYERS)
    embedded = [[states(embedder, text) for text in (e.text, *e.references[:2])] for e in examples]
    print(f"{len(examples)} items\n")
    print("| layer | above the biased text % | above another item % | F1 minimal | F1 biased text | F1 other |")
    print("|---:|---:|---:|---:|---:|---:|")
    for layer in range(LAYERS):
        rows = []
        for (text, minimal, free), (_, other, _) in zip(embedded, embedded[1:] + embedded[:1], strict=True):
            rows.append([f1(output[layer], free[layer]) for output in (minimal, text, other)])
        shares = [100 * mean(row[0] > row[n] for row in rows) for n in (1, 2)]
        means = " | ".join(f"{mean(column):.3f}" for column in zip(*rows, strict=True))
        print(f"| {layer + 1} | {shares[0]:.0f} | {shares[1]:.0f} | {means} |")


if __name__ == "__main__":
    main()
