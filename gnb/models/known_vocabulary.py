"""What a rewrite must know of the embedded model's vocabulary, kept in the cache: finding it out takes seconds.

A file that is damaged, or was made of another tokenizer or by another rule, is made anew.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import regex

from gnb.core.filehash import hash_files
from gnb.core.paths import write_cached
from gnb.models import vocabulary
from gnb.models.embedded import embedded_folder, embedded_tokenizer

VERSION = 1
"""Raise it when the file's contents change, unless that shows in a pattern."""
_ALPHABET = regex.compile(r"[\p{Arabic}\p{Mn}\p{N}\p{P}\p{S}\p{Cf}\s▁]*")
"""Texts for which a small tokenizer does: above all, no Latin letters, which most of the vocabulary consists of."""
_BYTE = regex.compile(r"<0x[0-9A-F]{2}>")


@dataclass(frozen=True, slots=True)
class KnownVocabulary:
    """The part of a vocabulary that Persian texts need.

    Attributes:
        size: how many tokens the whole vocabulary has.
        special: the ids of the special tokens, such as `eos_token_id`.
        task: as `task_token_ids` finds them.
        breaks: the ids of the tokens that hold a line break.
        small: a tokenizer, in the format of the library `tokenizers`, that does to texts of `is_plain_text` and to ids
            of its own what the whole one does.
    """

    size: int
    special: dict[str, int]
    task: list[int]
    breaks: list[int]
    small: str


def is_plain_text(text: str) -> bool:
    """Tell whether a text holds nothing but Persian or Arabic letters, digits, punctuation, symbols and spaces."""
    return _ALPHABET.fullmatch(text) is not None


@cache
def embedded_vocabulary() -> KnownVocabulary:
    """Return that of the embedded model's tokenizer.

    Raises:
        ModelError: as `embedded_folder`.
    """
    folder = embedded_folder()
    file, key = folder.with_name(f"{folder.name}-words.json"), _key(folder)
    found = _read(file, key)
    if found is None:
        found = _make(json.loads((folder / "tokenizer.json").read_text("utf-8")))
        _write(file, key, found)
    return found


def _key(folder: Path) -> str:
    files = hash_files([folder / "tokenizer.json", folder / "tokenizer_config.json"])
    rules = [VERSION, vocabulary.RULE, _ALPHABET.pattern, regex.__version__]
    return f"{files} {hashlib.sha256(json.dumps(rules).encode()).hexdigest()[:16]}"


def _read(file: Path, key: str) -> KnownVocabulary | None:
    """Return what a file holds; None if there is none, or it has another key or hash."""
    try:
        head, body = file.read_bytes().splitlines()
    except (OSError, ValueError):
        return None
    return KnownVocabulary(**json.loads(body)) if head == _head(key, body) else None


def _write(file: Path, key: str, known: KnownVocabulary) -> None:
    body = json.dumps(asdict(known))
    write_cached(file, f"{_head(key, body.encode()).decode()}\n{body}")


def _head(key: str, body: bytes) -> bytes:
    return f"{key} {hashlib.sha256(body).hexdigest()}".encode()


def _make(whole: dict[str, Any]) -> KnownVocabulary:
    tokenizer = embedded_tokenizer()
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id")
    return KnownVocabulary(
        len(tokenizer),
        {name: getattr(tokenizer, name) for name in names},
        vocabulary.task_token_ids(tokenizer),
        sorted(vocabulary.line_break_ids(tokenizer)),
        json.dumps(_cut(whole, tokenizer.all_special_tokens)),
    )


def _cut(whole: dict[str, Any], special: list[str]) -> dict[str, Any]:
    """Return a tokenizer without the tokens that no plain text holds.

    Byte-pair encoding joins neighbours only, so whatever it makes on its way from a text's letters to its tokens is
    a part of the text. What holds a letter that the text lacks is never tried, and may as well be left out.
    """
    model, added = whole["model"], whole["added_tokens"]
    kept = {name: token for name, token in model["vocab"].items() if is_plain_text(name) or _BYTE.fullmatch(name)}
    kept |= {name: model["vocab"][name] for name in special}
    merges = [pair for pair in model["merges"] if all(map(is_plain_text, pair))]
    added = [token for token in added if token["content"] in kept]
    return {**whole, "added_tokens": added, "model": {**model, "vocab": kept, "merges": merges}}
