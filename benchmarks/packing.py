"""What llama-recipes' packing costs on the bundled corpus, beside ours.

Run: pip install fire, pip install --no-deps llama-cookbook, then: python -m benchmarks.packing [--sizes 1024 4096]
The items are those of `gnb train --preset paper` (training split, tokens of the embedded model). The packs are made by
llama-recipes' own class; what becomes of the items is counted from their lengths, and checked against the packs.
"""

import argparse

from gnb.models.loading import load_tokenizer
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.batches import pack
from gnb.training.data import select_data
from gnb.training.options import TrainingOptions, preset_values
from gnb.training.recipes import import_loop, pack_samples, packing_losses
from gnb.training.rows import make_rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 4096], help="tokens a pack")
    arguments = parser.parse_args()
    data = select_data(list(BundledSource(BundledOptions()).read(print)))
    options = TrainingOptions(**preset_values("paper"))
    items = make_rows(data, options, load_tokenizer(options.base_model)).encoded["train"].items
    tokens = sum(len(item.tokens) for item in items)
    print(f"{len(items):,} items, {tokens:,} tokens\n")
    print("| tokens a pack | packing | packs | items cut | seen late | dropped | tokens dropped | filled |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    packs = import_loop().packs
    for size in arguments.sizes:
        found = packing_losses(items, size)
        made = pack_samples(packs, items, size)
        if len(made) != found["packs"] or any(len(sample["input_ids"]) != size for sample in made):
            raise SystemExit(f"llama-recipes made {len(made)} packs, {found['packs']} were expected")
        counts = [found[name] for name in ("packs", "cut_items", "late_items", "dropped_items", "dropped_tokens")]
        print(f"| {size:,} | llama-recipes | {' | '.join(f'{count:,}' for count in counts)} | 100 % |")
        ours = pack(items, size)
        print(f"| {size:,} | gnb | {len(ours):,} | 0 | 0 | 0 | 0 | {tokens / (len(ours) * size):.1%} |")


if __name__ == "__main__":
    main()
