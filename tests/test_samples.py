"""`gnb samples` and the layout of right-to-left text."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from scripted import ScriptedOptions, ScriptedRewriter, Workplace, examples

from gnb.core.comparison import compare
from gnb.core.layout import edges, is_right_to_left, marked, printable, with_marks
from gnb.core.records import Example, Rewrite
from gnb.core.report_html import to_html
from gnb.core.samples import samples_of
from gnb.core.store import Store
from gnb.core.store_runs import find_run


@pytest.fixture
def compared(workplace: Workplace) -> Workplace:
    """A place with a run: one rewriter changes everything, one nothing but spelling."""
    options = ("-o", "loud.suffix= همه", "-o", "quiet.suffix= ")
    workplace.run("compare", "-s", "numbers:6", "-r", "loud=scripted,quiet=scripted", "-m", "letters", *options)
    return workplace


def test_outputs_stand_beside_input_and_reference_with_changed_words_marked(compared: Workplace) -> None:
    out, err = compared.run("samples", "last", "--limit", "2")
    assert out == (
        "1 · unbiased · 0\n"
        "input      متن 0\n"
        "reference  متن 0\n"
        "loud       متن 0 {+همه+}\n"
        "quiet      متن 0 \n"
        "\n"
        "2 · family · biased · 1\n"
        "input      متن دراز 1\n"
        "reference  متن دراز 1 {+همه+}\n"
        "loud       متن دراز 1 {+همه+}\n"
        "quiet      متن دراز 1 \n"
        "\n"
    )
    assert re.fullmatch(r"run \d{4}-\d\d-\d\d-1 \(finished\): 2 of 6 texts; --limit 0 shows all\n", err)


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        ((), [1, 2, 3, 4, 5, 6]),
        (("--only", "changed"), [1, 2, 3, 4, 5, 6]),
        (("--only", "missed"), [2, 3, 5, 6]),
        (("--only", "touched"), [1, 4]),
        (("--only", "touched", "-r", "quiet"), []),
        (("--only", "missed", "-r", "loud"), []),
        (("--only", "missed", "-r", "copy"), [2, 3, 5, 6]),
        (("--category", "family"), [2, 3, 5, 6]),
        (("--category", "none", "--limit", "1"), [1]),
    ],
)
def test_filters_choose_texts(compared: Workplace, arguments: tuple[str, ...], places: list[int]) -> None:
    out, _ = compared.run("samples", "--json", *arguments)
    assert [json.loads(line)["place"] for line in out.splitlines()] == places


def test_json_holds_raw_outputs(compared: Workplace) -> None:
    out, _ = compared.run("samples", "--json", "--limit", "1", "-r", "loud,copy")
    outputs = json.loads(out)["outputs"]
    assert list(outputs) == ["loud", "copy"]
    assert set(outputs["loud"].pop("details")) == {"seconds", "memory"}
    assert outputs["loud"] == {
        "text": "متن 0 همه",
        "raw": "raw متن 0",
        "fallback": False,
        "changed": True,
    }


@pytest.mark.parametrize(
    ("arguments", "counted"),
    [
        (("--only", "missed", "-r", "loud"), "0 of 0 matching texts (6 in the run)"),
        (("--only", "touched"), "2 of 2 matching texts (6 in the run)"),
        (("--category", "family", "--limit", "1"), "1 of 4 matching texts (6 in the run); --limit 0 shows all"),
    ],
)
def test_beside_those_that_a_filter_lets_through_all_texts_of_the_run_are_counted(
    compared: Workplace, arguments: tuple[str, ...], counted: str
) -> None:
    _, err = compared.run("samples", *arguments)
    assert err.endswith(f" (finished): {counted}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2020-01-01-1"], "There is no run '2020-01-01-1'."),
        (["-r", "lound"], "There is no rewriter 'lound'. Did you mean 'loud'? Existing: copy, loud, quiet."),
        (["--category", "famly"], "There is no category 'famly'. Did you mean 'family'? Existing: family, none."),
    ],
)
def test_unknown_names_are_refused_with_those_that_exist(
    compared: Workplace, arguments: list[str], message: str
) -> None:
    _, err = compared.run("samples", *arguments, code=2)
    assert message in err
    assert err.count("\n") == 1


def test_without_a_run_the_command_that_makes_one_is_named(workplace: Workplace) -> None:
    _, err = workplace.run("samples", code=2)
    assert err == "Error: .gnb/store.sqlite: there is no run store. Make one: gnb compare\n"


def test_the_store_of_a_mistyped_path_is_not_made(workplace: Workplace) -> None:
    _, err = workplace.run("samples", "--store", "typo/dir/x.sqlite", code=2)
    assert err == "Error: typo/dir/x.sqlite: there is no run store. Make one: gnb compare\n"
    assert not (workplace.folder / "typo").exists()


def test_a_page_holds_the_same_and_escapes_it(store: Store) -> None:
    hostile = Example("1", "<script>alert(1)</script> [red]متن[/red]\x1b[31m", origin="<b>")
    compare([hostile], {"x": ScriptedRewriter(ScriptedOptions(suffix=" <i>"))}, {}, store)
    page = "".join(to_html("run <1>", samples_of(find_run(store), store)))
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert '<html lang="fa" dir="rtl">' in page
    assert "http" not in page
    assert "<ins>" in page
    assert r"\x1b[31m" in page
    assert not {"script", "b", "i"} & set(tags)


def test_a_persian_text_of_a_page_runs_from_right_to_left_whatever_it_begins_with(store: Store) -> None:
    texts = ["@ali مرد باش!", "RT @zan: مرد باش!", "to be a man"]
    compare([Example(text, text) for text in texts], {"x": ScriptedRewriter(ScriptedOptions())}, {}, store)
    page = "".join(to_html("run 1", samples_of(find_run(store), store)))
    assert re.findall(r"<th>input</th><td dir='(\w+)'>", page) == ["rtl", "rtl", "ltr"]
    assert re.findall(r"<th>x</th><td dir='(\w+)'>", page) == ["rtl", "rtl", "ltr"]


def test_the_page_is_written_where_it_was_asked_for(compared: Workplace) -> None:
    out, _ = compared.run("samples", "--html", "page.html")
    assert out == ""
    assert (compared.folder / "page.html").read_text("utf-8").count("<table>") == 6


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("زن باید برود", "آدم باید برود", "[-زن-] {+آدم+} باید برود"),
        ("راننده زن آمد", "راننده آمد", "راننده [-زن-] آمد"),
        ("او آمد زن", "او آمد", "او آمد [-زن-]"),
        ("زن آمد", "آمد", "[-زن-] آمد"),
        ("آمد", "او هم آمد", "{+او هم+} آمد"),
        ("مي‌روم", "می روم", "می روم"),
        ("زن‌ها آمدند", "بعضی‌ها آمدند", "[-زن‌ها-] {+بعضی‌ها+} آمدند"),
        ("زن‌ها می‌روند", "بعضی ها میروند", "[-زن‌ها-] {+بعضی ها+} میروند"),
        ("می رود", "می‌رفت", "[-می رود-] {+می‌رفت+}"),
        ("راننده آمد", "راننده‌ها آمد", "[-راننده-] {+راننده‌ها+} آمد"),
        ("زن‌های‌خوب", "آن‌های‌بد", "[-زن‌های‌خوب-] {+آن‌های‌بد+}"),
        ("خانه و پرداخت", "خانه، پرداخت", "خانه [-و-] {+،+} پرداخت"),
        ("زن و مرد", "زن، مرد", "زن [-و-] {+،+} مرد"),
        ("خانه، پرداخت", "خانه و پرداخت", "خانه [-،-] {+و+} پرداخت"),
        ("گفت (زن) آمد", "گفت (آدم) آمد", "گفت ([-زن-] {+آدم+}) آمد"),
        ("آمد؟ زن", "آمد؟", "آمد؟ [-زن-]"),
        ("زن (خوب)", "(خوب)", "[-زن-] (خوب)"),
        ("رفت زن.", "رفت.", "رفت [-زن-]."),
        ("", "تازه", "{+تازه+}"),
        ("کهنه", "", "[-کهنه-]"),
        ("", "", ""),
    ],
)
def test_changed_words_are_marked(before: str, after: str, shown: str) -> None:
    assert with_marks(marked(before, after)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("می‌روم 👨‍👩‍👧 ﷼", "می‌روم 👨‍👩‍👧 ﷼"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[2J\x9b1m\x00\x7f", r"\x1b[2J\x9b1m\x00\x7f"),
        ("\u202eevil\u202c \u2067x\u2069\u2028", r"\u202eevil\u202c \u2067x\u2069\u2028"),
        ("\ud800", r"\ud800"),
        ("[bold]x[/bold] :smile:", "[bold]x[/bold] :smile:"),
    ],
)
def test_text_that_could_steer_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("سلام", True), ("۱۲ «سلام» hello", True), ("hello سلام", False), ("12 !", False), ("", False)],
)
def test_the_first_letter_tells_the_direction(text: str, expected: bool) -> None:
    assert is_right_to_left(text) is expected


def test_a_right_to_left_line_ends_at_the_right_edge_inside_an_isolate() -> None:
    before, behind = edges(4, 10)
    assert (before, behind) == ("\u200e" + " " * 6 + "\u2067", "\u2069")


def test_a_terminal_gets_wrapped_lines_at_the_right_edge(compared: Workplace) -> None:
    shown = compared.on_terminal(40, "samples", "--limit", "1", "-r", "loud")
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    assert lines[0] == "1 · unbiased · 0"
    assert lines[1] == f"input      \u200e{' ' * 24}\u2067متن 0\u2069"
    assert lines[3] == f"loud       \u200e{' ' * 20}\u2067متن 0 همه\u2069"
    assert "\x1b[1;32mهمه" in shown


def test_samples_of_an_interrupted_run_show_what_is_there(store: Store) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if what == "two" and done == 1:
            raise KeyboardInterrupt

    pair = {"one": ScriptedRewriter(ScriptedOptions()), "two": ScriptedRewriter(ScriptedOptions(suffix="?"))}
    with pytest.raises(KeyboardInterrupt):
        compare(examples(2), pair, {}, store, track=interrupt)
    run = find_run(store)
    assert run.status == "interrupted"
    assert [list(sample.outputs) for sample in samples_of(run, store)] == [["one"], ["one"]]


class DoubtfulRewriter(ScriptedRewriter):
    """Says of some of its answers how sure it is of them."""

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        """Yield answers, with numbers and with what is none."""
        noted = {0: 0.9, 1: "sure", 2: 0.25, 4: True, 5: 7}
        for text in texts:
            (answer,) = super().rewrite([text])
            found = noted.get(int(text[-1]))
            yield replace(answer, details={} if found is None else {"edit_probability": found})


def test_the_least_sure_outputs_come_first_and_say_so(store: Store) -> None:
    compare(examples(6), {"one": DoubtfulRewriter(ScriptedOptions(suffix="!"))}, {}, store)
    samples = samples_of(find_run(store), store, unsure=True)
    assert [sample.place for sample in samples] == [3, 1]
    assert [[label for label, _ in sample.lines()][-1] for sample in samples] == ["one (25 % sure)", "one (90 % sure)"]
    assert len(samples_of(find_run(store), store)) == 6


def test_unsure_counts_as_a_filter(compared: Workplace) -> None:
    out, err = compared.run("samples", "--unsure")
    assert out == ""
    assert err.endswith("0 of 0 matching texts (6 in the run)\n")
