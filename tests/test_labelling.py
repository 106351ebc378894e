"""Labelling: texts out to the tools, filled in as the tools do it, votes back in, and agreement by hand and library."""

import csv
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gnb.cli.main import cli
from gnb.core.jsonl import read_examples
from gnb.core.records import Example
from gnb.labelling import argilla, label_studio, spreadsheet
from gnb.labelling.agreement import measure
from gnb.labelling.resolving import resolve
from gnb.labelling.votes import Labelled, Vote, gather, with_votes

TEXTS = [
    Example("1", "زن‌ها راننده‌های بدی هستند.", ("بعضی‌ها راننده‌های بدی هستند.",), True, "ability", "a:1"),
    Example("2", '=1+1\nخط دوم، «متن»; "نقل"\t', origin="a:2", metadata={"register": "informal", "n": [1, None]}),
    Example("3", "'-باران می‌بارد", ("'-باران می‌بارد",), False, "none", split="test"),
]
# Four annotators would be rare; three, one of whom left two texts out, are the common case.
SAID = {
    "ali": [(True, "ability", "همه رانندگی بلدند."), (True, "family", ""), (False, "none", "")],
    "sara": [(True, "ability", "همه رانندگی بلدند."), (False, "none", ""), (False, "none", "")],
    "mina": [(True, "marking", "بعضی‌ها بد می‌رانند."), None, None],
}


def fill_label_studio(path: Path, *, by: Callable[[str], Any] = str) -> Path:
    """Write what Label Studio exports as JSON once three annotators are through."""
    tasks = json.loads(path.read_text("utf-8"))
    for number, task in enumerate(tasks):
        task |= {"id": 100 + number, "annotations": [], "predictions": [], "meta": {}, "project": 1}
        for who, votes in SAID.items():
            if (vote := votes[number]) is None:
                skipped = {"id": 9, "completed_by": by(who), "result": [], "was_cancelled": True}
                task["annotations"].append(skipped)
                continue
            given = [("biased", "choices", "choices", [{True: "yes", False: "no"}[vote[0]]])]
            given += [("category", "choices", "choices", [vote[1]])]
            given += [("neutral", "textarea", "text", [vote[2]])] if vote[2] else []
            result = [
                {
                    "id": "x",
                    "from_name": name,
                    "to_name": "text",
                    "type": kind,
                    "origin": "manual",
                    "value": {key: value},
                }
                for name, kind, key, value in given
            ]
            task["annotations"].append(
                {"id": 1, "completed_by": by(who), "result": result, "was_cancelled": False, "ground_truth": False}
            )
    path.write_text(json.dumps(tasks), "utf-8")  # Label Studio writes ASCII
    return path


def fill_argilla(path: Path) -> Path:
    """Write what `Dataset.to_disk` of Argilla 2 writes once three annotators are through."""
    records = json.loads((path / "records.json").read_text("utf-8"))
    for number, record in enumerate(records):
        for who, votes in SAID.items():
            if (vote := votes[number]) is None:
                continue
            values = {"biased": {True: "yes", False: "no"}[vote[0]], "category": vote[1]}
            for field, value in (values | ({"neutral": vote[2]} if vote[2] else {})).items():
                record["responses"].setdefault(field, []).append({"value": value, "user_id": who})
    (path / "records.json").write_text(json.dumps(records), "utf-8")
    return path


def fill_csv(path: Path, delimiter: str = ",") -> Path:
    """Write what a spreadsheet saves when three annotators have copied and filled in the rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    filled = []
    for number, row in enumerate(rows):
        for who, votes in SAID.items():
            if (vote := votes[number]) is not None:
                said = {"biased": {True: "yes", False: "no"}[vote[0]], "category": vote[1], "neutral": vote[2]}
                filled.append({**row, "annotator": who, **said})
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(filled)
    return path


FORMATS: dict[str, tuple[Any, str, Callable[[Path], Path]]] = {
    "label-studio": (label_studio, "tasks.json", fill_label_studio),
    "argilla": (argilla, "dataset", fill_argilla),
    "csv": (spreadsheet, "votes.csv", fill_csv),
}


def source(folder: Path, examples: Sequence[Example] = TEXTS) -> str:
    from gnb.core.jsonl import example_to_json

    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text("".join(example_to_json(each) + "\n" for each in examples), "utf-8")
    return f"prepared:{folder}"


def gnb(*arguments: object) -> Result:
    from gnb.core.errors import GnbError

    result = CliRunner().invoke(cli, [str(each) for each in arguments])
    if isinstance(result.exception, GnbError):
        return result
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("suggest", [False, True])
def test_what_is_exported_comes_back_byte_for_byte(name: str, suggest: bool, tmp_path: Path) -> None:
    module, file, _ = FORMATS[name]
    module.export(TEXTS, tmp_path / file, suggest=suggest)
    assert [each.example for each in gather(module.read(tmp_path / file))] == TEXTS


@pytest.mark.parametrize("name", FORMATS)
def test_annotators_read_nothing_that_tells_the_label(name: str, tmp_path: Path) -> None:
    example = Example("NoBias1.txt:1", "باران آمد", ("باران آمد",), False, "secretcategory", "NoBias1.txt:1", "test")
    module, file, _ = FORMATS[name]
    paths = module.export([example], tmp_path / file, suggest=False)
    listing = ("tasks.xml", "settings.json")  # all categories that annotators may choose
    text = "".join(path.read_text("utf-8") for path in paths if path.name not in listing)
    assert [word for word in ("NoBias", "secretcategory", "false", "test") if word in text] == []


@pytest.mark.parametrize(
    ("said", "biased"), [("بله", True), ("نه", False), ("سوگیرانه", True), ("بایاس", True), ("Yes", True)]
)
def test_label_studio_may_ask_in_persian(said: str, biased: bool, tmp_path: Path) -> None:
    label_studio.export(TEXTS[:1], tmp_path / "t.json", suggest=False)
    (task,) = json.loads((tmp_path / "t.json").read_text("utf-8"))
    result = [{"from_name": "biased", "value": {"choices": [said]}}]
    (tmp_path / "t.json").write_text(json.dumps([{**task, "annotations": [{"completed_by": 1, "result": result}]}]))
    [(_, _, vote)] = label_studio.read(tmp_path / "t.json")
    assert vote
    assert vote.biased is biased


@pytest.mark.parametrize("name", FORMATS)
def test_votes_of_several_annotators_come_back_and_the_majority_decides(name: str, tmp_path: Path) -> None:
    _, file, fill = FORMATS[name]
    gnb("label", "export", source(tmp_path / "data"), "--to", tmp_path / file, "--format", name)
    result = gnb("label", "import", fill(tmp_path / file), "--format", name, "--to", tmp_path / "out.jsonl")
    first, second, third = read_examples(tmp_path / "out.jsonl", pytest.fail)
    assert (first.biased, first.category) == (True, "ability")
    assert first.references == ("همه رانندگی بلدند.", "بعضی‌ها بد می‌رانند.")
    assert [vote["annotator"] for vote in first.metadata["votes"]] == ["ali", "sara", "mina"]
    assert (second.biased, second.category, second.references) == (None, None, ())
    assert second.metadata["register"] == "informal"
    assert (third.biased, third.references) == (False, (TEXTS[2].text,))
    assert "Undecided: 2: equally many votes for two answers to: biased" in result.output
    assert "3 texts with 7 votes" in result.output


def test_label_studio_names_annotators_by_number_or_mail(tmp_path: Path) -> None:
    label_studio.export(TEXTS, tmp_path / "t.json", suggest=False)
    people = {"ali": 1, "sara": 2, "mina": {"id": 3, "email": "m@example.com"}}
    found = gather(label_studio.read(fill_label_studio(tmp_path / "t.json", by=people.__getitem__)))
    assert [vote.annotator for vote in found[0].votes] == ["1", "2", "m@example.com"]


def test_label_studio_gets_a_right_to_left_configuration_with_every_category(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    odd = Example("9", "متن", category='a"<b>')
    label_studio.export([*TEXTS, odd], tmp_path / "t.json", suggest=False)
    view = ElementTree.parse(tmp_path / "t.xml").getroot()
    assert "rtl" in view.attrib["style"]
    names = {each.attrib["name"] for each in view if "name" in each.attrib}
    assert names == {"text", "biased", "category", "neutral"}
    choices = [choice.attrib for choice in view.iter("Choice")]
    assert {"value": 'a"<b>'} in choices
    assert choices[:2] == [{"value": "بله", "alias": "yes"}, {"value": "خیر", "alias": "no"}]


def test_suggestions_are_there_only_when_asked_for(tmp_path: Path) -> None:
    label_studio.export(TEXTS, tmp_path / "t.json", suggest=True)
    (prediction,) = json.loads((tmp_path / "t.json").read_text("utf-8"))[0]["predictions"]
    assert [answer["value"] for answer in prediction["result"]] == [
        {"choices": ["yes"]}, {"choices": ["ability"]}, {"text": list(TEXTS[0].references)},
    ]  # fmt: skip
    label_studio.export(TEXTS, tmp_path / "plain.json", suggest=False)
    assert "predictions" not in json.loads((tmp_path / "plain.json").read_text("utf-8"))[0]


def test_a_configuration_that_was_translated_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "t.xml").write_text("<View/>")
    export = ("label", "export", source(tmp_path / "data"), "--to", tmp_path / "t.json", "--format", "label-studio")
    assert "t.xml exists already" in str(gnb(*export).exception)
    assert (tmp_path / "t.xml").read_text() == "<View/>"
    assert not (tmp_path / "t.json").exists()


@pytest.mark.parametrize("cell", ["=1+1", "+9", "-9", "@x", "\tx", "'=x", "''x", "'x", "x", "", "'", "\rx"])
def test_no_cell_starts_a_formula_and_each_comes_back(cell: str) -> None:
    assert not spreadsheet.guard(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert spreadsheet.unguard(spreadsheet.guard(cell)) == cell


def test_a_cell_of_any_length_that_csv_writes_comes_back(tmp_path: Path) -> None:
    long = Example("1", "متن بلند " * 200_000)
    spreadsheet.export([long], tmp_path / "v.csv", suggest=False)
    assert [each.example for each in gather(spreadsheet.read(tmp_path / "v.csv"))] == [long]


@pytest.mark.parametrize(("before", "after"), [("", ""), ("خط دوم", "خط سوم")])
def test_suggested_neutral_forms_with_line_breaks_stay_whole_where_nobody_touches_them(
    tmp_path: Path, before: str, after: str
) -> None:
    neutral = ("خط یک\nخط دوم", "شکل دیگر")
    spreadsheet.export([Example("1", "مرد", neutral, True)], tmp_path / "v.csv", suggest=True)
    edit(tmp_path / "v.csv", "مرد,,yes", "مرد,ali,yes")
    edit(tmp_path / "v.csv", before, after)
    [(_, _, vote)] = spreadsheet.read(tmp_path / "v.csv")
    assert vote
    assert vote.neutral == (("خط یک", "خط سوم", "شکل دیگر") if after else neutral)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_csv_is_read_as_excel_saves_it_elsewhere(delimiter: str, tmp_path: Path) -> None:
    spreadsheet.export(TEXTS, tmp_path / "v.csv", suggest=False)
    assert (tmp_path / "v.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    found = gather(spreadsheet.read(fill_csv(tmp_path / "v.csv", delimiter)))
    assert [each.example for each in found] == TEXTS
    assert [len(each.votes) for each in found] == [3, 2, 2]


def test_first_and_none_resolve_otherwise() -> None:
    labelled = Labelled(TEXTS[1], (Vote("a", True, "family", ("الف",)), Vote("b", False)))
    assert resolve(labelled, "first")[0].biased is True
    kept, undecided = resolve(labelled, "none")
    assert (kept.biased, kept.references, undecided) == (None, (), [])
    assert len(kept.metadata["votes"]) == 2
    assert resolve(Labelled(TEXTS[0], ()), "majority") == (TEXTS[0], [])


@pytest.mark.parametrize(
    ("votes", "category", "undecided"),
    [
        ([Vote("a", True), Vote("b", True), Vote("c", False, "none")], "ability", []),
        ([Vote("a", True, "generic"), Vote("b", True), Vote("c", False, "none")], "generic", []),
        ([Vote("a", None, "generic")], "generic", []),
        ([Vote("a", True), Vote("b", True)], "ability", []),
        ([Vote("a", True, "generic"), Vote("b", True, "family")], None, ["category"]),
    ],
)
def test_a_category_is_that_of_the_winning_side_and_what_nobody_spoke_of_stays(
    votes: list[Vote], category: str | None, undecided: list[str]
) -> None:
    resolved = resolve(Labelled(TEXTS[0], tuple(votes)), "majority")
    assert resolved == (replace(with_votes(TEXTS[0], votes), category=category), undecided)


def test_a_label_that_is_overturned_takes_category_and_references_with_it() -> None:
    found, _ = resolve(Labelled(TEXTS[2], (Vote("a", True),)), "majority")
    assert (found.biased, found.category, found.references) == (True, None, ())
    found, _ = resolve(Labelled(TEXTS[0], (Vote("a", None, "none"),)), "majority")
    assert (found.biased, found.category, found.references) == (False, "none", (TEXTS[0].text,))


def voted(rows: Sequence[Sequence[bool | None]]) -> list[Example]:
    """Return examples with the votes of annotators a, b, c, ... in columns."""
    return [
        with_votes(Example(str(n), "متن"), [Vote("abc"[i], v) for i, v in enumerate(row) if v is not None])
        for n, row in enumerate(rows)
    ]


def test_agreement_of_two_is_what_one_computes_by_hand() -> None:
    # Ten texts; both yes on 4, both no on 3, a alone yes on 2, b alone yes on 1. Observed 0.7; a says yes to 6, b to 5:
    # expected 0.6*0.5 + 0.4*0.5 = 0.5; kappa = (0.7 - 0.5) / (1 - 0.5) = 0.4. Alpha: disagreement observed 0.3,
    # expected 2*11*9 / (20*19) = 198/380; alpha = 1 - 0.3 * 380 / 198.
    rows = [(True, True)] * 4 + [(False, False)] * 3 + [(True, False)] * 2 + [(False, True)]
    (biased, category), disagreements = measure(voted(rows))
    (pair,) = biased.pairs
    assert (pair.texts, pair.agreement, pair.kappa) == (10, pytest.approx(0.7), pytest.approx(0.4))
    assert biased.alpha == pytest.approx(1 - 0.3 * 380 / 198)
    assert (category.texts, category.alpha, category.agreement) == (0, None, None)
    assert [each.said for each in disagreements] == [{"a": "yes", "b": "no"}] * 2 + [{"a": "no", "b": "yes"}]


def test_missing_votes_count_nowhere() -> None:
    # Krippendorff: coincidences of texts with two votes or more. Text 1: yes yes, text 2: yes no, text 3: no no, text 4
    # has one vote. n = 6, yes 3, no 3; observed 2/6, expected 2*3*3 / (6*5) = 0.6; alpha = 1 - (1/3) / 0.6 = 4/9.
    rows = [(True, True, None), (True, None, False), (None, False, False), (True, None, None)]
    biased = measure(voted(rows))[0][0]
    assert biased.alpha == pytest.approx(4 / 9)
    assert biased.texts == 3
    assert {(pair.first, pair.second): pair.texts for pair in biased.pairs} == {
        ("a", "b"): 1,
        ("a", "c"): 1,
        ("b", "c"): 1,
    }


def test_annotators_who_always_say_the_same_have_no_kappa() -> None:
    biased = measure(voted([(True, True)] * 3))[0][0]
    assert (biased.agreement, biased.alpha, biased.pairs[0].kappa) == (1.0, None, None)


def test_agreement_is_shown_as_a_table_as_json_and_as_csv(tmp_path: Path) -> None:
    spreadsheet.export(TEXTS, tmp_path / "v.csv", suggest=False)
    out = tmp_path / "out.jsonl"
    gnb("label", "import", fill_csv(tmp_path / "v.csv"), "--format", "csv", "--to", out)
    table = gnb("label", "agreement", out).output
    assert "ali, sara" in table
    assert "2  biased: ali: yes, sara: no" in table
    shown = json.loads(gnb("label", "agreement", out, "--json").output)
    assert shown["fields"]["biased"]["texts"] == 3
    assert shown["disagreements"][0]["said"] == {"ali": "ability", "sara": "ability", "mina": "marking"}
    rows = list(csv.reader(gnb("label", "agreement", out, "--csv").output.splitlines()))
    assert rows[1][:4] == ["1", "category", "ali", "ability"]


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("csv", lambda path: edit(path, "\nزن‌ها", "\nمردها"), r"votes.csv:2: the text of '1' was edited"),
        ("csv", lambda path: edit(path, ",ali,yes", ",,yes"), r"votes.csv:2: is a vote without an annotator"),
        ("csv", lambda path: edit(path, ",ali,yes", ",ali,maybe"), r"votes.csv:2: biased is 'maybe'; expected yes, no"),
        ("csv", lambda path: edit(path, ",sara,no", ",ali,no"), r"'ali' votes twice on '2', and not the same"),
        ("csv", lambda path: edit(path, ",eJ", ",eK"), r"votes.csv:2: its 'record' was changed. Take it from the exp"),
        ("csv", lambda path: edit(path, "annotator", "who"), r"votes.csv:1: column 'annotator' is missing"),
        ("csv", lambda path: path.write_bytes("id,متن".encode("cp1256")), r"votes.csv:1: is not UTF-8 text"),
        ("csv", lambda path: path.write_text(""), r"votes.csv:1: column 'text' is missing"),
        ("label-studio", lambda path: path.write_text("[{"), r"tasks.json:1: is not JSON"),
        ("label-studio", lambda path: path.write_text("{}"), r"is no JSON export of Label Studio"),
        ("label-studio", lambda path: path.write_text('[{"text": "x", "biased": "yes"}]'), r"not JSON-MIN"),
        ("label-studio", lambda path: path.write_text('[{"id": 7, "data": {}}]'), r"task 7: has no 'record'"),
        ("label-studio", lambda path: edit(path, '"from_name": "biased"', '"from_name": ["biased"]'), r"not as Label"),
        ("label-studio", lambda path: edit(path, '["\\u0647', '[1, "\\u0647'), r"not as Label Studio writes it"),
        ("label-studio", lambda path: edit(path, '"annotations": [', '"annotations": [7, '), r"not as Label Studio"),
        ("argilla", lambda path: edit(path / "records.json", '"ability"', '["ability"]'), r"is not as Argilla 2"),
        ("argilla", lambda path: (path / "records.json").write_text("[1]"), r"holds no records of Argilla 2"),
        ("argilla", lambda path: edit(path / "records.json", '"metadata"', '"m"'), r"record \w+: is not as Argilla 2"),
        ("argilla", lambda path: (path / "records.json").unlink(), r"records.json: cannot be read"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line_with_its_place(
    name: str, spoil: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    module, file, fill = FORMATS[name]
    module.export(TEXTS, tmp_path / file, suggest=False)
    spoil(fill(tmp_path / file))
    result = gnb("label", "import", tmp_path / file, "--format", name, "--to", tmp_path / "out.jsonl")
    assert re.search(message, str(result.exception)), result.exception
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "out.jsonl").exists()


def test_votes_that_are_there_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "votes.jsonl").write_text("precious")
    tasks = gnb("label", "export", source(tmp_path / "data"), "--to", tmp_path / "tasks.csv", "--format", "csv")
    assert tasks.exit_code == 0
    done = gnb("label", "import", tmp_path / "tasks.csv", "--to", tmp_path / "votes.jsonl", "--format", "csv")
    assert "exists already" in str(done.exception)
    assert (tmp_path / "votes.jsonl").read_text() == "precious"


def test_a_category_that_nobody_knows_is_kept_and_mentioned(tmp_path: Path) -> None:
    gnb("label", "export", source(tmp_path / "data"), "--to", tmp_path / "tasks.csv", "--format", "csv")
    edit(fill_csv(tmp_path / "tasks.csv"), "marking", "markin")
    done = gnb("label", "import", tmp_path / "tasks.csv", "--to", tmp_path / "votes.jsonl", "--format", "csv")
    assert "1: mina says category 'markin', which is none of those known." in done.stderr
    assert "markin" in (tmp_path / "votes.jsonl").read_text("utf-8")


def test_one_annotator_alone_is_no_agreement(tmp_path: Path) -> None:
    from gnb.core.jsonl import example_to_json

    (tmp_path / "one.jsonl").write_text(example_to_json(voted([(True,)])[0]) + "\n", "utf-8")
    assert "needs the votes of two annotators; found a." in str(
        gnb("label", "agreement", tmp_path / "one.jsonl").exception
    )
    (tmp_path / "wrong.jsonl").write_text("{}\n", "utf-8")
    assert "name the file that gnb label import wrote" in str(
        gnb("label", "agreement", tmp_path / "wrong.jsonl").exception
    )


@pytest.mark.parametrize(
    "vote",
    [
        {"annotator": "a", "biased": "yes", "category": None, "neutral": []},
        {"annotator": "a", "biased": True, "category": ["ad"], "neutral": []},
        {"annotator": "a", "biased": True, "category": None, "neutral": [1]},
        {"annotator": "a"},
        "a",
    ],
)
def test_votes_that_are_none_are_told_of_in_one_line(vote: object, tmp_path: Path) -> None:
    row = {"id": "7", "text": "متن", "metadata": {"votes": [vote]}}
    (tmp_path / "votes.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    said = str(gnb("label", "agreement", tmp_path / "votes.jsonl").exception)
    assert said == "7: the votes in its metadata are not those that gnb label import writes."


def test_what_was_imported_can_be_prepared(tmp_path: Path) -> None:
    spreadsheet.export(TEXTS, tmp_path / "v.csv", suggest=False)
    out = tmp_path / "out.jsonl"
    gnb("label", "import", fill_csv(tmp_path / "v.csv"), "--format", "csv", "--to", out)
    gnb("prepare", f"jsonl:{out}", "--to", tmp_path / "data", "--workers", "1")
    assert json.loads((tmp_path / "data/manifest.json").read_text("utf-8"))["counts"]["biased"] == 1


def test_a_contrast_pair_that_was_imported_stays_in_one_split(tmp_path: Path) -> None:
    words = ("کتاب", "باران", "ماشین", "درخت", "دریا", "کوه", "مدرسه", "پنجره", "آسمان", "خورشید", "بازار", "قالی")
    pairs = [Example(word, word, ("آدم",), True, metadata={"pair": str(n % 6)}) for n, word in enumerate(words)]
    spreadsheet.export(pairs, tmp_path / "v.csv", suggest=False)
    gnb("label", "import", tmp_path / "v.csv", "--format", "csv", "--to", tmp_path / "out.jsonl")
    gnb("prepare", f"jsonl:{tmp_path / 'out.jsonl'}", "--to", tmp_path / "p", "--workers", "1", "--shares", "0.5,0,0.5")
    train, test = (
        {each.metadata["pair"] for each in read_examples(tmp_path / f"p/{split}.jsonl", pytest.fail)}
        for split in ("train", "test")
    )
    assert train
    assert test
    assert not train & test
