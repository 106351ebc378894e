"""`gnb tune`: what each threshold of a rewriter would do, and the calibration behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gnb.cli.shared import note, note_problems, open_store, progress, settings_options, store_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gnb.core.calibration import Calibration
    from gnb.core.components import Rewriter
    from gnb.core.plan import Plan
    from gnb.core.records import Example, Rewrite
    from gnb.core.settings import Settings
    from gnb.core.tuning import ThresholdRow, Tuning


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--rewriter", "-r", "name", default="lora", show_default=True, help="The rewriter's name.")
@click.option("--split", default="validation", show_default=True, help="train, validation, test or all.")
@click.option("--limit", type=int, help="Look at so many texts at most.")
@click.option("--save", is_flag=True, help="Keep the fitted calibration in the folder of the adapter or detector.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@store_option
@settings_options
def tune(
    settings: Settings,
    sources: tuple[str, ...],
    name: str,
    split: str,
    limit: int | None,
    save: bool,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Show what each threshold of a rewriter does to labelled texts: -o LABEL.threshold=... sets it.

    A SOURCE is NAME or NAME:ARGUMENT; without one it is the bundled corpus. The rewriter says how probably each
    text is biased, and the labels tell what follows. Thresholds are those of the calibration in use; with --save, of
    the one that is fitted here and kept.
    """
    from gnb.core.plan import Plan

    plan = Plan(sources=sources or ("bundled",), rewriters=(name,), split=split, limit=limit)
    rewriter, examples = _prepare(settings, plan)
    folder = _calibrated_folder(rewriter, name, needed=save)
    tuning = _tune(_rewrites(rewriter, examples, name, store_path), examples, name, folder, refit=save)
    if save and folder:
        from gnb.models.calibrations import save_calibration

        save_calibration(folder, tuning.fitted)
        note(f"The fitted calibration is in {folder}.")
    _show_json(tuning) if as_json else _show(tuning)


def _prepare(settings: Settings, plan: Plan) -> tuple[Rewriter, Sequence[Example]]:
    """Build the rewriter so that it judges texts and changes none, and read those that are labelled."""
    from gnb.core.plan import read_examples
    from gnb.plugins.manager import installed_plugins
    from gnb.rewriters.local.options import LocalOptions

    registry = installed_plugins().registry
    choice = settings.choose("rewriter", plan.rewriters[0], registry)
    sources = [settings.choose("source", text, registry) for text in plan.sources]
    settings.check_overrides([choice, *sources])
    values = dict(choice.values)
    if issubclass(registry.get("rewriter", choice.name).load().options_model, LocalOptions):
        values["threshold"] = 1.0
    rewriter = registry.create("rewriter", choice.name, values)
    examples, problems = read_examples(plan, [registry.create("source", each.name, each.values) for each in sources])
    note_problems(problems, hint="")
    return rewriter, [example for example in examples if example.biased is not None]


def _calibrated_folder(rewriter: Rewriter, name: str, *, needed: bool) -> Path | None:
    """Return the folder that holds the calibration in use; if it is needed, it must be one that may be changed."""
    from gnb.core.errors import ModelError
    from gnb.models.calibrations import check_own
    from gnb.rewriters.local.rewriter import LocalRewriter

    folder = rewriter.calibrated_folder() if isinstance(rewriter, LocalRewriter) else None
    if needed and folder is None:
        raise ModelError(f"The rewriter {name!r} has no adapter or detector whose folder could keep a calibration.")
    if needed and folder:
        check_own(folder)
    return folder


def _rewrites(
    rewriter: Rewriter, examples: Sequence[Example], name: str, store_path: Path | None
) -> Mapping[str, Rewrite]:
    """Return the rewriter's answers by text, from the store where it has them."""
    from functools import partial

    from gnb.core.answering import answer
    from gnb.core.errors import GnbError

    texts = sorted({example.text for example in examples}, key=lambda text: (-len(text), text))
    with open_store(store_path) as store, progress() as track:
        answers = answer(rewriter, texts, store, partial(track, name))
    if answers.error:
        raise GnbError(f"{name} failed: {answers.error}")
    return answers.rewrites


def _tune(
    rewrites: Mapping[str, Rewrite], examples: Sequence[Example], name: str, folder: Path | None, *, refit: bool
) -> Tuning:
    from gnb.core.calibration import Calibration
    from gnb.core.errors import InputError
    from gnb.core.tuning import bias_odds, tune
    from gnb.core.wording import counted
    from gnb.models.calibrations import stored_calibration

    stored = stored_calibration(folder) if folder else Calibration()
    noted = [(bias_odds(rewrites[example.text].details, stored), bool(example.biased)) for example in examples]
    scored = [(odds, biased) for odds, biased in noted if odds is not None]
    if examples and not scored:
        raise InputError(
            f"The rewriter {name!r} says of no text how biased it is. Use lora with a detector (-o lora.detector=...), "
            "or guided decoding."
        )
    if left := len(noted) - len(scored):
        why = "as those without Persian letters or longer than the context have no score"
        note(f"Left out, {why}: {counted(left, 'text')}.")
    return tune([odds for odds, _ in scored], [biased for _, biased in scored], stored, refit=refit)


def _show(tuning: Tuning) -> None:
    click.echo("threshold  precision %  recall %    F1 %  touched %")
    for row in tuning.rows:
        precision = "-" if row.precision is None else f"{100 * row.precision:.1f}"
        shares = f"{100 * row.recall:8.1f}  {100 * row.f1:6.1f}  {100 * row.touched:9.1f}"
        click.echo(f"{row.threshold:9.2f}  {precision:>11}  {shares}  {'; '.join(_marks(tuning, row))}".rstrip())
    auc = "-" if tuning.auc is None else f"{100 * tuning.auc:.1f} %"
    click.echo(f"\n{tuning.biased} biased and {tuning.unbiased} unbiased texts; ROC AUC {auc}")
    click.echo(f"calibration in use: {_described(tuning.calibration)}, Brier score {tuning.brier:.4f}")
    click.echo(f"fitted to these texts: {_described(tuning.fitted)}, Brier score {tuning.fitted_brier:.4f}")
    if tuning.fitted_brier > tuning.brier:
        note("These texts are too few or too easy to fit a calibration to: the one in use is nearer to them.")


def _marks(tuning: Tuning, row: ThresholdRow) -> Iterator[str]:
    from gnb.core.tuning import TOLERABLE

    if row == tuning.best_f1:
        yield "best F1"
    if row == tuning.careful:
        yield f"most found with at most {TOLERABLE:.0%} touched"


def _described(calibration: Calibration) -> str:
    return f"slope {calibration.slope:.3f}, intercept {calibration.intercept:.3f}"


def _show_json(tuning: Tuning) -> None:
    import json
    from dataclasses import asdict

    careful = tuning.careful
    chosen = {"best_f1": tuning.best_f1.threshold, "careful": careful.threshold if careful else None}
    click.echo(json.dumps({**asdict(tuning), **chosen}, indent=2))
