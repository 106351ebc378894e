"""`gnb publish`: the folder that it writes, what it refuses, and what it sends to a hub."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import py7zr
import pytest
import yaml
from commands import gnb, write
from hub_server import TOKEN, Hub, serving

from gnb.core.errors import SettingsError
from gnb.core.records import Example
from gnb.publishing.folder import new_folder
from gnb.publishing.rows import mask_examples, with_reference

COLUMNS = ["id", "text", "references", "biased", "category", "origin", "register"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a small dataset that holds personal data."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "test"):
        write(
            tmp_path / f"data/{split}.jsonl",
            {
                "id": f"{split}-1",
                "text": f"آقای مدیر {split} گفت زنگ بزن ۰۹۱۲۳۴۵۶۷۸۹",
                "references": [f"مدیر {split} گفت زنگ بزن ۰۹۱۲۳۴۵۶۷۸۹"],
                "biased": True,
                "category": "marking",
                "origin": "tweets.txt:1",
                "metadata": {"register": "formal", "raw": "@sara", "likes": 3},
            },
            {
                "id": f"0912345678{len(split)}",
                "text": f"سلام {split} از @sara",
                "references": [f"سلام {split} از @sara"],
                "biased": False,
                "category": "none",
            },
        )
    return tmp_path


@pytest.fixture
def published(folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The same, published."""
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0", "--attribution", "Sara") == 0
    capsys.readouterr()
    return folder / "out"


def test_the_folder_loads_with_datasets(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(published), cache_dir=str(tmp_path / "cache"))
    assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 2, "test": 2}
    first = loaded["train"][0]
    assert loaded["train"].column_names == COLUMNS
    assert first["text"] == "آقای مدیر train گفت زنگ بزن @phone"
    assert first["references"] == ["مدیر train گفت زنگ بزن @phone"]
    assert (first["biased"], first["category"], first["register"]) == (True, "marking", "formal")


def test_an_unbiased_text_is_published_as_its_own_reference() -> None:
    assert with_reference(Example("1", "متن", biased=False)).references == ("متن",)
    assert with_reference(Example("1", "متن", biased=True)).references == ()


def test_no_file_holds_personal_data(published: Path) -> None:
    with py7zr.SevenZipFile(published / "dataset.7z") as archive:
        archive.extractall(published.parent / "unpacked")
    files = [*published.rglob("*"), *(published.parent / "unpacked").rglob("*")]
    contents = b"".join(path.read_bytes() for path in files if path.is_file())
    for secret in ("۰۹۱۲۳۴۵۶۷۸۹", "sara", "0912345678"):
        assert secret.encode() not in contents, secret


def test_the_card_counts_what_was_masked_and_has_a_valid_head(published: Path) -> None:
    card = (published / "README.md").read_text("utf-8")
    head = yaml.safe_load(card.split("---")[1])
    assert (head["license"], head["language"], head["size_categories"]) == ("cc-by-4.0", ["fa"], ["n<1K"])
    files = head["configs"][0]["data_files"]
    assert [each["split"] for each in files] == ["train", "test"]
    assert all((published / each["path"]).is_file() for each in files)
    assert "telephone numbers: 4 (`@phone`)" in card
    assert "@names: 4 (`@user`)" in card
    assert "in 4 of the texts" in card
    assert "Sara" in card


def test_checksums_are_those_of_all_files(published: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "checksums.txt"], cwd=published, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    named = {line.split("  ")[1] for line in (published / "checksums.txt").read_text("utf-8").splitlines()}
    files = {path.relative_to(published).as_posix() for path in published.rglob("*") if path.is_file()}
    assert files - named == {"checksums.txt"}


def test_the_same_data_gives_the_same_bytes_and_a_publication_may_be_replaced(published: Path) -> None:
    before = {path: path.read_bytes() for path in published.rglob("*") if path.is_file()}
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0", "--attribution", "Sara") == 0
    assert gnb("publish", "data", "--to", "other", "--license", "CC-BY-4.0", "--attribution", "Sara") == 0
    assert {path: path.read_bytes() for path in published.rglob("*") if path.is_file()} == before
    for path, content in before.items():
        assert (published.parent / "other" / path.relative_to(published)).read_bytes() == content
    assert [path.name for path in published.parent.iterdir() if path.name.startswith(".")] == []


def test_the_json_lines_are_a_source_again(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("audit", "out/jsonl", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["sizes"]["splits"] == {"train": 2, "test": 2}
    assert record["sizes"]["registers"] == {"formal": 2}
    assert "personal-data" not in {each["name"] for each in record["findings"]}


def test_references_are_counted_as_they_are_published(folder: Path) -> None:
    rows = [{"id": "1", "text": "سلام بر همه", "biased": False}, {"id": "2", "text": "مرد باش!", "biased": True}]
    write(folder / "data/train.jsonl", *rows)
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0") == 0
    files = [folder / f"out/jsonl/{split}.jsonl" for split in ("train", "test")]
    lines = [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]
    assert sum(len(line["references"]) for line in lines) == 3
    assert json.loads((folder / "out/publication.json").read_text("utf-8"))["sizes"]["references"] == 3
    assert "| references | 3 |" in (folder / "out/README.md").read_text("utf-8")


def test_a_leak_that_masking_makes_is_told_with_the_command_that_shows_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "@{} دیروز گفت که همه باید قول مردانه بدهند و سر قولشان بمانند"
    for split, name in (("train", "zahra_mohammadi_1375"), ("test", "reza")):
        write(folder / f"data/{split}.jsonl", {"id": split, "text": text.format(name), "biased": True})
    assert gnb("audit", "data") == 0
    assert "leak" not in capsys.readouterr().out
    assert gnb("publish", "data", "--to", "my out", "--license", "CC-BY-4.0") == 0
    out, err = capsys.readouterr()
    assert "error leak\t1\n" in out
    assert "gnb audit 'prepared:my out/jsonl' names the texts of the findings.\n" in err
    assert gnb("audit", "prepared:my out/jsonl") == 0
    assert "[leak]\n  test" in capsys.readouterr().out
    assert gnb("publish", "data", "--to", "hub:me/set", "--license", "CC-BY-4.0") == 0
    assert "gnb publish with --to FOLDER and then gnb audit prepared:FOLDER/jsonl names" in capsys.readouterr().err


def test_texts_that_masking_makes_the_same_are_in_one_split(folder: Path) -> None:
    names = [sha256(str(n).encode()).hexdigest() for n in range(40)]
    rows = [{"id": str(n), "text": f"@{name} مردها بهترند", "biased": True} for n, name in enumerate(names)]
    write(folder / "tweets.jsonl", *rows)
    assert gnb("publish", "jsonl:tweets.jsonl", "--to", "out", "--license", "CC-BY-4.0") == 0
    record = json.loads((folder / "out/publication.json").read_text("utf-8"))
    assert record["sizes"]["splits"] == {"train": 40}


def test_ids_and_pairs_with_personal_data_stay_apart_and_cannot_be_guessed(folder: Path) -> None:
    ids = ["09123456789", "09123456780", "hidden-1", "4"]
    pairs = ["@ali", "@sara", "@ali", ["a"]]
    texts = ["کتاب خوب", "راه دور و دراز", "باغ ما", "نان تازه"]
    rows = [
        {"id": name, "text": text, "biased": True, "metadata": {"pair": pair}}
        for name, text, pair in zip(ids, texts, pairs, strict=True)
    ]
    write(folder / "data/train.jsonl", *rows)
    (folder / "data/test.jsonl").unlink()
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0") == 0
    lines = [json.loads(line) for line in (folder / "out/jsonl/train.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["hidden-2", "hidden-3", "hidden-1", "4"]
    assert [line["metadata"]["pair"] for line in lines] == ["hidden-1", "hidden-2", "hidden-1", "['a']"]


def test_pairs_that_are_no_texts_are_masked_too() -> None:
    pairs = [3, None, "", ["@sara"], ["@sara"], "@ali"]
    examples = [Example(str(n), "متن", metadata={"pair": pair}) for n, pair in enumerate(pairs)]
    masked = [each.metadata["pair"] for each in mask_examples(examples).examples]
    assert masked == ["3", None, "", "hidden-1", "hidden-1", "hidden-2"]


def test_any_value_names_a_pair_whose_texts_share_a_split(folder: Path) -> None:
    rows = [{"id": str(n), "text": f"{n} {text}", "pair": [n % 6]} for n in range(12) for text in ["کتاب " * (n + 1)]]
    write(folder / "pairs.jsonl", *rows)
    options = ("--metadata", "pair", "-o", "jsonl.metadata=true")
    assert gnb("publish", "jsonl:pairs.jsonl", "--to", "out", "--license", "CC-BY-4.0", *options) == 0
    splits: dict[str, set[str]] = {}
    for path in (folder / "out/jsonl").iterdir():
        for line in path.read_text("utf-8").splitlines():
            splits.setdefault(json.loads(line)["metadata"]["pair"], set()).add(path.stem)
    assert [len(found) for found in splits.values()] == [1] * 6


def test_the_task_asks_about_the_test_split(published: Path) -> None:
    task = yaml.safe_load((published / "harness/gnb_neutralise.yaml").read_text("utf-8"))
    assert (task["output_type"], task["test_split"]) == ("generate_until", "test")
    assert task["dataset_kwargs"]["data_files"]["test"] == "data/test-00000-of-00001.parquet"
    assert {each["metric"] for each in task["metric_list"]} == {"bleu", "chrf"}
    assert "{{text}}" in task["doc_to_text"]
    assert task["doc_to_target"] == "{{references[0]}}"
    assert "@" not in (published / "harness/README.md").read_text("utf-8")


def test_personal_data_stays_only_where_the_publisher_says_so(folder: Path) -> None:
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0", "--keep-personal-data") == 0
    assert "۰۹۱۲۳۴۵۶۷۸۹" in (folder / "out/jsonl/train.jsonl").read_text("utf-8")
    assert "**Not masked**" in (folder / "out/README.md").read_text("utf-8")


def test_other_metadata_is_published_on_request_and_masked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0", "--metadata", "raw,likes,likez") == 0
    assert "--metadata likez: no text has that key.\n" in capsys.readouterr().err
    row = json.loads((folder / "out/jsonl/train.jsonl").read_text("utf-8").splitlines()[0])
    assert row["metadata"] == {"register": "formal", "raw": "@user", "likes": "3"}


def test_a_category_is_masked_and_cannot_steer_a_terminal_that_shows_the_card(folder: Path) -> None:
    row = {"id": "1", "text": "سلام", "references": [], "biased": True, "category": "tel 09121234567 @ali \x1b[31m"}
    write(folder / "odd.jsonl", row)
    assert gnb("publish", "jsonl:odd.jsonl", "--to", "out", "--license", "CC-BY-4.0") == 0
    [line] = (folder / "out/jsonl/train.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["category"] == "tel @phone @user \x1b[31m"
    assert "category `tel @phone @user \\x1b[31m`" in (folder / "out/README.md").read_text("utf-8")


def test_the_card_says_whether_the_texts_were_cleaned(folder: Path) -> None:
    write(folder / "clean.jsonl", {"id": "1", "text": "سلام", "biased": False})
    assert gnb("prepare", "jsonl:clean.jsonl", "--to", "clean") == 0
    for data, said in (("clean", "`gnb prepare`: none changed a text."), ("jsonl:clean.jsonl", "were not cleaned.")):
        assert gnb("publish", data, "--to", "out", "--license", "CC-BY-4.0") == 0
        assert said in (folder / "out/README.md").read_text("utf-8")


def test_the_bundled_corpus_brings_its_licence_and_attribution(folder: Path) -> None:
    assert gnb("prepare", "bundled:k", "--to", "k") == 0
    assert gnb("publish", "k", "--to", "out") == 0
    card = (folder / "out/README.md").read_text("utf-8")
    assert "the gnb founders" in card
    assert "no human has annotated" in card
    assert (folder / "out/LICENSE").read_text("utf-8").startswith("Attribution 4.0 International")
    record = json.loads((folder / "out/publication.json").read_text("utf-8"))
    prepared = json.loads((folder / "k/manifest.json").read_text("utf-8"))
    assert record["sizes"]["splits"] == prepared["counts"]["splits"]
    assert record["sources"] == ["bundled"]


def test_a_publication_is_published_again_with_all_that_was_known_of_it(folder: Path) -> None:
    assert gnb("prepare", "bundled:k", "--to", "k") == 0
    assert gnb("publish", "k", "--to", "out") == 0
    assert gnb("publish", "out/jsonl", "--to", "again") == 0
    for name in ("LICENSE", "README.md"):
        assert (folder / "again" / name).read_bytes() == (folder / "out" / name).read_bytes()


def test_the_card_says_where_it_is_not_known_what_was_done(folder: Path) -> None:
    assert gnb("audit", "data", "--fix", "--to", "fixed") == 0
    assert gnb("publish", "fixed", "--to", "out", "--license", "CC-BY-4.0") == 0
    card = (folder / "out/README.md").read_text("utf-8")
    assert "Which sources the texts are from, and whether they were cleaned, is not known." in card
    assert "were not cleaned" not in card


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "--to", "out"], "without a licence"),
        (["data", "--to", "out", "--license", "CC-BY4"], "Did you mean 'CC-BY-4.0'"),
        (["data", "--to", "out", "--license", "MIT"], "--license-file"),
        (["data", "--to", "out", "--license", "MIT", "--license-file", "none"], "cannot be read"),
        (["bundled:k", "--to", "out", "--license", "MIT"], "stays so"),
        (["data", "--to", "data", "--license", "CC-BY-4.0"], "holds other files"),
        (["data", "--to", "/proc", "--license", "CC-BY-4.0"], "is a mount point"),
        (["data", "--to", "data/train.jsonl", "--license", "CC-BY-4.0"], "is a file"),
        (["data", "--to", "out", "--license", "CC-BY-4.0", "--upload"], "belong to --to hub:"),
        (["data", "--to", "hub:name", "--license", "CC-BY-4.0"], "hub:OWNER/NAME"),
        (["data", "--to", "out", "--license", "CC-BY-4.0", "--about", "none.md"], "cannot be read"),
        (
            ["data", "--to", "out", "--license", "CC-BY-4.0", "--metadata", "references"],
            "a column of the dataset has that",
        ),
        (
            ["data", "--to", "out", "--license", "CC-BY-4.0", "--title", "a\udcff"],
            "--title: holds bytes that are no UTF-8",
        ),
        (["data", "--to", "out", "--license", "CC-BY-4.0", "--attribution", "a\udcff"], "--attribution: holds bytes"),
        (["nowhere", "--to", "out"], "no source 'nowhere'"),
    ],
)
def test_mistakes_end_in_one_clear_line_and_write_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert gnb("publish", *arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert not (folder / "out").exists()


def test_a_publication_that_was_changed_is_not_replaced(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (published / "README.md").write_text("mine", "utf-8")
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0") == 2
    assert "README.md changed since" in capsys.readouterr().err
    assert (published / "README.md").read_text("utf-8") == "mine"


def test_an_interrupted_publication_leaves_what_was_there(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = (published / "README.md").read_bytes()
    monkeypatch.setattr("gnb.publishing.write_checksums", interrupt)
    assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0") == 130
    assert (published / "README.md").read_bytes() == before
    assert [path.name for path in published.parent.iterdir() if path.name.startswith(".")] == []


def test_a_second_publisher_of_a_folder_is_refused_and_the_first_one_ends_well(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out") as folder:
        (folder / "a").touch()
        (tmp_path / ".out.old").mkdir()  # as another one may leave it
        (tmp_path / ".out.old/mine").touch()
        with pytest.raises(SettingsError, match="another gnb publish is writing it"), new_folder(tmp_path / "out"):
            pass
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == [".out.old", ".out.old/mine", "out", "out/a"]


def test_what_a_killed_publisher_left_is_no_part_of_the_next_publication(tmp_path: Path) -> None:
    (tmp_path / ".out.gnb-publishing/data").mkdir(parents=True)
    (tmp_path / ".out.gnb-publishing/left").touch()
    (tmp_path / ".out.gnb-replaced").mkdir()
    (tmp_path / ".out.gnb-replaced/a").touch()  # of a removal that was broken off
    with new_folder(tmp_path / "out") as folder:
        assert list(folder.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_beside_the_target_that_gnb_did_not_write_stays(folder: Path) -> None:
    for name in (".out.old", ".out.publishing"):
        write(folder / name / "mine", {})
    for _ in range(2):  # the second time it replaces one
        assert gnb("publish", "data", "--to", "out", "--license", "CC-BY-4.0") == 0
    names = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert names == {".out.old", ".out.publishing"}
    assert all((folder / name / "mine").exists() for name in names)


def test_lone_surrogates_and_control_characters_do_not_stop_a_publication(folder: Path) -> None:
    lines = '{"id": "\\ud800a", "text": "سلام \\ud800 و \\u0000", "references": ["سلام \\ud800"]}\n'
    (folder / "odd.jsonl").write_text(lines, "utf-8")
    assert gnb("publish", "jsonl:odd.jsonl", "--to", "out", "--license", "CC-BY-4.0") == 0
    assert gnb("audit", "jsonl:odd.jsonl", "--html", "odd.html", "--fix", "--to", "fixed", "--json") == 0


def on_hub(hub: Hub, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Publish to a hub in a process of its own: its client reads the address when it is imported."""
    values = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(Path.cwd() / "hf")}
    command = [sys.executable, "-m", "gnb", "publish", "data", "--to", "hub:me/tweets", "--license", "CC-BY-4.0"]
    unset = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [*command, *arguments],
        env={**unset, **values, **environment},
        encoding="utf-8",
        capture_output=True,
        check=False,
    )
    assert TOKEN not in done.stdout + done.stderr
    return done


def test_nothing_is_sent_without_the_flag(folder: Path) -> None:
    with serving() as hub:
        done = on_hub(hub)
    assert done.returncode == 0, done.stderr
    assert "Nothing was sent" in done.stderr
    assert "data/train-00000-of-00001.parquet" in done.stderr
    assert hub.requests == []


def test_an_upload_is_private_and_holds_the_same_files(folder: Path) -> None:
    with serving() as hub:
        done = on_hub(hub, "--upload")
    assert done.returncode == 0, done.stderr
    assert f"{hub.url}/datasets/me/tweets/commit/" in done.stderr
    assert hub.private == {"me/tweets": True}
    sent = hub.files["me/tweets"]
    assert {"README.md", "LICENSE", "checksums.txt", "dataset.7z", "data/test-00000-of-00001.parquet"} <= sent.keys()
    assert yaml.safe_load(sent["harness/gnb_neutralise.yaml"])["dataset_path"] == "me/tweets"
    assert 'load_dataset("me/tweets")' in sent["README.md"].decode()
    for name, content in sent.items():
        assert "۰۹۱۲۳۴۵۶۷۸۹".encode() not in content, name


def test_a_public_repository_gets_nothing_unless_it_may_be_public(folder: Path) -> None:
    with serving(private={"me/tweets": False}, files={"me/tweets": {}}) as hub:
        done = on_hub(hub, "--upload")
        assert (done.returncode, hub.files) == (2, {"me/tweets": {}})
        assert "add --public" in done.stderr
        assert on_hub(hub, "--upload", "--public").returncode == 0
    assert "README.md" in hub.files["me/tweets"]


def test_files_of_an_earlier_publication_go_and_those_of_others_stay(folder: Path) -> None:
    with serving() as hub:
        first = on_hub(hub, "--upload")
        (folder / "data/test.jsonl").unlink()
        sent = hub.files["me/tweets"]
        assert {"data/test-00000-of-00001.parquet", "jsonl/test.jsonl", "harness/gnb_neutralise.yaml"} <= sent.keys()
        sent.update({"data/mine.csv": b"mine", "notes.md": b"mine"})
        sent["checksums.txt"] += b"00  *\n"  # no pattern
        again = on_hub(hub, "--upload")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert sorted(name for name in sent if name.startswith(("jsonl/", "data/", "harness/")) or name == "notes.md") == [
        "data/mine.csv",
        "data/train-00000-of-00001.parquet",
        "jsonl/train.jsonl",
        "notes.md",
    ]


@pytest.mark.parametrize("record", [None, b"{}"])
def test_a_repository_that_gnb_never_wrote_to_loses_nothing(folder: Path, record: bytes | None) -> None:
    before = {"data/mine.csv": b"mine", "jsonl/mine.jsonl": b"{}", "checksums.txt": b"00  data/mine.csv\n00  *\n"}
    before |= {} if record is None else {"publication.json": record}
    with serving(private={"me/tweets": True}, files={"me/tweets": dict(before)}) as hub:
        done = on_hub(hub, "--upload")
    assert done.returncode == 0, done.stderr
    assert {"data/mine.csv", "jsonl/mine.jsonl", "data/train-00000-of-00001.parquet"} <= hub.files["me/tweets"].keys()


def test_a_private_repository_does_not_become_public_and_that_is_said(folder: Path) -> None:
    with serving(private={"me/tweets": True}, files={"me/tweets": {}}) as hub:
        done = on_hub(hub, "--upload", "--public")
    assert (done.returncode, hub.files, hub.private) == (2, {"me/tweets": {}}, {"me/tweets": True})
    assert "is there already and private; make it public in its settings on the hub" in done.stderr


@pytest.mark.parametrize(
    ("refuse", "environment", "message"),
    [
        ({"create": 401}, {}, "the token is refused (401)"),
        ({"preupload": 403}, {}, "the token does not allow it (403)"),
        ({"commit": 409}, {}, "at the same time (409)"),
        ({}, {"HF_TOKEN": ""}, "Not logged in"),
        ({}, {"HF_ENDPOINT": "http://127.0.0.1:9"}, "no connection to the hub"),
        ({}, {"HF_ENDPOINT": "http://127.0.0.1:80a0"}, "HF_ENDPOINT is no address"),
        ({}, {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
    ],
)
def test_a_hub_that_refuses_is_told_of_in_one_line(
    folder: Path, refuse: dict[str, int], environment: dict[str, str], message: str
) -> None:
    with serving(refuse=refuse) as hub:
        done = on_hub(hub, "--upload", **environment)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_token_that_lacks_is_told_of_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no data either
    with serving() as hub:
        done = on_hub(hub, "--upload", HF_TOKEN="")
    assert (done.returncode, hub.requests) == (2, [])
    assert done.stderr.startswith("Error: Not logged in to the hub")
