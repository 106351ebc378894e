"""Preparation: what is written, that reruns give the same bytes, and how copies are merged."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import py7zr
import pyarrow.parquet as pq
import pytest

from gnb.core.cleaning import CleaningOptions
from gnb.core.components import Source
from gnb.core.errors import GnbError, InputError, SettingsError
from gnb.core.options import Options
from gnb.core.preparation import Input, Plan, Prepared, prepare
from gnb.core.preparation import stages as stages_module
from gnb.core.preparation.chunks import SIZE
from gnb.core.preparation.pool import map_in_order
from gnb.core.preparation.work import WorkFile
from gnb.core.preparation.workspace import OUTPUTS
from gnb.core.records import SPLITS, Example, Problem, Report
from gnb.core.splitting import split_examples

WORDS = ["کتاب", "مدرسه", "شهر", "کارگر", "پزشک", "خانه", "بازار", "معلم", "راننده", "جلسه", "سفر", "باغ", "نان"]


class ListSource(Source):
    """Yields the examples and problems it is given; an exception among them is raised."""

    def __init__(self, items: list[Example | Problem | BaseException]) -> None:
        super().__init__(Options())
        self.items = items

    def read(self, report: Report) -> Iterator[Example]:
        for item in self.items:
            if isinstance(item, Problem):
                report(item)
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item


def sentences(count: int) -> list[Example]:
    chosen = random.Random(0)
    return [
        Example(
            str(n),
            text := " ".join(chosen.choices(WORDS, k=12)),
            (text,),
            biased=False,
            category=("none", "family")[n % 2],
        )
        for n in range(count)
    ]


def run(target: Path, *items: Any, **plan: Any) -> Prepared:
    return prepare([Input("list", ListSource(list(items)))], Plan(target=target, **plan))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def everything(folder: Path) -> list[dict[str, Any]]:
    return [record for split in SPLITS for record in lines(folder / f"{split}.jsonl")]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_file_is_there_and_in_the_manifest(tmp_path: Path) -> None:
    manifest = run(tmp_path / "out", *sentences(100)).manifest
    assert set(contents(tmp_path / "out")) == {*OUTPUTS, "manifest.json"}
    assert json.loads((tmp_path / "out/manifest.json").read_text("utf-8")) == manifest
    for name, data in contents(tmp_path / "out").items():
        if name != "manifest.json":
            assert manifest["files"][name] == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert manifest["counts"]["splits"] == {"train": 80, "validation": 10, "test": 10}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_parquet_holds_what_json_lines_hold(tmp_path: Path) -> None:
    run(tmp_path / "out", *sentences(50), Example("u", "بی‌برچسب", metadata={"register": "formal"}))
    for split in SPLITS:
        rows = pq.read_table(tmp_path / f"out/{split}.parquet").to_pylist()
        assert [{**row, "metadata": json.loads(row["metadata"])} for row in rows] == lines(
            tmp_path / f"out/{split}.jsonl"
        )


def test_published_layout_holds_all_that_is_labelled(tmp_path: Path) -> None:
    counts = run(tmp_path / "out", *sentences(50), Example("u", "بی‌برچسب")).manifest["counts"]
    train, test = (json.loads((tmp_path / f"out/{name}.json").read_text("utf-8")) for name in ("train", "test"))
    labelled = [record for record in everything(tmp_path / "out") if record["references"]]
    assert len(train) + len(test) == len(labelled) == counts["published"] == 50
    assert {tuple(item.items()) for item in train + test} == {
        (("id", each["id"]), ("dialogue", each["text"]), ("summary", each["references"][0])) for each in labelled
    }
    assert {item["id"] for item in test} <= {record["id"] for record in lines(tmp_path / "out/test.jsonl")}
    with py7zr.SevenZipFile(tmp_path / "out/gender_neutralize.7z") as archive:
        archive.extractall(tmp_path / "unpacked")
    assert contents(tmp_path / "unpacked") == {
        name: (tmp_path / "out" / name).read_bytes() for name in ("train.json", "test.json")
    }


def test_reruns_give_the_same_bytes_whatever_the_workers_and_the_folder(tmp_path: Path) -> None:
    examples = sentences(5 * SIZE)
    run(tmp_path / "one", *examples, workers=1)
    run(tmp_path / "sub/two", *examples, workers=2)
    first = contents(tmp_path / "one")
    assert contents(tmp_path / "sub/two") == first
    run(tmp_path / "one", *examples, seed=1)
    assert contents(tmp_path / "one")["train.jsonl"] != first["train.jsonl"]


def test_splits_are_those_that_compare_and_train_use(tmp_path: Path) -> None:
    examples = sentences(300)
    examples += [Example(f"near{n}", examples[n].text + "!", category="none") for n in range(0, 300, 7)]
    examples += [Example(f"p{n}", f"متن جفت {n} " * 3, metadata={"pair": str(n // 2)}) for n in range(20)]
    for n, pair in enumerate([["a", 20], ["a", 20], 7, 7, *[""] * 40]):  # what a user's own column may hold
        examples.append(Example(f"odd{n}", " ".join(random.Random(n).choices(WORDS, k=9)), metadata={"pair": pair}))
    examples += [Example("fixed", "متنی که جایش معلوم است", split="test"), Example("kin", "متنی که جایش معلوم است.")]
    run(tmp_path / "out", *examples, rules=CleaningOptions.named("none"), seed=3)
    written = {record["id"]: record["split"] for record in everything(tmp_path / "out")}
    assert written == {example.id: example.split for example in split_examples(examples, seed=3)}
    assert written["fixed"] == written["kin"] == "test"


def test_what_the_author_wrote_is_kept_beside_the_clean_text(tmp_path: Path) -> None:
    run(tmp_path / "out", Example("a", "علي  رفت", ("او  رفت", "كسی رفت")), Example("b", "رضا رفت"))
    changed, same = sorted(everything(tmp_path / "out"), key=lambda record: record["id"])
    assert (changed["text"], changed["references"]) == ("علی رفت", ["او رفت", "کسی رفت"])
    assert changed["metadata"] == {
        "raw": "علي  رفت",
        "raw_references": ["او  رفت", "كسی رفت"],
        "rules": ["letters", "spaces"],
    }
    assert same["metadata"] == {}


def test_changes_are_counted_and_shown_by_rule(tmp_path: Path) -> None:
    done = run(tmp_path / "out", Example("a", "علي  رفت"), Example("b", "كسی   آمد"), Example("c", "رضا"), samples=1)
    assert done.manifest["rules"]["letters"] == {"changed": 2, "removed": 0}
    assert done.manifest["rules"]["spaces"] == {"changed": 2, "removed": 3}
    assert [(step.before, step.after) for step in done.samples["spaces"]] == [("علی  رفت", "علی رفت")]
    assert done.samples["invisible"] == []


def test_copies_are_merged_and_their_references_joined(tmp_path: Path) -> None:
    counts = run(
        tmp_path / "out",
        Example("u", "او مرد است"),
        Example("a", "او مرد است.", ("او آدم است.",), biased=True),
        Example("a2", "او مرد است", ("او آدم است",), biased=True),
        Example("b", "او مرد  است.", ("او آدم است.", "او کسی است."), biased=True),
        Example("c", "او مرد است.", ("او مرد است.",), biased=False),
    ).manifest["counts"]
    first, second = sorted(everything(tmp_path / "out"), key=lambda record: record["id"])
    assert (first["id"], first["references"]) == ("a", ["او آدم است.", "او کسی است."])
    assert (second["id"], second["references"], second["biased"]) == ("a2", ["او آدم است"], True)
    assert (counts["duplicates"], counts["conflicting_references"], counts["conflicting_labels"]) == (3, 1, 1)
    conflicts = lines(tmp_path / "out/conflicts.jsonl")
    assert [(each["about"], each["kept"]["id"], each["other"]["id"]) for each in conflicts] == [
        ("references", "a", "b"),
        ("labels", "a", "c"),
    ]


@pytest.mark.parametrize("unlabelled_first", [True, False])
def test_a_label_without_references_is_kept_whichever_copy_has_it(tmp_path: Path, unlabelled_first: bool) -> None:
    copies = [Example("u", "او مرد است"), Example("l", "او مرد است", biased=True, category="generic")]
    run(tmp_path / "out", *(copies if unlabelled_first else reversed(copies)))
    [record] = everything(tmp_path / "out")
    assert (record["id"], record["biased"], record["category"]) == ("l", True, "generic")


def test_the_label_of_one_copy_joins_the_references_of_the_other(tmp_path: Path) -> None:
    label = Example("l", "او مرد است", biased=True, category="generic")
    run(tmp_path / "out", label, Example("r", "او مرد است", ("او آدم است",)))
    [record] = everything(tmp_path / "out")
    assert (record["biased"], record["category"], record["references"]) == (True, "generic", ["او آدم است"])


def test_an_unbiased_text_takes_no_reference_unlike_itself(tmp_path: Path) -> None:
    label = Example("l", "او مرد است", biased=False, category="none")
    done = run(tmp_path / "out", label, Example("r", "او مرد است", ("او آدم است",)))
    [record] = everything(tmp_path / "out")
    assert (record["id"], record["biased"], record["references"]) == ("r", None, ["او آدم است"])
    assert done.manifest["counts"]["conflicting_labels"] == 1


def test_label_and_category_come_from_one_copy(tmp_path: Path) -> None:
    run(tmp_path / "out", Example("b", "او مرد است", biased=True), Example("c", "او مرد است", category="none"))
    [record] = everything(tmp_path / "out")
    assert (record["biased"], record["category"]) == (True, None)


def test_an_empty_pair_of_one_of_several_sources_pairs_nothing(tmp_path: Path) -> None:
    words = ("کتاب", "راه", "باران", "خانه", "شهر", "دریا", "کوه", "باغ")
    sources = [
        ListSource(
            [
                Example(str(n), " ".join(random.Random(f"{s}{n}").choices(words, k=12)), metadata={"pair": ""})
                for n in range(40)
            ]
        )
        for s in "ab"
    ]
    prepare([Input("list", source) for source in sources], Plan(target=tmp_path / "out"))
    assert {record["split"] for record in everything(tmp_path / "out")} == {"train", "validation", "test"}


@pytest.mark.parametrize("value", [None, 3, "abc", [3]])
def test_a_column_of_the_users_that_is_called_rules_does_not_count(tmp_path: Path, value: object) -> None:
    run(tmp_path / "out", Example("1", "كتاب خوب", metadata={"rules": value}))
    [record] = everything(tmp_path / "out")
    assert record["metadata"]["rules"] == ["letters"]


def test_ids_and_pairs_of_several_sources_stay_apart(tmp_path: Path) -> None:
    sources = [ListSource([Example("1", text, metadata={"pair": "p"})]) for text in ("کتاب خوب", "راه دور و دراز")]
    prepare([Input("list", source) for source in sources], Plan(target=tmp_path / "out"))
    assert {(record["id"], record["metadata"]["pair"]) for record in everything(tmp_path / "out")} == {
        ("1/1", "1/p"),
        ("2/1", "2/p"),
    }


def test_one_text_is_for_training_and_an_emptied_one_is_counted(tmp_path: Path) -> None:
    rules = CleaningOptions.named("careful", {"emoji": True})
    manifest = run(tmp_path / "out", Example("a", "😀"), Example("b", "متن 😀", ("😀",)), rules=rules).manifest
    assert manifest["counts"]["empty"] == 1
    assert [(r["text"], r["references"], r["split"]) for r in everything(tmp_path / "out")] == [("متن", [], "train")]
    assert json.loads((tmp_path / "out/train.json").read_text("utf-8")) == []


def test_odd_texts_pass(tmp_path: Path) -> None:
    texts = ["!!!", "؟", "\u200d", "a\ud800b", "\x00", "x" * 100_000, "👩", "e\u0301"]
    run(tmp_path / "out", *(Example(str(n), text) for n, text in enumerate(texts)))
    assert {"!!!", "؟", "a?b", "👩", "e\u0301"} <= {record["text"] for record in everything(tmp_path / "out")}


def test_problems_are_counted_or_stop_the_run(tmp_path: Path) -> None:
    items = [Example("a", "متن"), Problem("Bias1.txt:3", "no text")]
    assert run(tmp_path / "out", *items).manifest["sources"][0]["skipped"] == 1
    with pytest.raises(InputError, match=r"Bias1.txt:3: no text"):
        run(tmp_path / "strict", *items, strict=True)
    assert not (tmp_path / "strict").exists()


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text is left"):
        run(tmp_path / "out", Example("a", "\u200c"))


def test_other_peoples_files_are_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out"
    run(target, *sentences(3))
    run(target, *sentences(4))
    (target / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match=r"notes.txt changed since"):
        run(target, *sentences(3))
    assert (target / "notes.txt").read_text() == "mine"
    with pytest.raises(SettingsError, match="is a file"):
        run(target / "notes.txt", *sentences(3))


@pytest.mark.parametrize("target", ["/", ".", ".."])
def test_folders_in_use_are_refused(target: str) -> None:
    with pytest.raises(SettingsError, match="holds other files"):
        run(Path(target), *sentences(3))


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    run(tmp_path / "link", *sentences(3))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/manifest.json").exists()


def test_finished_chunks_are_not_cleaned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = sentences(6 * SIZE)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", *examples[: 5 * SIZE + 10], KeyboardInterrupt())
    assert not (tmp_path / "out").exists()
    cleaned = []
    clean_chunk = stages_module.clean_chunk
    monkeypatch.setattr(stages_module, "clean_chunk", lambda chunk: cleaned.append(chunk.number) or clean_chunk(chunk))
    run(tmp_path / "out", *examples)
    assert cleaned == [5]
    run(tmp_path / "whole", *examples)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_error_leaves_what_was_finished_and_nothing_else(tmp_path: Path) -> None:
    for read, left in ((SIZE // 2, []), (6 * SIZE, [".out.preparing"])):
        with pytest.raises(InputError, match="broken"):
            run(tmp_path / "out", *sentences(read), InputError("broken"))
        assert [path.name for path in tmp_path.iterdir()] == left
    with pytest.raises(InputError, match="broken"):  # by a slip, between two runs of the same command
        run(tmp_path / "out", InputError("broken"))
    assert [path.name for path in tmp_path.iterdir()] == [".out.preparing"]


def test_edits_made_while_a_dataset_is_prepared_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "out"
    run(target, *sentences(3))

    def edit(what: str, done: int, total: int) -> None:
        (target / "train.jsonl").write_text("mine")

    with pytest.raises(SettingsError, match=r"train.jsonl changed since"):
        prepare([Input("list", ListSource(sentences(4)))], Plan(target=target), edit)
    assert (target / "train.jsonl").read_text() == "mine"


def test_changed_input_and_rules_are_cleaned_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", *sentences(3 * SIZE), KeyboardInterrupt())
    rules = CleaningOptions.named("published")
    examples = [Example("x", "متن ديگر 5"), *sentences(SIZE)]
    run(tmp_path / "out", *examples, rules=rules)
    run(tmp_path / "fresh", *examples, rules=rules)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_two_at_once_on_one_target_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".out.preparing").mkdir()
    with WorkFile(tmp_path / ".out.preparing/work.sqlite"), pytest.raises(GnbError, match="another gnb prepare"):
        run(tmp_path / "out", *sentences(3))
    run(tmp_path / "out", *sentences(3))
    assert (tmp_path / "out/manifest.json").exists()


def test_a_damaged_work_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".out.preparing").mkdir()
    (tmp_path / ".out.preparing/work.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(GnbError, match=r"work.sqlite: is damaged"):
        run(tmp_path / "out", *sentences(3))


def die(task: int) -> int:
    import os

    os._exit(task)


def test_a_dying_worker_is_one_clear_error() -> None:
    with pytest.raises(GnbError, match="A worker process died"):
        list(map_in_order(die, range(1, 9), workers=2))


def test_results_come_in_the_order_of_the_tasks() -> None:
    assert list(map_in_order(abs, range(-50, 0), workers=2)) == list(range(50, 0, -1))
