"""Whether guided decoding answers as plain greedy decoding does, by number format, on the test split.

Run: python -m benchmarks.identical [--texts 287] [--formats float32 bfloat16 8bit 4bit] [--batch-tokens 2048]
On a GPU where there is one; 8bit and 4bit need bitsandbytes. In a format with few digits two tokens may come out alike,
and which of them leads then hangs on how many tokens a pass computes at once: guided decoding computes more.
"""

import argparse
import time
from typing import Any

from benchmarks.decoding import differing, test_texts
from gnb.models.placing import pick_device
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter

WHOLE_SPLIT = 287
"""Texts of the test split, which are taken from its beginning."""
FORMATS: dict[str, dict[str, Any]] = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "8bit": {"quantisation": "8bit"},
    "4bit": {"quantisation": "4bit"},
}


def answers(texts: list[str], batch_tokens: int, **options: Any) -> tuple[list[str | None], float]:
    """Return the model's raw answers to some texts and the seconds that they took, without those of loading."""
    rewriter = LoraRewriter(LoraOptions(output_layer="full", batch_tokens=batch_tokens, **options))
    list(rewriter.rewrite(texts[:9]))  # more than a few, which another engine answers
    start = time.perf_counter()
    found = [answer.raw for answer in rewriter.rewrite(texts)]
    seconds = time.perf_counter() - start
    rewriter.close()
    return found, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=WHOLE_SPLIT)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--batch-tokens", type=int, default=2048)
    settings = parser.parse_args()
    texts = test_texts(WHOLE_SPLIT)[: settings.texts]
    print(f"{len(texts)} test texts, device {pick_device('auto')}\n")
    print("| weights | guided (s) | plain (s) | other answers |\n|---|---:|---:|---:|")
    for name in settings.formats:
        guided, quick = answers(texts, settings.batch_tokens, decoding="guided", **FORMATS[name])
        plain, slow = answers(texts, settings.batch_tokens, decoding="plain", **FORMATS[name])
        print(f"| {name} | {quick:.1f} | {slow:.1f} | {differing(guided, plain)} |", flush=True)


if __name__ == "__main__":
    main()
