"""The card of a publication: what it holds, how it was made, what was masked, and what is known to be wrong with it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from gnb.core.layout import printable
from gnb.core.personal import PLACEHOLDERS, PersonalKind
from gnb.core.wording import counted
from gnb.publishing.files import parquet_name
from gnb.publishing.licences import BUNDLED, BUNDLED_ATTRIBUTION, Licence

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_MEANINGS = {
    "register": "`formal` or `informal`",
    "pair": "a biased and an unbiased text that look alike share this key",
}
_GENERAL_LIMITS = """- The labels say what one guideline calls biased; other people draw the line elsewhere.
- Biased texts are here so that software learns to recognise and rewrite them. Do not train a model to write them.
- Masking goes by patterns: names of people, places and employers stay, and so does what is written out in words."""
_KIND_NAMES: dict[PersonalKind, str] = {
    "mail": "mail addresses",
    "profile": "links to profiles",
    "handle": "@names",
    "iban": "IBANs",
    "card": "card numbers",
    "phone": "telephone numbers",
    "national_id": "national codes",
}


def write_card(record: Mapping[str, Any], licence: Licence, repository: str | None) -> str:
    """Return the card in Markdown with its YAML head.

    Args:
        record: what `publication.json` holds.
        licence: the data's.
        repository: its name on the hub; None for a folder.
    """
    template = resources.files("gnb.publishing").joinpath("card.md").read_text("utf-8")
    sizes = record["sizes"]
    return template.format(
        licence=licence,
        licence_link=f"license_name: {licence.spdx}\nlicense_link: LICENSE\n" if licence.hub_name == "other" else "",
        title=" ".join(record["title"].split()),
        title_json=json.dumps(record["title"], ensure_ascii=False),
        size=next((name for limit, name in _SIZES if sizes["texts"] < limit), "1M<n<10M"),
        data_files="\n".join(f"  - split: {split}\n    path: {parquet_name(split)}" for split in sizes["splits"]),
        dataset=repository or "PATH_OF_THIS_FOLDER",
        counts=_counts(sizes),
        columns="\n".join(f"| `{key}` | string | {_MEANINGS.get(key, 'metadata')} |" for key in record["metadata"]),
        made="\n\n".join(_made(record)),
        personal=_personal(record["personal_data"]),
        limits="\n".join([_GENERAL_LIMITS, *_limits(record["findings"])]),
        attribution="\n".join(f"\n{line}" for line in _attribution(record)),
    )


def _counts(sizes: Mapping[str, Any]) -> str:
    rows = [("texts", sizes["texts"]), ("references", sizes["references"])]
    rows += [(f"split {name}", count) for name, count in sizes["splits"].items()]
    rows += list(sizes["labels"].items())
    rows += [(f"category `{_cell(name)}`", count) for name, count in sizes["categories"].items()]
    rows += [(f"register `{_cell(name)}`", count) for name, count in sizes["registers"].items()]
    words = ", ".join(f"{name}: {count}" for name, count in sizes["words"].items())
    lines = [f"| {name} | {count:,} |" for name, count in rows]
    return "\n".join(["| | |", "|---|---:|", *lines]) + f"\n\nWords a text, by quantile: {words}."


def _made(record: Mapping[str, Any]) -> Iterator[str]:
    if record["about"]:
        yield record["about"].strip()
    sources, rules = record["sources"], record["rules"]
    if sources:
        yield f"Sources, as gnb reads them: {', '.join(f'`{_cell(name)}`' for name in sources)}."
    if not sources:
        yield "Which sources the texts are from, and whether they were cleaned, is not known."
    elif rules is None:
        yield "The texts were not cleaned."
    else:
        changed = ", ".join(f"{rule} ({counted(count, 'text')})" for rule, count in rules.items())
        yield f"Cleaned by the rules of `gnb prepare`: {changed or 'none changed a text'}. Copies were merged."
    if record["split_here"]:
        yield "Texts without a split were given one; contrast pairs and near-identical texts stay in one split."
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    yield f"Written by `gnb publish` ({versions})."


def _personal(found: Mapping[str, Any]) -> str:
    pieces = found["pieces"]
    known = [(kind, pieces[kind]) for kind in _KIND_NAMES if pieces.get(kind)]
    listed = ", ".join(f"{_KIND_NAMES[kind]}: {count:,} (`{PLACEHOLDERS[kind]}`)" for kind, count in known)
    if not listed:
        return "None was found in texts and references, by the patterns of gnb."
    if found["masked"]:
        return (
            f"Masked in texts and references alike, in {found['examples']:,} of the texts: {listed}. Each stands where "
            "the placeholder in brackets does now; hazm and the metrics read a placeholder as one token."
        )
    return f"**Not masked**, by the choice of the publisher. Found in texts and references: {listed}."


def _limits(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in findings:
        yield f"- `gnb audit` ({each['severity']}): {_cell(each['title'])}: {each['count']:,}."


def _attribution(record: Mapping[str, Any]) -> Iterator[str]:
    if record["attribution"]:
        yield record["attribution"].strip()
    if BUNDLED in record["sources"]:
        yield BUNDLED_ATTRIBUTION


def _cell(text: str) -> str:
    return printable(" ".join(text.replace("|", "\\|").replace("`", "'").split()))
