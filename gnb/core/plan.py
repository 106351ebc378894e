"""A comparison as the user words it, turned into examples, rewriters and metrics."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from gnb.core.answering import reason
from gnb.core.comparison import compare
from gnb.core.components import Metric, Rewriter, Source
from gnb.core.errors import GnbError, InputError, SettingsError, UnknownNameError
from gnb.core.matrix import Matrix
from gnb.core.progress import Track, untracked
from gnb.core.reading import Problems, read_source
from gnb.core.records import SPLITS, Example
from gnb.core.registry import Registry
from gnb.core.settings import Choice, Settings
from gnb.core.splitting import shuffle_rank, split_examples
from gnb.core.store import Store
from gnb.core.text import comparison_key
from gnb.core.wording import counted

ALL = "all"
"""Names every example, whatever its split."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to compare, in the words of the command line and of an `[experiments.NAME]` table.

    Attributes:
        sources: `NAME` or `NAME:ARGUMENT` each.
        rewriters: `NAME` or `LABEL=NAME` each.
        metrics: likewise; empty for every metric that can run here.
        split: "train", "validation", "test" or "all".
        limit: judge at most so many examples, at least 1; a higher limit adds examples to those of a lower one.
        seed: of the split and of the choice that `limit` makes.
        copy_baseline: put the row `copy` first.
        strict: stop at the first piece that a source cannot use.
    """

    sources: tuple[str, ...] = ("bundled",)
    rewriters: tuple[str, ...] = ("base", "lora")
    metrics: tuple[str, ...] = ()
    split: str = "test"
    limit: int | None = None
    seed: int = 0
    copy_baseline: bool = True
    strict: bool = False

    def __post_init__(self) -> None:
        if self.split not in (*SPLITS, ALL):
            raise UnknownNameError("split", self.split, (*SPLITS, ALL))
        if self.limit is not None and self.limit < 1:
            raise SettingsError(f"limit {self.limit}: judge at least 1 example.")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with everything it names found and built.

    Attributes:
        examples: what is judged.
        found: how many examples the sources hold, judged or not.
        in_split: how many of them are in the split that is judged, from which a limit chooses.
        problems: pieces of the sources that could not be used.
        rewriters: by label.
        metrics: by label.
        settings: the plan with the validated options of each component, JSON values only.
    """

    examples: Sequence[Example]
    found: int
    in_split: int
    problems: Problems
    rewriters: Mapping[str, Rewriter]
    metrics: Mapping[str, Metric]
    settings: Mapping[str, Any]

    def run(self, store: Store, track: Track = untracked) -> Matrix:
        """Run the comparison; see `compare`."""
        matrix = compare(self.examples, self.rewriters, self.metrics, store, settings=self.settings, track=track)
        return replace(matrix, found=self.found, in_split=self.in_split)


def prepare_plan(plan: Plan, settings: Settings, registry: Registry) -> Prepared:
    """Find and build everything a plan names, so that a mistake in it shows before any work is done.

    Raises:
        SettingsError: if a name or an option is unknown, or a label is given twice.
        InputError: if there is nothing to judge.
        GnbError: if a component cannot be built.
    """
    rewriters = [settings.choose("rewriter", text, registry) for text in plan.rewriters]
    if plan.copy_baseline and all(choice.name != "copy" for choice in rewriters):
        rewriters.insert(0, settings.choose("rewriter", "copy", registry))
    metrics = [settings.choose("metric", text, registry) for text in plan.metrics or available_metrics(registry)]
    sources = [settings.choose("source", text, registry) for text in plan.sources]
    _check_labels([*rewriters, *metrics])
    settings.check_overrides([*rewriters, *metrics, *sources])
    built: dict[str, Rewriter] = {choice.label: _create(registry, choice) for choice in rewriters}
    judges: dict[str, Metric] = {choice.label: _create(registry, choice) for choice in metrics}
    found, problems = _read_all(plan, [_create(registry, choice) for choice in sources])
    wanted = _in_split(found, plan, problems)
    asked = asdict(plan) | {"options": _options(built, judges)}
    return Prepared(_limited(wanted, plan), len(found), len(wanted), problems, built, judges, asked)


def available_metrics(registry: Registry) -> list[str]:
    """Return the names of the metrics whose requirements are installed; one that cannot be imported is logged."""
    names = []
    for name, component in registry.components["metric"].items():
        if component.missing():
            continue
        try:
            component.import_class()
        except GnbError as error:  # chosen by nobody, it ends no comparison
            _log.info("Left out: %s", error)
        else:
            names.append(name)
    return names


def _check_labels(choices: Sequence[Choice]) -> None:
    """Refuse a label that two rewriters or metrics share: `-o` and their kept options could not tell them apart."""
    seen: dict[str, Choice] = {}
    for choice in choices:
        if first := seen.get(choice.label):
            pair = f"two {first.kind}s" if first.kind == choice.kind else f"a {first.kind} and a {choice.kind}"
            hint = f"Give the {first.kind} a label of its own: {first.label}-2={first.name}."
            raise SettingsError(f"There are {pair} {choice.label!r}. {hint}")
        seen[choice.label] = choice


def _create(registry: Registry, choice: Choice) -> Any:
    try:
        return registry.create(choice.kind, choice.name, choice.values)
    except GnbError:
        raise
    except Exception as error:  # a plugin's constructor may raise anything
        raise GnbError(f"{choice.kind} {choice.label!r} cannot be built: {reason(error)}") from error


def read_examples(plan: Plan, sources: Sequence[Source]) -> tuple[list[Example], Problems]:
    """Read all sources, split their examples together, and take those that a plan judges.

    Raises:
        InputError: if there are none, or at the first piece that a source cannot use if the plan is strict.
    """
    examples, problems = _read_all(plan, sources)
    return _limited(_in_split(examples, plan, problems), plan), problems


def _read_all(plan: Plan, sources: Sequence[Source]) -> tuple[list[Example], Problems]:
    examples: list[Example] = []
    problems = Problems()
    for source in sources:
        read, found = read_source(source, strict=plan.strict)
        examples += read
        problems.count += found.count
        problems.kept += found.kept
        problems.notes += found.notes
    return examples, problems


def _in_split(examples: list[Example], plan: Plan, problems: Problems) -> list[Example]:
    wanted = examples
    if plan.split != ALL:
        wanted = [each for each in split_examples(examples, seed=plan.seed) if each.split == plan.split]
    if not wanted:
        raise InputError(f"There is nothing to judge: {_emptiness(examples, plan, problems)}")
    return wanted


def _emptiness(examples: list[Example], plan: Plan, problems: Problems) -> str:
    """Say why nothing is left, and what was skipped, which may be the reason."""
    if examples:
        why = f"of {len(examples)} examples none is in the split {plan.split!r}. --split {ALL} judges them all."
    else:
        why = "the sources hold no examples."
    if problems.count:
        why += f" Skipped {counted(problems.count, 'piece')}, the first: {problems.kept[0]}."
    return why


def _limited(examples: list[Example], plan: Plan) -> list[Example]:
    """Take the examples that come first in a random order, and leave them in their own."""
    if plan.limit is None or plan.limit >= len(examples):
        return examples
    ranks = [(shuffle_rank(comparison_key(example.text), plan.seed), place) for place, example in enumerate(examples)]
    return [examples[place] for place in sorted(place for _, place in sorted(ranks)[: plan.limit])]


def _options(*groups: Mapping[str, Rewriter] | Mapping[str, Metric]) -> dict[str, Any]:
    """Return the validated options by label; secrets stay hidden."""
    return {label: each.options.model_dump(mode="json") for group in groups for label, each in group.items()}
