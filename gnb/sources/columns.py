"""Which column of a table is what: as the user says, else by the usual names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict

from gnb.core.errors import InputError, nearest
from gnb.core.options import Options

_USUAL: dict[str, str] = {
    "text": "text|tweet|content|rawcontent|full_text|tweet_text|sentence|dialogue|input|comment|body"
    "|متن|متن_توییت|توییت|توئیت|جمله|نظر",
    "references": "neutral|neutrals|reference|references|neutral_text|neutralised|neutralized|rewrite|summary"
    "|خنثی|متن_خنثی|جمله_خنثی|بازنویسی",
    "biased": "biased|is_biased|bias|سوگیری|سوگیرانه",
    "category": "category|bias_category|bias_type|دسته|نوع_سوگیری",
    "id": "id|tweet_id|tweetid|id_str|شناسه",
    "split": "split",
}
OWN = "metadata"
"""The object that gnb writes the metadata of an example into."""
CARRIED = (f"{OWN}.pair", f"{OWN}.register")
"""What is kept of the metadata that gnb wrote itself, whatever else is: `gnb prepare` goes by it."""
_SHOWN = 30


class ColumnOptions(Options):
    """Which columns hold what. A column is named as the file names it; of JSON objects also `outer.inner`."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    text: str | None = None
    """Column of the text.  [a usual name: text, tweet, content, sentence, dialogue, متن, ...]"""
    references: str | tuple[str, ...] | None = None
    """Column or columns of the neutral forms, the preferred first; a cell may be a list. An empty name for none.
    [usual names: neutral, reference, summary, خنثی, ..., also with numbers]"""
    biased: str | None = None
    """Column that says whether the text is biased.  [biased, is_biased, ...; else whether a neutral form differs]"""
    category: str | None = None
    """Column of the category.  [category, bias_type, ...]"""
    id: str | None = None
    """Column of the id, which must be unique.  [id, tweet_id, ...; else file and line]"""
    metadata: bool | tuple[str, ...] = False
    """Columns to keep as metadata: their names, or true for all others."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The chosen columns; an empty name for none. `metadata` is True for all others."""

    text: str
    references: tuple[str, ...] = ()
    biased: str = ""
    category: str = ""
    id: str = ""
    split: str = ""
    metadata: bool | tuple[str, ...] = False

    def used(self) -> tuple[str, ...]:
        """Return the names of the columns that are taken, apart from the metadata."""
        names = (self.text, *self.references, self.biased, self.category, self.id, self.split)
        return tuple(name for name in names if name)

    def carried(self) -> tuple[str, ...]:
        """Return the names of the metadata that gnb wrote itself, apart from what is taken already."""
        return tuple(name for name in CARRIED if name not in self.used())

    def summary(self, names: Sequence[str]) -> str:
        """Say in one line what is taken from which column, and which of the columns are left aside."""
        parts = [f"text from {self.text!r}"]
        if self.references:
            parts.append(f"references from {', '.join(map(repr, self.references))}")
        for role in ("biased", "category", "id", "split"):
            if name := getattr(self, role):
                parts.append(f"{role} from {name!r}")
        others = [name for name in names if name not in self.used() and not _is_inner(name, self.used())]
        if self.metadata is True:
            others, kept = [], others
        else:
            kept = [name for name in names if name in {*(self.metadata or ()), *self.carried()}]
            others = [name for name in others if name not in kept and not _is_inner(name, kept)]
        parts += [f"metadata from {listed(kept)}"] if kept else []
        return ", ".join(parts) + (f"; left aside: {listed(others)}" if others else "")


def value_of(row: Mapping[str, Any], name: str) -> Any:
    """Return a cell; of nested objects, `outer.inner` where no key has that very name. None if there is none."""
    if name in row:
        return row[name]
    value: Any = row
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def column_names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of all columns of some rows, in order, those of nested objects as `outer.inner`, too."""
    return list(dict.fromkeys(name for row in rows for name in _flat(row)))


def choose_columns(options: ColumnOptions, names: Sequence[str], where: str, *, split: str | None = "") -> Columns:
    """Choose the columns of a table.

    Args:
        options: what the user says.
        names: all columns of the table.
        where: the table, for messages.
        split: the column of the split, None for the usual one.

    Raises:
        InputError: if a column is missing or stands there twice, or none has a usual name for the text.
    """
    text = _one("text", options.text or None, names, where)
    if not text:
        raise InputError(
            f"{where}: no column has a usual name for the text; name it: text=COLUMN. Columns: {listed(names)}."
        )
    if not isinstance(options.metadata, bool):
        _check(options.metadata, names, where)
    return Columns(
        text=text,
        references=_references(options.references, names, where),
        biased=_one("biased", options.biased, names, where),
        category=_one("category", options.category, names, where),
        id=_one("id", options.id, names, where),
        split=_one("split", split, names, where),
        metadata=options.metadata,
    )


def _one(role: str, given: str | None, names: Sequence[str], where: str) -> str:
    """Return the given column, else the first with a usual name, else an empty name."""
    if given is not None:
        _check([given] if given else [], names, where)
        return given
    known = {simple_name(name): name for name in reversed(names)}
    found = next((known[usual] for usual in _USUAL[role].split("|") if usual in known), "")
    _check([found] if found else [], names, where)
    return found


def _references(given: str | tuple[str, ...] | None, names: Sequence[str], where: str) -> tuple[str, ...]:
    if given is not None:
        columns = (given,) if isinstance(given, str) else given
        columns = tuple(name for name in columns if name)
        _check(columns, names, where)
        return columns
    if found := _one("references", None, names, where):
        return (found,)
    usual = _USUAL["references"].split("|")
    return tuple(name for name in names if re.sub(r"_?\d+$", "", simple_name(name)) in usual)


def _check(wanted: Iterable[str], names: Sequence[str], where: str) -> None:
    for name in wanted:
        if name not in names:
            raise InputError(f"{where}: there is no column {name!r}.{nearest(name, names)} Columns: {listed(names)}.")
        if names.count(name) > 1:
            raise InputError(f"{where}: there are {names.count(name)} columns {name!r}; give each a name of its own.")


def simple_name(name: str) -> str:
    """Return a name as the table of usual ones writes it: lower case, underscores, no half-spaces."""
    return re.sub(r"[\s\-\u200c]+", "_", name.strip().lower()).replace("ي", "ی").replace("ك", "ک")


def _flat(row: Mapping[str, Any], prefix: str = "", depth: int = 3) -> Iterable[str]:
    for key, value in row.items():
        yield prefix + key
        if isinstance(value, Mapping) and depth:
            yield from _flat(value, f"{prefix}{key}.", depth - 1)


def _is_inner(name: str, used: Iterable[str]) -> bool:
    return any(other.startswith(f"{name}.") or name.startswith(f"{other}.") for other in used)


def listed(names: Sequence[str]) -> str:
    """Return the names of columns for a message, long ones cut, many told by their number."""
    if not names:
        return "none"
    shown = ", ".join(repr(name[:60]) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
