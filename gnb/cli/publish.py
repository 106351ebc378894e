"""`gnb publish`: a dataset ready for others, in a folder or on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gnb.cli.shared import note, progress, settings_options, split_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnb.cli.data import Data
    from gnb.core.settings import Settings
    from gnb.publishing import Plan


@click.command()
@click.argument("data")
@click.option("--to", "target", required=True, metavar="DIR|hub:OWNER/NAME", help="Where to publish.")
@click.option("--license", "spdx", metavar="SPDX", help="The data's licence, such as CC-BY-4.0.")
@click.option(
    "--license-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the licence's text; CC-BY-4.0 needs none.",
)
@click.option("--title", default="Gender bias in Persian text", show_default=True, help="Of the dataset card.")
@click.option("--attribution", default="", help="Whom users have to name.")
@click.option("--about", type=click.Path(path_type=Path, dir_okay=False), help="Markdown: how the data was made.")
@click.option("--metadata", "keys", multiple=True, help="Publish these keys of the metadata too, comma-separated.")
@click.option("--keep-personal-data", "keep", is_flag=True, help="Mask no handles, numbers and addresses.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split of texts that have none.")
@click.option("--upload", is_flag=True, help="Send it to the hub; else what would be sent is only listed.")
@click.option("--public", is_flag=True, help="Let everybody see it on the hub; private otherwise.")
@click.option("--strict", is_flag=True, help="Stop at the first piece that the source cannot use.")
@click.option("--json", "as_json", is_flag=True, help="Print what publication.json holds.")
@settings_options
def publish(
    settings: Settings,
    data: str,
    target: str,
    upload: bool,
    public: bool,
    strict: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Publish DATA with card, licence, checksums, Parquet, JSON Lines, an archive and a benchmark task.

    DATA is a source, NAME or NAME:ARGUMENT, or a folder that `gnb prepare` wrote. Personal data in texts and
    references is masked, and counted in the card. Nothing is sent anywhere without --upload; the token for the hub
    comes from HF_TOKEN or `hf auth login`.
    """
    import json
    from tempfile import TemporaryDirectory

    from gnb.cli.data import read_data
    from gnb.publishing import publish as run
    from gnb.publishing.hub import PREFIX, check_hub, repository_name

    repository = repository_name(target) if target.startswith(PREFIX) else None
    if (upload or public) and repository is None:
        raise click.UsageError("--upload and --public belong to --to hub:OWNER/NAME.")
    if upload and repository:
        check_hub(repository)  # before the work that would be for nothing
    read = read_data(settings, data, strict=strict)
    with TemporaryDirectory(prefix="gnb-publish-") as scratch, progress() as track:
        folder = Path(scratch) / "dataset" if repository else Path(target)
        record = run(read.examples, _plan(read, folder, repository, **given), track)
        sent = _send(folder, repository, upload=upload, public=public) if repository else f"written to {target}"
    for key in split_names(given["keys"]):
        if key not in record["metadata"]:
            note(f"--metadata {key}: no text has that key.")
    click.echo(json.dumps(record, ensure_ascii=False, indent=2) if as_json else "\n".join(_summary(record)))
    if record["findings"]:
        note(_how_to_look(None if repository else target))
    note(sent)


def _plan(
    read: Data,
    folder: Path,
    repository: str | None,
    spdx: str | None,
    license_file: Path | None,
    about: Path | None,
    keys: tuple[str, ...],
    keep: bool,
    **given: Any,
) -> Plan:
    from gnb.publishing import Plan
    from gnb.publishing.licences import find_licence

    return Plan(
        target=folder,
        licence=find_licence(spdx, license_file, read.sources),
        sources=read.sources,
        manifest=read.manifest,
        repository=repository,
        about=_read(about) if about else "",
        metadata=split_names(keys),
        keep_personal=keep,
        **given,
    )


def _read(path: Path) -> str:
    from gnb.core.errors import InputError

    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--about {path}: cannot be read as UTF-8 text ({error}).") from None


def _send(folder: Path, repository: str, *, upload: bool, public: bool) -> str:
    from gnb.core.checksums import files_in
    from gnb.publishing.hub import upload as send

    if upload:
        return f"published: {send(folder, repository, public=public)}"
    sizes = [f"  {(folder / name).stat().st_size:>12,} bytes  {name}" for name in files_in(folder)]
    kind = "public" if public else "private"
    return "\n".join([f"Nothing was sent. --upload sends these to the {kind} dataset {repository}:", *sizes])


def _how_to_look(folder: str | None) -> str:
    """Say how to see what the findings are about: masking may bring some that the data itself does not have."""
    import shlex

    publish = "" if folder else "gnb publish with --to FOLDER and then "
    return f"{publish}gnb audit {shlex.quote(f'prepared:{folder or "FOLDER"}/jsonl')} names the texts of the findings."


def _summary(record: dict[str, Any]) -> Iterator[str]:
    sizes, personal = record["sizes"], record["personal_data"]
    yield f"texts\t{sizes['texts']}"
    yield from (f"{split}\t{count}" for split, count in sizes["splits"].items())
    for kind, count in personal["pieces"].items():
        yield f"{'masked' if personal['masked'] else 'not masked'} {kind}\t{count}"
    for each in record["findings"]:
        yield f"{each['severity']} {each['name']}\t{each['count']}"
    yield f"licence\t{record['licence']}"
