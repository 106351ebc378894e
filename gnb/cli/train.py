"""`gnb train`: a LoRA adapter from labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gnb.cli.shared import note, note_problems, progress, settings_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gnb.core.progress import Track
    from gnb.core.records import Example
    from gnb.core.registry import Registry
    from gnb.core.settings import Choice, Settings
    from gnb.training.callbacks import Progress
    from gnb.training.job import Job
    from gnb.training.options import TrainingOptions

_LABEL = "train"
_LIBRARIES = ("accelerate", "peft", "safetensors", "torch", "transformers")
_PRESETS = {"rewrite": "default", "detect": "detect"}
"""The preset of each task."""


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Folder of the adapter.")
@click.option(
    "--task",
    type=click.Choice(["rewrite", "detect"]),
    default="rewrite",
    show_default=True,
    help="Learn to rewrite texts, or to tell whether they are biased and in which category.",
)
@click.option("--preset", help="Settings to start from: default, paper or detect.  [that of the task]")
@click.option("--trainer", type=click.Choice(["gnb", "llama-recipes"]), help="Whose training loop runs.  [gnb]")
@click.option("--seed", type=click.IntRange(min=0), help="Of initialisation, order and dropout.  [0]")
@click.option("--limit", type=click.IntRange(min=1), help="Use so many training and validation texts at most.")
@click.option("--strict", is_flag=True, help="Stop at the first piece that a source cannot use.")
@click.option(
    "--resume/--restart", default=True, help="Go on from the checkpoints in the folder (default), or discard them."
)
@click.option("--dry-run", is_flag=True, help="Print settings and token counts, and train nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def train(
    settings: Settings, sources: tuple[str, ...], *, resume: bool, dry_run: bool, as_json: bool, **given: Any
) -> None:
    """Tune the base model on labelled texts by LoRA, and write the adapter with its model card.

    The task `rewrite` learns the neutral forms of texts, the task `detect` their categories.

    A SOURCE is NAME or NAME:ARGUMENT; without one it is the bundled corpus. Its training part is learnt, its
    validation part decides when to stop, its test part is never looked at. Interrupted, the same command goes on from
    the last checkpoint. Options are set by -o train.OPTION=VALUE; --dry-run shows them all.
    """
    job = _job(settings, sources or ("bundled",), **given)
    from gnb.training.job import check_target, perform

    if dry_run:
        check_target(job.target)
        _show(_plan(job), as_json=as_json)
        note(f"Nothing was trained. Without --dry-run the adapter goes to {job.target}.")
        return
    from gnb.training.processes import is_main

    if not is_main():
        perform(job, restart=not resume)
        return
    try:
        with progress() as track:
            card = perform(job, restart=not resume, watch=_watch(track))
    except KeyboardInterrupt:
        if job.has_checkpoint():
            note(f"A checkpoint is kept; the same command{'' if resume else ' without --restart'} goes on from there.")
        raise
    _show(card if as_json else _summary(card), as_json=as_json)
    option = "adapter" if job.options.task == "rewrite" else "detector"
    note(f"The adapter is in {job.target}. Use it: -o lora.{option}={job.target}")


def _job(
    settings: Settings,
    sources: Sequence[str],
    target: Path,
    task: str,
    preset: str | None,
    trainer: str | None,
    seed: int | None,
    limit: int | None,
    strict: bool,
) -> Job:
    from gnb.core.errors import SettingsError
    from gnb.plugins.manager import installed_plugins

    _check_installed()
    given = {key: value for key, value in (("trainer", trainer), ("seed", seed)) if value is not None}
    options, chosen = _options(settings, preset or _PRESETS[task], given)
    if options.task != task:
        raise SettingsError(f"The settings are for the task {options.task!r}: add --task {options.task}.")
    options.start_folder()  # one that is not there is told before the sources are read, and by --dry-run too
    registry = installed_plugins().registry
    choices = [settings.choose("source", text, registry) for text in sources]
    settings.check_overrides(choices, _LABEL)
    examples = list(_examples(choices, registry, strict=strict))
    # after the sources have been read: what trains takes seconds to import, and a mistake is to be told at once
    from gnb.training.data import select_data
    from gnb.training.job import Job

    data = select_data(
        examples, task=options.task, unbiased_share=options.unbiased_share, seed=options.split_seed, limit=limit
    )
    if not data.validation:
        note("No text is for validation: nothing tells how well the run learns, or when to stop.")
    flags = [("--task", task), ("--preset", preset), ("--profile", settings.profile), ("--limit", limit)]
    pairs = {f"{_LABEL}.{key}": value for key, value in chosen.items()} | _source_pairs(sources, choices, registry)
    return Job(data, options, target, sources, _command(sources, target, flags, pairs))


def _check_installed() -> None:
    from gnb.core.errors import MissingDependencyError
    from gnb.core.registry import is_installed

    if absent := [name for name in _LIBRARIES if not is_installed(name)]:
        raise MissingDependencyError(f"Training needs {', '.join(absent)}. Install: pip install 'gnb[local]'")


def _options(settings: Settings, preset: str, given: dict[str, Any]) -> tuple[TrainingOptions, dict[str, Any]]:
    """Merge all that was said about the options. Returns them, and those values that neither preset nor profile has."""
    from gnb.core.options import build_options
    from gnb.training.options import TrainingOptions, preset_values

    profile = settings.profile_tables().get("model", {})
    known = {key: value for key, value in profile.items() if key in TrainingOptions.model_fields}
    chosen = {**settings.file.train, **given, **settings.overrides.get(_LABEL, {})}
    return build_options(TrainingOptions, {**preset_values(preset), **known, **chosen}, "gnb train"), chosen


def _examples(choices: Sequence[Choice], registry: Registry, *, strict: bool) -> Iterator[Example]:
    from gnb.core.reading import read_source

    for choice in choices:
        source = registry.create("source", choice.name, choice.values)
        examples, problems = read_source(source, strict=strict)
        yield from examples
        note_problems(problems)


def _source_pairs(sources: Sequence[str], choices: Sequence[Choice], registry: Registry) -> dict[str, Any]:
    """Return what was chosen for the sources, by label and option: neither secrets nor what they are named with."""
    from pydantic import SecretStr

    pairs: dict[str, Any] = {}
    for text, choice in zip(sources, choices, strict=True):
        source = registry.create("source", choice.name, choice.values)
        known = {source.argument} if ":" in text else set()
        known |= {key for key, value in source.options if isinstance(value, SecretStr)}
        values = source.options.model_dump(mode="json", include=choice.values.keys() - known)
        pairs |= {f"{choice.label}.{key}": value for key, value in values.items()}
    return pairs


def _command(sources: Sequence[str], target: Path, flags: Sequence[tuple[str, Any]], pairs: dict[str, Any]) -> str:
    """Return the command that trains the same from the same folder.

    What gnb.toml says of training and of the options of sources is spelt out; profiles and named sources are not.
    """
    import json
    import shlex

    from gnb.core.settings import parse_value

    defaults = {"--task": "rewrite", "--preset": None, "--profile": "embedded", "--limit": None}
    words = ["gnb", "train", *sources, "--to", str(target)]
    words += [word for name, value in flags if value != defaults[name] for word in (name, str(value))]
    for key, value in pairs.items():
        words += ["-o", f"{key}={value if parse_value(str(value)) == value else json.dumps(value, ensure_ascii=False)}"]
    return shlex.join(words)


def _watch(track: Track) -> Callable[[Progress], None]:
    """Show each step as progress, and say each new validation loss."""

    def watch(now: Progress) -> None:
        track("training", now.step, now.steps)
        if now.validation_loss is not None:
            note(f"step {now.step} of {now.steps}: validation loss {now.validation_loss:.4f}")

    return watch


def _plan(job: Job) -> dict[str, Any]:
    """Return everything that a run would do, as far as it can be known without loading the model."""
    from gnb.core.errors import ModelError
    from gnb.models.loading import is_hub_id
    from gnb.models.placing import context_length, pick_dtype

    if job.options.trainer == "llama-recipes":
        from gnb.training.recipes import check

        check(job.options)
    try:
        counts = _counts(job)
    except ModelError as error:
        if not is_hub_id(job.options.base_model):
            raise
        note(f"Without the tokenizer nothing can be counted. {error}")
        counts = {}
    learns_answers = job.options.task == "rewrite"
    settings = job.options.model_dump(exclude=None if learns_answers else {"prompt", "references", "change_weight"})
    settings["context_length"] = context_length(job.options)
    settings["dtype"] = str(pick_dtype(job.options.dtype)).removeprefix("torch.")
    return {"data hash": job.data.hash(), **counts, "optimiser": "AdamW", **settings}


def _counts(job: Job) -> dict[str, int]:
    import math

    from gnb.models.loading import load_tokenizer
    from gnb.training.rows import count, make_rows

    options = job.options
    rows = make_rows(job.data, options, load_tokenizer(options.base_model, options.revision))
    if options.trainer == "llama-recipes":
        from gnb.training.recipes import packing_losses

        return {**count(job.data, rows), **packing_losses(rows.encoded["train"].items, options.packing or 0)}
    steps = options.epochs * math.ceil(len(rows.train) / (options.batch_size * options.accumulation))
    return {**count(job.data, rows), "train_rows": len(rows.train), "steps": steps}


def _summary(card: dict[str, Any]) -> dict[str, Any]:
    names = ("steps", "train_loss", "kept_step", "best_step", "validation_loss", "parameters")
    return {"data hash": card["data"], **card["counts"], **{name: card[name] for name in names}}


def _show(values: dict[str, Any], *, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, indent=2))
        return
    for name, value in values.items():
        shown = value if isinstance(value, str) else json.dumps(value)
        click.echo(f"{name.replace('_', ' ')}\t{shown!r}" if "\n" in shown else f"{name.replace('_', ' ')}\t{shown}")
