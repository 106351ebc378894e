"""The matrix: what is computed and what is not, what fails and what goes on, and how it is shown."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from scripted import ScriptedMetric, ScriptedOptions, ScriptedRewriter, Workplace, examples
from test_startup import HEAVY, run

from gnb.cli.compare import _note_left_out
from gnb.core.comparison import compare
from gnb.core.fingerprint import hash_text
from gnb.core.matrix import Matrix
from gnb.core.plan import Plan, available_metrics, prepare_plan
from gnb.core.records import Example, Rewrite
from gnb.core.registry import Component, Registry
from gnb.core.report import notes_of, to_json
from gnb.core.settings import Settings
from gnb.core.store import Store
from gnb.core.store_runs import find_run
from gnb.core.text import comparison_key
from gnb.plugins.manager import installed_plugins
from gnb.rewriters.copy import CopyRewriter

EXAMPLES = examples(12)
TEXTS = [example.text for example in EXAMPLES]


def rewriter(**options: Any) -> ScriptedRewriter:
    return ScriptedRewriter(ScriptedOptions(**options))


def metric(**options: Any) -> ScriptedMetric:
    return ScriptedMetric(ScriptedOptions(**options))


def copy() -> CopyRewriter:
    return CopyRewriter(CopyRewriter.options_model())


def letters(matrix: Matrix, label: str) -> float | None:
    (row,) = (row for row in matrix.rows if row.label == label)
    return row.cells["letters"].scores["letters"]


@pytest.fixture
def log(tmp_path: Any) -> Callable[[], list[str]]:
    """What the components were asked since the last call."""
    path = tmp_path / "log"

    def taken() -> list[str]:
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    taken.path = str(path)
    return taken


def test_a_matrix_holds_each_metric_of_each_rewriter(store: Store) -> None:
    matrix = compare(EXAMPLES, {"copy": copy(), "loud": rewriter(suffix="!!")}, {"letters": metric()}, store)
    mean = sum(map(len, TEXTS)) / len(TEXTS)
    assert (letters(matrix, "copy"), letters(matrix, "loud")) == (pytest.approx(mean), pytest.approx(mean + 2))
    assert not matrix.failed
    assert matrix.texts == 12
    assert find_run(store).status == "finished"


def test_a_number_that_is_none_becomes_undefined(store: Store) -> None:
    matrix = compare(EXAMPLES, {"copy": copy()}, {"letters": metric()}, store)
    assert matrix.rows[0].cells["letters"].scores["none"] is None


def test_texts_are_given_once_and_the_longest_first(store: Store, log: Any) -> None:
    compare([*EXAMPLES, *EXAMPLES], {"a": rewriter(log=log.path)}, {}, store)
    assert log() == sorted(TEXTS, key=len, reverse=True)


def test_nothing_is_computed_twice(store: Store, log: Any) -> None:
    parts = {"a": rewriter(log=log.path)}, {"letters": metric(log=log.path)}
    first = compare(EXAMPLES, *parts, store)
    assert len(log()) == 24
    assert compare(EXAMPLES, *parts, store).rows == first.rows
    assert log() == []


def test_more_texts_or_one_more_rewriter_cost_what_is_new_alone(store: Store, log: Any) -> None:
    compare(EXAMPLES[:8], {"a": rewriter(log=log.path)}, {"letters": metric(log=log.path)}, store)
    log()
    both = {"a": rewriter(log=log.path), "b": rewriter(suffix="?", log=log.path)}
    compare(EXAMPLES, both, {"letters": metric(log=log.path)}, store)
    asked = log()
    assert sorted(text for text in asked if text in TEXTS) == sorted([*TEXTS[8:], *TEXTS])
    assert sorted(text for text in asked if text.endswith("!")) == sorted(f"{text}!" for text in TEXTS[8:])


def test_a_cached_rewriter_is_not_even_asked(store: Store) -> None:
    compare(EXAMPLES, {"a": rewriter()}, {}, store)
    assert not compare(EXAMPLES, {"a": rewriter(raise_after=0)}, {}, store).failed


def test_answers_that_overtake_each_other_are_kept_with_their_texts_those_before_an_error_included(
    store: Store,
) -> None:
    class Overtaking(ScriptedRewriter):
        def rewrite_as_completed(self, texts):
            yield from [(place, Rewrite(f"{text}~")) for place, text in enumerate(texts)][:2:-1]
            raise RuntimeError("the money is spent")

    rewriter = Overtaking(ScriptedOptions())
    (row,) = compare(EXAMPLES, {"a": rewriter}, {}, store).rows
    assert row.error == "RuntimeError: the money is spent"
    longest = sorted(TEXTS, key=len, reverse=True)
    kept = store.outputs(row.fingerprint, TEXTS)
    assert {text: answer.text for text, answer in kept.items()} == {text: f"{text}~" for text in longest[3:]}


def test_each_rewriter_is_closed_before_the_next_begins(store: Store) -> None:
    one = rewriter()

    class Watching(ScriptedRewriter):
        def rewrite(self, texts):
            assert one.closed == 1
            return super().rewrite(texts)

    assert not compare(EXAMPLES, {"one": one, "two": Watching(ScriptedOptions())}, {}, store).failed


@pytest.mark.parametrize(
    ("options", "reason", "kept"),
    [
        ({"raise_after": 0}, "RuntimeError: told to raise", 0),
        ({"raise_after": 5}, "RuntimeError: told to raise", 5),
        ({"nameless": True}, "RuntimeError: no fingerprint today", 0),
        ({"surplus": 1}, "It gave more than one answer a text to 12 texts.", 0),
        ({"surplus": -2}, "It gave 10 answers to 12 texts.", 0),
    ],
)
def test_a_rewriter_that_fails_is_shown_with_the_reason_and_the_others_finish(
    store: Store, options: dict[str, Any], reason: str, kept: int
) -> None:
    bad = rewriter(suffix="~", **options)
    matrix = compare(EXAMPLES, {"bad": bad, "good": rewriter()}, {"letters": metric()}, store)
    row, good = matrix.rows
    assert (row.error, row.cells["letters"].error) == (reason, reason)
    assert not good.error
    assert good.cells["letters"].scores
    assert matrix.failed
    assert find_run(store).status == "failed"
    assert store.read("SELECT count(*) FROM outputs WHERE output LIKE '%~'") == [(kept,)]
    assert any(note.startswith(f"bad failed: {reason}") for note in notes_of(matrix))


def test_a_reason_that_no_utf8_can_hold_stays_in_its_row(store: Store) -> None:
    class Raising(ScriptedRewriter):
        def rewrite(self, texts):
            raise RuntimeError("no \udcff")

    matrix = compare(EXAMPLES, {"bad": Raising(ScriptedOptions()), "good": rewriter()}, {"letters": metric()}, store)
    assert [row.error for row in matrix.rows] == ["RuntimeError: no \udcff", ""]


def test_what_fails_to_close_loses_no_result(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def close(self: object) -> None:
        raise OSError("the line is dead")

    caplog.set_level("INFO", "gnb")
    stubborn = type("Stubborn", (ScriptedRewriter,), {"close": close})(ScriptedOptions())
    judge = type("Judge", (ScriptedMetric,), {"close": close})(ScriptedOptions())
    assert not compare(EXAMPLES, {"a": stubborn, "b": rewriter()}, {"letters": judge}, store).failed
    assert len(re.findall("(?:Stubborn|Judge) failed to close: OSError: the line is dead", caplog.text)) == 2


def test_a_fingerprint_that_names_a_class_itself_is_refused(store: Store) -> None:
    class Posing(ScriptedRewriter):
        def fingerprint(self):
            return {"class": "gnb.rewriters.copy:CopyRewriter"}

    (row,) = compare(EXAMPLES, {"a": Posing(ScriptedOptions())}, {}, store).rows
    assert row.error.startswith("Its fingerprint has a key 'class', which gnb sets itself.")


def test_an_answer_that_is_no_rewrite_is_named(store: Store) -> None:
    matrix = compare(EXAMPLES[:1], {"bad": ScriptedRewriter(ScriptedOptions(bare=True))}, {}, store)
    assert matrix.rows[0].error == "It answered with 'متن 0!', not with a Rewrite that holds a text."


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"raise_after": 0}, "RuntimeError: told to raise"),
        ({"nameless": True}, "RuntimeError: no fingerprint today"),
        ({"surplus": -1}, "It counted 11 of 12 segments."),
    ],
)
def test_a_metric_that_fails_leaves_the_others_alone(store: Store, options: dict[str, Any], reason: str) -> None:
    metrics = {"bad": metric(**options), "letters": metric()}
    matrix = compare(EXAMPLES, {"a": rewriter()}, metrics, store)
    assert matrix.rows[0].cells["bad"].error == reason
    assert matrix.rows[0].cells["letters"].scores
    assert matrix.failed
    assert not matrix.rows[0].error
    assert any(note == f"bad of a failed: {reason}" for note in notes_of(matrix))


def test_two_classes_with_equal_records_share_nothing(store: Store) -> None:
    class Other(ScriptedRewriter):
        pass

    pair = {"one": rewriter(), "other": Other(ScriptedOptions())}
    one, other = compare(EXAMPLES, pair, {}, store).rows
    assert one.fingerprint != other.fingerprint


def test_texts_seen_in_training_and_fallbacks_are_counted(store: Store) -> None:
    keys = tuple(hash_text(comparison_key(text)) for text in [*TEXTS[:3], "another"])
    seen = {"seen": rewriter(keys=keys), "none": rewriter(fallback=True, suffix="")}
    matrix = compare(EXAMPLES, seen, {"letters": metric()}, store)
    assert [row.trained_on for row in matrix.rows] == [3, 0]
    assert [row.fallbacks for row in matrix.rows] == [0, 12]
    notes = list(notes_of(matrix))
    assert "seen has seen 3 of the 12 texts in its training" in notes
    assert "none gave no usable answer to 12 texts; they count as left unchanged" in notes


def test_unlabelled_texts_are_counted(store: Store) -> None:
    matrix = compare([*EXAMPLES, Example("u", "متن")], {"copy": copy()}, {"letters": metric()}, store)
    assert next(notes_of(matrix)) == "13 texts, 1 of them without a reference; * marks the best of a column"


# From here on: the real command in processes of its own.


def matrix_of(workplace: Workplace, *arguments: str, code: int = 0) -> dict[str, Any]:
    out, _ = workplace.run("compare", "-s", "numbers", "-m", "letters", "--json", *arguments, code=code)
    return json.loads(out)


def labels(values: dict[str, Any]) -> list[str]:
    return [row["label"] for row in values["rows"]]


def test_copy_is_always_there_unless_refused(workplace: Workplace) -> None:
    assert labels(matrix_of(workplace, "-r", "scripted")) == ["copy", "scripted"]
    assert labels(matrix_of(workplace, "-r", "scripted,copy")) == ["scripted", "copy"]
    assert labels(matrix_of(workplace, "-r", "scripted", "--no-copy")) == ["scripted"]


def test_named_variants_stand_side_by_side_with_options_of_their_own(workplace: Workplace) -> None:
    (workplace.folder / "gnb.toml").write_text(
        '[rewriters.scripted]\nsuffix = "a"\n[rewriters.third]\nuse = "scripted"\nsuffix = "ccc"\n', "utf-8"
    )
    values = matrix_of(workplace, "-r", "scripted,two=scripted,third", "-o", "two.suffix=bb", "--no-copy")
    assert labels(values) == ["scripted", "two", "third"]
    base = values["rows"][0]["scores"]["letters"]["letters"]
    assert [row["scores"]["letters"]["letters"] - base for row in values["rows"]] == pytest.approx([0, 1, 2])
    assert values["settings"]["options"]["two"]["suffix"] == "bb"


def test_an_experiment_gives_what_the_command_line_leaves_out(workplace: Workplace) -> None:
    (workplace.folder / "gnb.toml").write_text(
        '[experiments.small]\nsources = ["numbers"]\nrewriters = ["one=scripted"]\nmetrics = ["letters"]\nlimit = 4\n'
        "copy_baseline = false\n",
        "utf-8",
    )
    out, _ = workplace.run("compare", "-e", "small", "--json")
    assert (labels(json.loads(out)), json.loads(out)["texts"]) == (["one"], 4)
    out, _ = workplace.run("compare", "-e", "small", "--json", "--limit", "2")
    assert json.loads(out)["texts"] == 2
    _, err = workplace.run("compare", "-e", "smal", code=2)
    assert err == "Error: There is no experiment 'smal'. Did you mean 'small'? Existing: small.\n"


def test_a_higher_limit_adds_to_the_texts_of_a_lower_one(workplace: Workplace) -> None:
    log = workplace.folder / "log"
    for limit in ("5", "9"):
        matrix_of(workplace, "-r", "scripted", "--limit", limit, "-o", f"scripted.log={log}")
    assert len(log.read_text("utf-8").splitlines()) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-r", "scriptd"], "There is no rewriter 'scriptd'. Did you mean 'scripted'? Existing: base, copy, gpt,"),
        (["-m", "blue"], "There is no metric 'blue'. Did you mean 'bleu'? Existing: "),
        (["-s", "bundle"], "There is no source 'bundle'. Did you mean 'bundled'? Existing: "),
        (["-s", "/"], "'/' names no source. Say how to read it: SOURCE:/ (prepared)."),
        (["-s", __file__], "(jsonl, csv, parquet or text)."),
        (["-r", "=scripted"], "'=scripted' has no name: write NAME or LABEL=NAME."),
        (["-s", ","], "An option that takes names was given an empty one: name something, or leave it out."),
        (["-o", "scripted.sufix=x"], "rewriter 'scripted' has no option 'sufix'. Did you mean 'suffix'?"),
        (["-o", "scriptd.suffix=x"], "-o scriptd.suffix: nothing here is called 'scriptd'. Did you mean 'scripted'?"),
        (["-o", "suffix=x"], "-o 'suffix=x': write LABEL.OPTION=VALUE"),
        (["-o", "scripted.delay=soon"], "rewriter 'scripted', option 'delay': Input should be a valid number"),
        (
            ["-r", "scripted,scripted"],
            "There are two rewriters 'scripted'. Give the rewriter a label of its own: scripted-2=scripted",
        ),
        (
            ["-r", "letters=scripted"],
            "There are a rewriter and a metric 'letters'. Give the rewriter a label of its own: letters-2=scripted",
        ),
        (["--split", "tset"], "There is no split 'tset'. Did you mean 'test'? Existing: all, test, train, validation."),
        (["--limit", "0"], "limit 0: judge at least 1 example."),
        (["--profile", "llama4"], "There is no profile 'llama4'. Did you mean 'llama3' or 'llama3-4bit'?"),
        (["--config", "none.toml"], "none.toml: cannot be read (No such file or directory)."),
        (["--split", "train"], "There is nothing to judge: of 20 examples none is in the split 'train'. --split all"),
        (
            ["-s", "numbers:0", "-o", "numbers.bad=7"],
            "the sources hold no examples. Skipped 7 pieces, the first: script:1: no text, expected one.\n",
        ),
    ],
)
def test_a_mistake_is_told_before_any_work_is_done(workplace: Workplace, arguments: list[str], message: str) -> None:
    defaults = {"-r": "scripted", "-s": "numbers", "-m": "letters,bleu"}
    given = [part for key, value in defaults.items() if key not in arguments for part in (key, value)]
    out, err = workplace.run("compare", *given, *arguments, code=2)
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert not (workplace.folder / ".gnb").exists()


def test_skipped_pieces_are_counted_and_strict_stops_at_them(workplace: Workplace) -> None:
    arguments = ("compare", "-s", "numbers", "-r", "copy", "-m", "letters", "-o", "numbers.bad=7")
    _, err = workplace.run(*arguments)
    assert "Skipped script:1: no text, expected one\n" in err
    assert "Skipped 7 pieces of the sources in all; --strict stops at the first.\n" in err
    _, err = workplace.run(*arguments, "--strict", code=2)
    assert err == "Error: script:1: no text, expected one\n"


def test_a_failing_cell_ends_in_exit_code_1(workplace: Workplace) -> None:
    arguments = ("-s", "numbers", "-r", "scripted", "-m", "letters", "-o", "scripted.raise_after=3")
    out, _ = workplace.run("compare", *arguments, code=1)
    assert re.search(r"^scripted +failed +failed$", out, re.MULTILINE)
    assert "scripted failed: RuntimeError: told to raise\n" in out
    assert re.search(r"^copy +\d", out, re.MULTILINE)


def test_a_pipe_gets_plain_text_with_the_best_value_marked(workplace: Workplace) -> None:
    out, err = workplace.run("compare", "-s", "numbers", "-r", "scripted", "-m", "letters,edit")
    assert not re.search("[\x1b\u2500-\u257f]", out)
    heading, copied, scripted = out.splitlines()[:3]
    assert heading.split() == ["rewriter", "letters", "none", "edit", "F0.5", "%", "edit", "P", "%", "edit", "R", "%"]
    assert len(heading) >= len(copied.rstrip()) == len(copied)
    assert re.fullmatch(r"scripted +\d+\.\d\* .*", scripted)
    assert "\nletters|#" in out
    assert re.search(r"run (\d{4}-\d\d-\d\d-1); side by side: gnb samples \1\n$", out)
    assert err == ""


def test_it_is_said_when_copy_wins(workplace: Workplace) -> None:
    out, _ = workplace.run("compare", "-s", "numbers", "-r", "scripted", "-m", "bleu", "-o", "scripted.suffix= بد")
    assert re.search(r"^copy, which changes nothing, is best or equal in: BLEU", out, re.MULTILINE)


def test_csv_and_markdown_hold_the_same_numbers(workplace: Workplace) -> None:
    arguments = ("compare", "-s", "numbers", "-r", "scripted", "-m", "letters")
    values = matrix_of(workplace, "-r", "scripted")["rows"][1]["scores"]["letters"]["letters"]
    out, _ = workplace.run(*arguments, "--csv")
    _, row = csv.DictReader(io.StringIO(out))
    assert (row["rewriter"], float(row["letters.letters"]), row["letters.none"]) == ("scripted", values, "")
    out, _ = workplace.run(*arguments, "--markdown")
    assert out.splitlines()[:2] == ["| rewriter | letters | none |", "|---|---:|---:|"]
    assert f"| scripted | **{values:.1f}** | - |" in out
    assert "- 20 texts; bold marks the best of a column\n" in out


def test_a_label_breaks_no_table_of_markdown(workplace: Workplace) -> None:
    arguments = ("-r", "a|b=scripted", "-m", "letters,x|y=letters", "--no-copy", "--markdown")
    out, _ = workplace.run("compare", "-s", "numbers", *arguments)
    heading, _, row = out.splitlines()[:3]
    assert heading == r"| rewriter | letters letters | letters none | x\|y letters | x\|y none |"
    assert row.startswith(r"| a\|b | ")


@pytest.mark.parametrize(
    ("arguments", "judged"),
    [
        ((), "1 of 6 texts (split test; --split all judges them all); * marks"),
        (("--limit", "1"), "1 of 6 texts (split test; --split all judges them all); * marks"),
        (("--split", "train", "--limit", "2"), "2 of 5 texts (split train, limit 2); * marks"),
        (("--split", "all", "--limit", "2"), "2 of 6 texts (limit 2); * marks"),
        (("--split", "all"), "6 texts; * marks"),
    ],
)
def test_it_is_said_where_fewer_texts_are_judged_than_there_are(
    workplace: Workplace, arguments: tuple[str, ...], judged: str
) -> None:
    words = ("یک", "دو", "سه", "چهار", "پنج", "شش")
    rows = "".join(f"مرد {word} آمد,آدم {word} آمد\n" for word in words)
    (workplace.folder / "c.csv").write_text(f"text,neutral\n{rows}", "utf-8")
    out, _ = workplace.run("compare", "-s", "csv:c.csv", "-r", "scripted", "-m", "letters", *arguments)
    assert f"\n{judged} the best of a column\n" in out


def test_json_holds_everything(workplace: Workplace) -> None:
    values = matrix_of(workplace, "-r", "scripted", "-m", "bleu")
    bleu = values["rows"][1]["scores"]["bleu"]
    assert {"bleu", "brevity_penalty", "length_ratio"} < bleu.keys()
    assert values["rows"][1]["record"] == {"class": "scripted:ScriptedRewriter", "suffix": "!"}
    assert [judge["label"] for judge in values["metrics"]] == ["letters", "bleu"]
    assert values["settings"]["sources"] == ["numbers"]


def test_a_narrow_terminal_shows_metrics_as_rows(workplace: Workplace) -> None:
    arguments = ("compare", "-s", "numbers", "-r", "scripted", "-m", "letters,bleu,edit,detection")
    wide = workplace.on_terminal(200, *arguments).partition("rewriter")[2]
    narrow = workplace.on_terminal(60, *arguments)
    assert "\x1b[1" in wide
    plain = re.sub(r"\x1b\[[\d;]*m", "", "".join(narrow.partition("rewriter")[1:]))
    assert re.search(r"^rewriter +copy +scripted *$", plain, re.MULTILINE)
    assert re.search(r"^BLEU +\d+\.\d\d\*? +\d", plain, re.MULTILINE)
    assert max(map(len, plain.splitlines())) <= 60


def test_a_second_run_imports_no_library_that_computes(workplace: Workplace) -> None:
    arguments = ("compare", "-s", "bundled", "-r", "base", "--limit", "5", "--json")
    registry = installed_plugins().registry
    plan = Plan(rewriters=("base",), limit=5, metrics=("bleu", "bertscore", "edit", "preservation", "detection"))
    prepared = prepare_plan(plan, Settings(), registry)
    prepared.rewriters["base"].rewrite = lambda texts: map(Rewrite, texts)
    prepared.metrics["bertscore"].count = lambda segments: [{}] * len(segments)
    with Store(workplace.folder / ".gnb" / "store.sqlite") as store:
        first = prepared.run(store)
    libraries = (*HEAVY, "hazm", "sacrebleu")
    second = run(workplace.folder, libraries, *arguments, "-m", ",".join(plan.metrics))
    assert json.loads(second.stdout)["rows"] == json.loads(to_json(first))["rows"]
    # That they would be missed is seen where something is new.
    third = run(workplace.folder, libraries, *arguments, "-m", "bleu", "-o", "bleu.max_ngram_order=2")
    assert json.loads(third.stdout)["rows"][1]["errors"].keys() == {"bleu"}


def test_a_broken_metric_is_left_out_of_the_default_and_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gnb")
    registry = Registry()
    registry.add(Component("metric", "letters", "scripted:ScriptedMetric", "Letters.", provider="x 1"))
    registry.add(Component("metric", "deep", "nowhere:Deep", "Deep.", provider="x 1"))
    assert available_metrics(registry) == ["letters"]
    assert "Left out: metric 'deep' of x 1 cannot be imported: No module named 'nowhere'" in caplog.text


def test_the_default_says_which_metrics_it_leaves_out(capsys: pytest.CaptureFixture[str]):
    registry = Registry()
    registry.add(Component("metric", "deep", "nowhere:Deep", "Deep.", requires=("no_such_module",), provider="x 1"))
    _note_left_out(registry)
    assert capsys.readouterr().err == "Left out: metric 'deep'. To have it: pip install no_such_module\n"
