"""One post, whatever it was exported by, and what is kept of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gnb.core.atoms import hide_atoms

_ENTITY = re.compile("&(amp|lt|gt);")
_LETTERS = {"amp": "&", "lt": "<", "gt": ">"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post as its export tells it.

    Attributes:
        id: its number, an empty string if the export does not tell.
        text: the whole text as exported.
        time: when it was published, ISO 8601 where it could be read.
        lang: the language that X takes it for.
        handle: the author's name without @, an empty string if the export does not tell.
        counts: replies, reposts, quotes, likes, as far as known.
        repost: whether it only repeats the post of someone else.
        escaped: whether &, < and > stand in the text as &amp;, &lt; and &gt;, as X's own exports write them.
    """

    id: str
    text: str
    time: str | None = None
    lang: str | None = None
    handle: str = ""
    counts: Mapping[str, Any] = field(default_factory=dict)
    repost: bool = False
    escaped: bool = False


def text_and_metadata(post: Post, hide: Callable[[str], str], *, raw_handles: bool) -> tuple[str, dict[str, Any]]:
    """Return the text as the author wrote it and what is kept beside it, JSON values only.

    Where entities were resolved, the exported text is kept as `raw`, and `rules` names the rule `entities`.

    Args:
        post: the post.
        hide: makes a hash of a name.
        raw_handles: keep the names beside the hashes.
    """
    text = _ENTITY.sub(lambda entity: _LETTERS[entity[1]], post.text) if post.escaped else post.text
    atoms = hide_atoms(text)[1]
    names = [atom.text[1:] for atom in atoms if atom.kind == "mention"]
    metadata: dict[str, Any] = {
        "author": hide(post.handle) if post.handle else None,
        "time": post.time,
        "lang": post.lang,
        **post.counts,
        "hashtags": [atom.text[1:] for atom in atoms if atom.kind == "hashtag"],
        "mentions": [hide(name) for name in names],
    }
    if raw_handles:
        metadata |= {"handle": post.handle or None, "mentioned_handles": names}
    if text != post.text:
        metadata |= {"raw": post.text, "rules": ["entities"]}
    return text, metadata


def is_repost(text: str) -> bool:
    """Tell whether a text has the form that X gives to reposts."""
    return re.match(r"RT @\w+: ", text) is not None
