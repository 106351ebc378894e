"""The sources csv, jsonl, parquet and text: columns, labels, line ends, damage."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import gnb

from gnb.core.errors import InputError, SettingsError
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.plugins import conformance
from gnb.plugins.manager import installed_plugins
from gnb.sources import csv_files, decoding, json_values

REGISTRY = installed_plugins().registry


class Read:
    """What a source gave."""

    def __init__(self, name: str, path: Path, *, strict: bool = False, **options: Any) -> None:
        source = REGISTRY.create("source", name, {"path": str(path), **options})
        examples, problems = read_source(source, strict=strict)
        self.examples: list[Example] = list(examples)
        self.problems = [str(problem).replace(f"{path}:", "") for problem in problems.kept]
        self.notes = [line.replace(f"{path}: ", "") for line in problems.notes]

    @property
    def texts(self) -> list[str]:
        return [example.text for example in self.examples]


def read_csv(path: Path, table: str, **options: Any) -> Read:
    path.write_text(table, "utf-8", newline="")
    return Read("csv", path, **options)


def read_jsonl(path: Path, *rows: Any, **options: Any) -> Read:
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="")
    return Read("jsonl", path, **options)


def write_parquet(path: Path, columns: dict[str, Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "texts.csv"


def test_usual_names_are_found_and_said(path: Path) -> None:
    read = read_csv(path, "Tweet ID,Content,neutral,Likes\n7,مرد که گریه نمی‌کند,آدم که گریه نمی‌کند,3\n8,سلام,سلام,0\n")
    assert read.examples == [
        Example("7", "مرد که گریه نمی‌کند", ("آدم که گریه نمی‌کند",), True, None, "texts.csv:2"),
        Example("8", "سلام", ("سلام",), False, "none", "texts.csv:3"),
    ]
    assert read.notes == ["text from 'Content', references from 'neutral', id from 'Tweet ID'; left aside: 'Likes'"]


@pytest.mark.parametrize("name", ["text", "Tweet", "content", "sentence", "full_text", "متن", "Full Text", "dialogue"])
def test_each_usual_name_of_the_text_is_known(path: Path, name: str) -> None:
    assert read_csv(path, f"a,{name}\n1,سلام\n").texts == ["سلام"]


def test_columns_can_be_named(path: Path) -> None:
    read = read_csv(
        path,
        "text,نوشته,r1,r2,kind,label,part,when\nx,مرد عمل,اهل عمل,آدم عمل,generic,1,dev,امروز\n",
        text="نوشته",
        references=["r2", "r1"],
        category="kind",
        biased="label",
        split="part",
        metadata=["when"],
    )
    assert read.examples[0] == Example(
        "texts.csv:2",
        "مرد عمل",
        ("آدم عمل", "اهل عمل"),
        True,
        "generic",
        "texts.csv:2",
        "validation",
        {"when": "امروز"},
    )


def test_numbered_references_are_found_and_an_empty_name_switches_a_column_off(path: Path) -> None:
    text = "id,text,reference_1,reference_2\n5,مرد عمل,اهل عمل,\n"
    assert read_csv(path, text).examples[0].references == ("اهل عمل",)
    off = read_csv(path, text, references="", id="").examples[0]
    assert (off.references, off.biased, off.id) == ((), None, "texts.csv:2")


def test_all_other_columns_become_metadata_if_asked(path: Path) -> None:
    read = read_csv(path, "text,register,pair,x\nسلام,tweet,p1,\n", metadata=True)
    assert read.examples[0].metadata == {"register": "tweet", "pair": "p1", "x": ""}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "txt"}, "there is no column 'txt'. Did you mean 'text'? Columns: 'text', 'a (2)', 'a (3)'."),
        ({"references": "a"}, "there is no column 'a'. Columns: 'text', 'a (2)', 'a (3)'."),
        ({"metadata": ["b"]}, "there is no column 'b'"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_those_that_are(path: Path, options: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_csv(path, "text,a,a\nسلام,1,2\n", **options)
    assert message in str(caught.value)


def test_a_table_without_a_usual_name_says_which_columns_it_has(path: Path) -> None:
    with pytest.raises(InputError, match=r"name it: text=COLUMN\. Columns: 'a', 'b'\."):
        read_csv(path, "a,b\n1,2\n")


@pytest.mark.parametrize(
    ("word", "label"),
    [
        *dict.fromkeys(["1", "1.0", "TRUE", "yes", "Biased", "بله", "آري", "۱"], True).items(),
        *dict.fromkeys(["0", "false", "No", "unbiased", "neutral", "خیر", "خنثي", "بی طرف", "۰"], False).items(),
        *dict.fromkeys(["", " ", "nan", "NULL", "نامشخص"]).items(),
    ],
)
def test_labels_are_known_in_many_spellings(path: Path, word: str, label: bool | None) -> None:
    assert read_csv(path, f"text,biased\nسلام,{word}\n").examples[0].biased is label


def test_an_unknown_label_or_split_is_reported_and_never_guessed(path: Path) -> None:
    read = read_csv(path, "text,biased,split\nالف,maybe,train\nب,1,fold3\nپ,1,Dev\n")
    assert [(example.text, example.split) for example in read.examples] == [("پ", "validation")]
    assert [problem.partition(";")[0] for problem in read.problems] == ["2: the label 'maybe'", "3: the split 'fold3'"]


def test_a_category_none_means_unbiased_and_a_contradiction_is_reported(path: Path) -> None:
    read = read_csv(path, "text,neutral,biased,category\nسلام,,,none\nمرد,آدم,0,\n")
    assert (read.examples[0].biased, len(read.examples)) == (False, 1)
    assert read.problems == ["3: a text that is not biased, with another text as its neutral form; expected itself"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_marks_are_recognised(path: Path, delimiter: str, end: str, mark: str) -> None:
    rows = [["text", "neutral"], ["«مرد», «زن»؛ یا، " + delimiter, "آدم"], ["خط یک\nخط دو", 'او گفت "نه"']]
    text = end.join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    read = read_csv(path, mark + text + end)
    assert [(example.text, *example.references) for example in read.examples] == [tuple(row) for row in rows[1:]]
    assert [example.origin for example in read.examples] == ["texts.csv:2", "texts.csv:3"]


def test_a_delimiter_can_be_set_and_a_file_may_have_no_header(path: Path) -> None:
    read = read_csv(path, "سلام, دنیا;1\nخوبی, تو;0\n", delimiter="semicolon", header=False, text=1, biased="2")
    assert [(example.text, example.biased) for example in read.examples] == [("سلام, دنیا", True), ("خوبی, تو", False)]
    with pytest.raises(SettingsError, match="is no delimiter"):
        read_csv(path, "text\n", delimiter="::")


def test_ragged_rows_are_reported_with_the_line_they_begin_in(path: Path) -> None:
    read = read_csv(path, 'text,a\n"یک\nدو",1\nسه\nچهار,2,3\nپنج,5,,\n\n')
    assert read.texts == ["یک\nدو", "پنج"]
    assert read.problems == ["4: 1 cells; expected 2", "5: 3 cells; expected 2"]


def test_a_stray_quotation_mark_costs_its_own_rows_and_is_named(path: Path) -> None:
    read = read_csv(path, 'text,a\nالف,1\n"ب,2\nپ,3\n"ت",4\nث,5\n')
    assert read.texts == ["الف", "ث"]
    assert read.problems[0].startswith("3: cannot be taken apart, up to line 5")
    assert "quoted=false" in read.problems[0]
    assert read_csv(path, 'text,a\n"ب,2\nپ",3\n', quoted=False).texts == ['"ب', 'پ"']


def test_a_quotation_mark_that_is_never_closed_is_named(path: Path) -> None:
    read = read_csv(path, 'text,a\nالف,1\n"ب,2\nپ,3\n')
    assert read.texts == ["الف"]
    assert read.problems[0].startswith("3: cannot be taken apart, up to line 4")


def test_a_huge_cell_is_read_and_an_endless_one_is_not(path: Path) -> None:
    long = "الف " * 50_000
    assert read_csv(path, f'text,a\n"{long}",1\n').texts == [long]
    read = read_csv(path, f'text,a\n"{"x" * (csv_files.LONGEST_CELL + 1)}",1\nب,2\n')
    assert (read.texts, len(read.problems)) == (["ب"], 1)
    assert csv.field_size_limit() == csv_files.LONGEST_CELL


@pytest.mark.parametrize("formula", ["=1+1", "+98 21", "-5", "@user سلام", '=HYPERLINK("http://example.org")', "\tx y"])
def test_a_formula_is_a_text_like_any_other(path: Path, formula: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "a"], [formula, "1"]])
    assert Read("csv", path).texts == [formula]


@pytest.mark.parametrize(
    "letters", ["\x00", "\x01\x1f", "\u2028", "\u2029", "\x85", "\x0b\x0c", "\u200c\u200d", "\ufdfd"]
)
def test_odd_characters_split_no_line_and_stay_in_the_text(tmp_path: Path, letters: str) -> None:
    text = f"الف{letters}ب"
    assert read_csv(tmp_path / "a.csv", f"text,a\n{text},1\nب,2\n").texts == [text, "ب"]
    assert read_jsonl(tmp_path / "a.jsonl", f'{{"text": "{text}"}}', {"text": "ب"}).texts == [text, "ب"]
    (tmp_path / "a.txt").write_text(f"{text}\nب\n", "utf-8")
    assert Read("text", tmp_path / "a.txt").texts == [text, "ب"]
    assert Read("parquet", write_parquet(tmp_path / "a.parquet", {"text": [text, "ب"]})).texts == [text, "ب"]


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "text,a\n", "text,a\n\n,\n"])
def test_an_empty_table_is_refused(path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"texts\.csv: holds no text that can be used\. .*holds no rows"):
        read_csv(path, text)


def test_a_table_with_nothing_usable_says_what_was_first(path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no text that can be used\. .*texts\.csv:2: no text in 'text'"):
        read_csv(path, "text,a\n,1\n \u200c,2\n")


def test_a_missing_file_a_pattern_and_a_folder_without_matches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Read("csv", tmp_path / "no.csv")
    with pytest.raises(InputError, match="no file matches this pattern"):
        Read("csv", tmp_path / "*.csv")
    with pytest.raises(InputError, match=r"no file in this folder matches \*\.csv, \*\.csv\.gz, \*\.tsv"):
        Read("csv", tmp_path)


def test_an_id_that_comes_again_is_reported(path: Path) -> None:
    read = read_csv(path, "id,text\n1,الف\n1,ب\n,پ\n,ت\n")
    assert [example.id for example in read.examples] == ["1", "texts.csv:4", "texts.csv:5"]
    assert read.problems[0].startswith("3: the id '1' a second time")


def test_strict_stops_at_the_first_bad_row(path: Path) -> None:
    with pytest.raises(InputError, match=r"texts\.csv:3: no text in 'text'"):
        read_csv(path, "text,a\nالف,1\n,2\n", strict=True)


def test_a_folder_and_a_pattern_are_read_file_by_file_each_with_columns_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a10.csv").write_text("Content,b\nده,1\n", "utf-8")
    (tmp_path / "a2.csv").write_text("x,text\n1,دو\n", "utf-8")
    (tmp_path / "a3.csv").write_text("", "utf-8")
    for path in (tmp_path, tmp_path / "a*.csv"):
        read = Read("csv", path)
        assert {example.origin: example.text for example in read.examples} == {"a2.csv:2": "دو", "a10.csv:2": "ده"}
        assert len(read.notes) == 2
        assert len(read.problems) == 1
    (tmp_path / "b").mkdir()
    (tmp_path / "b/a2.csv").write_text("text\nسه\n", "utf-8")
    ids = [example.id for example in Read("csv", tmp_path / "**/a2.csv").examples]
    assert sorted(ids) == ["a2.csv:2", "b/a2.csv:2"]


def test_json_lines_with_nested_keys_and_lists(tmp_path: Path) -> None:
    read = read_jsonl(
        tmp_path / "a.jsonl",
        {"tweet": {"text": "مرد عمل", "id": 7}, "neutral": ["اهل عمل", "آدم عمل"], "biased": True, "n": float("nan")},
        "",
        {"tweet": {"text": "سلام", "id": 8}, "neutral": None, "biased": None, "n": [1, {"x": float("inf")}]},
        text="tweet.text",
        id="tweet.id",
        metadata=["n"],
    )
    assert read.examples == [
        Example("7", "مرد عمل", ("اهل عمل", "آدم عمل"), True, None, "a.jsonl:1", metadata={"n": None}),
        Example("8", "سلام", (), None, None, "a.jsonl:3", metadata={"n": [1, {"x": None}]}),
    ]


def test_numbers_are_taken_as_written_and_other_values_are_reported(tmp_path: Path) -> None:
    read = read_jsonl(
        tmp_path / "a.jsonl", {"text": 12}, {"text": 1.5}, {"text": True}, {"text": ["a"]}, {"text": None}
    )
    assert read.texts == ["12", "1.5"]
    assert read.problems == [
        "3: a bool in 'text'; expected a text",
        "4: a list in 'text'; expected a text",
        "5: no text in 'text'; expected something to read",
    ]


def test_bad_json_is_reported_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    deep = '{"text": ' + "[" * 100_000
    read = read_jsonl(tmp_path / "a.jsonl", {"text": "الف"}, '{"text": "ب"', "[1, 2]", "سلام", deep, {"text": "پ"})
    assert read.texts == ["الف", "پ"]
    assert [problem.partition(" ")[0] for problem in read.problems] == ["2:", "3:", "4:", "5:"]
    assert "is not JSON" in read.problems[0]
    assert "holds a list; expected a JSON object" in read.problems[1]


def test_a_first_line_that_is_cut_off_costs_no_other(tmp_path: Path) -> None:
    read = read_jsonl(tmp_path / "a.jsonl", '{"text": "ا', {"text": "ب"}, {"text": "پ"})
    assert "پ" in read.texts
    assert read.problems[0].startswith("1: is not JSON")


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_and_objects_laid_out_over_lines_are_read_item_by_item(tmp_path: Path, indent: int | None) -> None:
    items = [{"text": f"متن {number} " + "الف" * 9000, "nested": {"a": [1, "]"]}} for number in range(30)]
    path = tmp_path / "a.json"
    path.write_text("\ufeff \n" + json.dumps(items, ensure_ascii=False, indent=indent), "utf-8")
    assert Read("jsonl", path).texts == [item["text"] for item in items]
    path.write_text("\n".join(json.dumps(item, ensure_ascii=True, indent=2) for item in items), "utf-8")
    read = Read("jsonl", path)
    assert read.texts == [item["text"] for item in items]
    assert [example.id for example in read.examples[:2]] == ["a.json:#1", "a.json:#2"]


def test_an_array_that_is_cut_off_or_broken_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"text": "الف"},\n{"text": "ب"},\n{"text": "پ', "utf-8")
    read = Read("jsonl", path)
    assert (read.texts, len(read.problems)) == (["الف", "ب"], 1)
    assert "is cut off in the value that begins in line 3" in read.problems[0]
    path.write_text('[{"text": "الف"},\n{"text": ب},\n{"text": "پ"}]', "utf-8")
    read = Read("jsonl", path)
    assert read.texts == ["الف", "پ"]
    assert read.problems[0].startswith("2: is not JSON (Expecting value after 9 characters)")
    path.write_text('[{"text": "الف"}', "utf-8")
    assert "ends within its array" in Read("jsonl", path).problems[0]


def test_lines_and_values_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LONGEST_LINE", 1000)
    monkeypatch.setattr(json_values, "LARGEST", 1000)
    read = read_jsonl(tmp_path / "a.jsonl", {"text": "الف"}, {"text": "ب" * 2000})
    assert (read.texts, "a line of more than 1,000 characters" in read.problems[0]) == (["الف"], True)
    path = tmp_path / "a.json"
    path.write_text('[{"text": "الف"}, "' + "b" * 200_000, "utf-8")
    assert "a value of more than 1,000 characters" in Read("jsonl", path).problems[0]


def test_json_lines_that_prepare_wrote_come_back_as_they_are(tmp_path: Path) -> None:
    example = {"id": "7", "text": "مرد", "references": ["آدم"], "biased": True, "category": "generic", "split": "test"}
    [found] = read_jsonl(tmp_path / "a.jsonl", {**example, "origin": "x:1", "metadata": {}}).examples
    assert {key: getattr(found, key) for key in example} == {**example, "references": ("آدم",)}


def test_pair_and_register_of_json_lines_that_gnb_wrote_are_kept_and_said(tmp_path: Path) -> None:
    metadata = {"pair": "p1", "register": "informal", "votes": []}
    read = read_jsonl(tmp_path / "a.jsonl", {"text": "مرد", "metadata": metadata}, {"text": "سلام", "metadata": {}})
    assert [example.metadata for example in read.examples] == [{"pair": "p1", "register": "informal"}, {}]
    assert read.notes[0].endswith("metadata from 'metadata.pair', 'metadata.register'; left aside: 'metadata.votes'")


def test_what_gnb_wrote_itself_is_kept_once_also_if_asked_for(tmp_path: Path) -> None:
    rows = [{"text": "مرد", "n": 1, "metadata": {"pair": 0, "register": "x", "votes": []}}, {"text": "سلام"}]
    rows.append({"text": "باران", "metadata": {"pair": "p1"}})
    read = read_jsonl(tmp_path / "a.jsonl", *rows, metadata=True)
    assert [example.metadata for example in read.examples] == [
        {"pair": 0, "register": "x", "n": 1, "metadata": {"votes": []}},
        {},
        {"pair": "p1"},
    ]
    listed = read_csv(tmp_path / "a.csv", "text,metadata.pair\nمرد,p1\n", metadata=["metadata.pair"])
    assert listed.examples[0].metadata == {"pair": "p1"}


@pytest.mark.parametrize("metadata", [False, True])
def test_what_names_no_pair_and_no_register_is_not_kept(tmp_path: Path, metadata: bool) -> None:
    read = read_csv(tmp_path / "a.csv", "text,metadata.pair,metadata.register\nمرد,, \n", metadata=metadata)
    assert read.examples[0].metadata == {}
    read = read_jsonl(tmp_path / "a.jsonl", {"text": "مرد", "metadata": {"pair": True, "register": None}})
    assert read.examples[0].metadata == {}


def test_a_column_that_is_taken_is_no_metadata_and_one_kept_in_part_is_not_left_aside(tmp_path: Path) -> None:
    row = {"text": "مرد", "metadata": {"pair": "p1", "register": "generic"}, "user": {"name": "x"}}
    read = read_jsonl(tmp_path / "a.jsonl", row, category="metadata.register", metadata=["user"])
    assert read.notes == ["text from 'text', category from 'metadata.register', metadata from 'metadata.pair', 'user'"]
    assert read.examples[0].metadata == {"pair": "p1", "user": {"name": "x"}}


def test_a_text_that_is_not_biased_is_its_own_neutral_form(path: Path) -> None:
    read = read_csv(path, "text,biased,category\nسلام,0,\nباران,,none\n")
    assert [(example.text, *example.references) for example in read.examples] == [("سلام",) * 2, ("باران",) * 2]


def test_parquet_with_lists_numbers_and_nulls(tmp_path: Path) -> None:
    import datetime

    path = write_parquet(
        tmp_path / "a.parquet",
        {
            "tweet": pa.array(["مرد عمل", "سلام", None]),
            "references": pa.array([["اهل عمل", "آدم عمل"], ["سلام"], []]),
            "biased": pa.array([1.0, float("nan"), 0.0]),
            "id": pa.array([11, 12, 13]),
            "time": pa.array([datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)] * 3),
            "blob": pa.array([b"\xff"] * 3),
        },
    )
    read = Read("parquet", path, metadata=True)
    assert read.examples == [
        Example(
            "11",
            "مرد عمل",
            ("اهل عمل", "آدم عمل"),
            True,
            None,
            "a.parquet:1",
            metadata={"time": "2024-01-02T00:00:00+00:00", "blob": "b'\\xff'"},
        ),
        Example("12", "سلام", ("سلام",), False, "none", "a.parquet:2", metadata=read.examples[1].metadata),
    ]
    assert read.problems == ["3: no text in 'tweet'; expected something to read"]


def test_parquet_that_is_damaged_or_lacks_the_column_ends_in_one_line(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"a": ["x"] * 5000, "text": [f"متن {n}" for n in range(5000)]})
    with pytest.raises(InputError, match=r"there is no column 'b'.*Columns: 'a', 'text'"):
        Read("parquet", path, text="b")
    whole = path.read_bytes()
    for damaged in (b"", b"PAR1", whole[: len(whole) // 2], b"x" * 100, whole[:40] + b"\xff" * 400 + whole[440:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.parquet") as caught:
            Read("parquet", path)
        assert "\n" not in str(caught.value)


def test_plain_text_by_line_and_by_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\ufeff یک \r\n\u200c\r\nدو\r\nسه\n\n\nچهار", "utf-8", newline="")
    read = Read("text", path)
    assert [(example.id, example.text) for example in read.examples] == [
        ("a.txt:1", " یک "),
        ("a.txt:3", "دو"),
        ("a.txt:4", "سه"),
        ("a.txt:7", "چهار"),
    ]
    assert Read("text", path, unit="paragraph").texts == [" یک ", "دو\nسه", "چهار"]
    path.write_text("\n\n", "utf-8")
    with pytest.raises(InputError, match=r"holds no text\.$"):
        Read("text", path)
    path.write_bytes("زن و مرد".encode("cp1256"))
    with pytest.raises(InputError, match=r"holds no text that can be read\. .*a\.txt:1: .*encoding"):
        Read("text", path)


def test_the_sources_keep_the_contract(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,neutral\nمرد,آدم\nسلام,سلام\n,\n", "utf-8")
    (tmp_path / "a.jsonl").write_text('{"text": "مرد"}\nx\n', "utf-8")
    (tmp_path / "a.txt").write_text("مرد\n", "utf-8")
    write_parquet(tmp_path / "a.parquet", {"text": ["مرد"]})
    for name in ("csv", "jsonl", "parquet", "text"):
        assert conformance.check_source(REGISTRY.create("source", name, {"path": str(tmp_path)}))


def test_prepare_and_compare_take_tables_and_say_what_they_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("Content,neutral\nمرد عمل\x00 باشید,اهل عمل باشید\nسلام,سلام\n,\n", "utf-8")
    (tmp_path / "a.jsonl").write_text('{"sentence": "مرد", "neutral": "آدم"}\n', "utf-8")
    assert gnb("prepare", "csv:a.csv", "jsonl:a.jsonl", "--to", "out", "--shares", "1,0,0") == 0
    output, errors = capsys.readouterr()
    assert "texts\t3\n" in output
    assert "rule control\t1 text changed, 1 character removed" in output
    assert "a.csv: text from 'Content', references from 'neutral'\n" in errors
    assert "a.jsonl: text from 'sentence', references from 'neutral'\n" in errors
    rows = [json.loads(line) for line in (tmp_path / "out/train.jsonl").read_text("utf-8").splitlines()]
    assert "مرد عمل\x00 باشید" in [row["metadata"].get("raw") for row in rows]
    arguments = ["compare", "--sources", "jsonl:a.jsonl", "--rewriters", "copy", "--metrics", "detection"]
    assert gnb(*arguments, "--split", "all", "--json") == 0
    output, errors = capsys.readouterr()
    assert json.loads(output)["texts"] == 1
    assert "a.jsonl: text from 'sentence'" in errors


def test_the_csv_of_a_matrix_holds_no_cell_that_a_spreadsheet_would_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text": "مرد", "neutral": "آدم"}\n', "utf-8")
    arguments = ["compare", "-s", "jsonl:a.jsonl", "-r", "@x=copy", "-m", "detection", "--split", "all", "--csv"]
    assert gnb(*arguments) == 0
    assert "\n'@x," in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_long_table_is_never_held_whole(tmp_path: Path, kind: str) -> None:
    import tracemalloc

    path = tmp_path / f"a.{kind}"
    text = "او مرد عمل است و قولش قول است. " * 130
    rows = 2_000
    if kind == "parquet":
        pq.write_table(pa.table({"text": [f"{text}{n}" for n in range(rows)]}), path, row_group_size=250)
    else:
        with path.open("w", encoding="utf-8") as file:
            file.write("text,a\n" if kind == "csv" else "")
            for number in range(rows):
                row = f"{text}{number}"
                file.write(f"{row},1\n" if kind == "csv" else json.dumps({"text": row}, ensure_ascii=False) + "\n")
    source = REGISTRY.create("source", kind, {"path": str(path)})
    examples, _ = read_source(source)
    next(examples)
    tracemalloc.start()
    assert sum(1 for _ in examples) == rows - 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * 2**20  # the texts are 16 MB in memory
