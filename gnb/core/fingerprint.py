"""Fingerprints: the hash of a readable record, so that two that differ can be compared."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def canonical_json(record: object) -> str:
    """Return the one JSON text of a record: sorted keys, no spaces, Persian letters as they are."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def fingerprint_of(record: Mapping[str, Any]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a record's canonical JSON."""
    return hash_text(canonical_json(record))


def hash_text(text: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a text in UTF-8; lone surrogates are kept apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def hash_texts(texts: Iterable[str]) -> str:
    """Return one hash of several texts in their order."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
