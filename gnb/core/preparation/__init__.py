"""Preparation: sources in, one clean, split and described dataset out.

Texts are cleaned chunk by chunk into a work file, copies are merged, what is alike is grouped, groups are split, and
the files are written beside the target, which appears in one step at the very end. `prepare` is the whole of it.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from gnb.core.cleaning import Cleaner, CleaningOptions, Step
from gnb.core.manifest import describe_files, versions, write_manifest
from gnb.core.preparation.chunks import clean_record
from gnb.core.preparation.outputs import write_outputs
from gnb.core.preparation.reading import Input
from gnb.core.preparation.stages import Clean, clean_here, clean_inputs, merge_texts, split_texts
from gnb.core.preparation.texts import Texts
from gnb.core.preparation.work import WorkFile
from gnb.core.preparation.workspace import CONFLICTS, OUTPUTS, Workspace
from gnb.core.progress import Track, untracked
from gnb.core.records import SPLITS
from gnb.core.splitting import SHARES, Shares

__all__ = ["Input", "Plan", "Prepared", "prepare"]

_READ = ("read", "empty", "duplicates", "conflicting_references", "conflicting_labels")
_WRITTEN = ("texts", "biased", "unbiased", "unlabelled", "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to prepare, and how.

    Attributes:
        target: the folder to write; it appears when everything in it is complete.
        rules: the cleaning rules.
        seed: of the shuffle and the split.
        shares: the parts of train, validation and test.
        strict: stop at the first piece that a source cannot use.
        workers: processes that clean, at least 1; the result does not depend on them.
        clean: cleans in place of those processes, elsewhere; nor does the result depend on it.
        samples: changes to show for each rule.
    """

    target: Path
    rules: CleaningOptions = field(default_factory=CleaningOptions)
    seed: int = 0
    shares: Shares = SHARES
    strict: bool = False
    workers: int = 1
    clean: Clean | None = None
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was written.

    Attributes:
        manifest: describes it.
        samples: changes that each rule made, as many as were asked for.
        replaced: whether it took the place of an earlier dataset.
    """

    manifest: dict[str, Any]
    samples: dict[str, list[Step]]
    replaced: bool


def prepare(inputs: Sequence[Input], plan: Plan, track: Track = untracked) -> Prepared:
    """Clean, merge, split and write examples. Interrupted at any point, the same call goes on where it stopped.

    A dataset of an earlier call is replaced if its files are still as they were written.

    Args:
        inputs: the sources; what was skipped in them stands in their `problems` afterwards.
        plan: what to do.
        track: told of the progress.

    Raises:
        SettingsError: if the target or the shares cannot be used.
        InputError: if there is nothing to prepare, or at the first problem when strict.
        GnbError: if another process prepares the same target, or a worker process dies.
    """
    space = Workspace(plan.target)
    with WorkFile(space.work_file) as work:
        space.begin()
        counts = _clean(space, work, inputs, plan, track)
        samples = _samples(work, plan)
        texts = Texts(work)
        counts.update(merge_texts(work, texts, space.out / CONFLICTS, seed=plan.seed, track=track))
        split_texts(texts, shares=plan.shares, track=track)
        counts.update(write_outputs(space.out, texts.shuffled(), total=counts["texts"], track=track))
        manifest = _manifest(inputs, plan, counts, space.out)
        write_manifest(space.out, manifest)
        replaced = space.publish()
    return Prepared(manifest, samples, replaced)


def _clean(space: Workspace, work: WorkFile, inputs: Sequence[Input], plan: Plan, track: Track) -> Counter[str]:
    """Clean all inputs, and return the counts; a failure before any text is clean leaves nothing behind."""
    clean = plan.clean or clean_here(plan.workers)
    try:
        return clean_inputs(work, inputs, plan.rules, clean=clean, strict=plan.strict, track=track)
    except BaseException:
        if work.is_empty():
            space.discard()
        raise


def _manifest(inputs: Sequence[Input], plan: Plan, counts: Counter[str], folder: Path) -> dict[str, Any]:
    """Describe what went in and what came out; neither times nor paths, so that reruns are identical."""
    return {
        "versions": versions(),
        "options": {"seed": plan.seed, "shares": list(plan.shares), "rules": plan.rules.model_dump()},
        "sources": [
            {"name": each.name, "examples": each.examples, "skipped": each.problems.count, "sha256": each.sha256}
            for each in inputs
        ],
        "counts": {name: counts[name] for name in (*_READ, *_WRITTEN)}
        | {"splits": {name: counts[name] for name in SPLITS}},
        "rules": {
            rule: {"changed": counts[f"changed:{rule}"], "removed": counts[f"removed:{rule}"]}
            for rule, on in plan.rules
            if on
        },
        "files": describe_files(folder, sorted(OUTPUTS)),
    }


def _samples(work: WorkFile, plan: Plan) -> dict[str, list[Step]]:
    """Return changes by rule, made again from the texts as they were."""
    if not plan.samples:
        return {}
    cleaner = Cleaner(plan.rules)
    return {rule: list(islice(_steps_of(rule, work, cleaner), plan.samples)) for rule, on in plan.rules if on}


def _steps_of(rule: str, work: WorkFile, cleaner: Cleaner) -> Iterator[Step]:
    for line in work.lines_changed_by(rule):
        record = json.loads(line)
        metadata = record["metadata"]
        raw = {"text": metadata.get("raw", record["text"]), "metadata": {}}
        raw["references"] = metadata.get("raw_references", record["references"])
        yield from (step for step in clean_record(raw, cleaner)[1] if step.rule == rule)
