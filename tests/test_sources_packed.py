"""Packed files and archives as sources: streams, and what hostile or damaged ones do."""

import gzip
import io
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gnb.core.errors import InputError
from gnb.core.reading import read_source
from gnb.plugins.manager import installed_plugins
from gnb.sources import packed

REGISTRY = installed_plugins().registry
CSV = "text,neutral\nمرد عمل,اهل عمل\nسلام,سلام\n".encode()
TEXTS = ["مرد عمل", "سلام"]


def read(path: Path, name: str = "csv", **options: Any) -> tuple[list[str], list[str], list[str]]:
    """Return texts, ids and problems."""
    examples, problems = read_source(REGISTRY.create("source", name, {"path": str(path), **options}))
    found = [(example.text, example.id) for example in examples]
    return [text for text, _ in found], [id_ for _, id_ in found], [str(problem) for problem in problems.kept]


def write_tar(path: Path, mode: str, members: dict[str, bytes]) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def write_7z(path: Path, members: dict[str, bytes]) -> None:
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writef(io.BytesIO(data), name)


def write(path: Path, members: dict[str, bytes]) -> Path:
    """Write an archive of the kind that the name says."""
    if path.suffix == ".zip":
        write_zip(path, members)
    elif path.suffix == ".7z":
        write_7z(path, members)
    else:
        write_tar(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w", members)
    return path


KINDS = ["a.zip", "a.7z", "a.tar", "a.tar.gz", "a.tgz"]


def test_a_gzipped_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "a.csv", "a"):
        (tmp_path / name).write_bytes(gzip.compress(CSV))
        texts, ids, problems = read(tmp_path / name)
        assert (texts, problems) == (TEXTS, [])
        assert ids == [f"{name.removesuffix('.gz')}:2", f"{name.removesuffix('.gz')}:3"]


@pytest.mark.parametrize("name", KINDS)
def test_the_members_of_an_archive_are_read_and_others_are_not(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, {"x/a.csv": CSV, "readme.md": b"text\nx\n", "b.CSV.gz": gzip.compress(b"text\nb\n")})
    texts, ids, problems = read(path)
    assert (texts, problems) == ([*TEXTS, "b"], [])
    assert ids[0] == f"{name}/x/a.csv:2"
    assert sorted(os.listdir(tmp_path)) == [name]


@pytest.mark.parametrize("name", KINDS)
def test_all_formats_are_read_out_of_archives(tmp_path: Path, name: str) -> None:
    target = io.BytesIO()
    pq.write_table(pa.table({"text": TEXTS}), target)
    members = {"a.parquet": target.getvalue(), "a.jsonl": '{"text": "مرد عمل"}\n{"text": "سلام"}'.encode()}
    path = write(tmp_path / name, {**members, "a.txt": "مرد عمل\nسلام".encode()})
    assert [read(path, kind)[0] for kind in ("parquet", "jsonl", "text")] == [TEXTS] * 3


@pytest.mark.parametrize("name", KINDS)
def test_an_archive_without_a_member_of_that_kind_says_what_it_holds(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"no file in this archive ends in csv or tsv; it holds a\.txt, b\.md"):
        read(write(tmp_path / name, {"a.txt": b"x", "b.md": b"y"}))


UNSAFE = ["../a.csv", "/tmp/a.csv", "x/../../a.csv", "C:/a.csv", "..\\a.csv"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
@pytest.mark.parametrize("unsafe", UNSAFE)
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path: Path, name: str, unsafe: str) -> None:
    path = write(tmp_path / name, {unsafe: CSV, "good.csv": CSV})
    texts, _, problems = read(path)
    assert (texts, len(problems)) == (TEXTS, 1)
    assert "leads out of the archive" in problems[0]
    assert sorted(os.listdir(tmp_path)) == [name]


def test_names_that_lead_out_of_a_7z_archive_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.set_encoded_header_mode(False)
        archive.writef(io.BytesIO(CSV), "zz/zz/a.csv")
        archive.writef(io.BytesIO(CSV), "good.csv")
    data = path.read_bytes().replace("zz/zz/a.csv".encode("utf-16-le"), "../../a.csv".encode("utf-16-le"))
    offset, size, _ = struct.unpack("<QQI", data[12:32])
    start = struct.pack("<QQI", offset, size, zlib.crc32(data[32 + offset :]))
    path.write_bytes(data[:8] + struct.pack("<I", zlib.crc32(start)) + start + data[32:])
    texts, _, problems = read(path)
    assert (texts, len(problems)) == (TEXTS, 1)
    assert "leads out of the archive" in problems[0]


def test_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(CSV)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            info = tarfile.TarInfo(f"link{kind.decode()}.csv")
            info.type, info.linkname = kind, str(tmp_path / "secret.csv")
            archive.addfile(info)
        good = tarfile.TarInfo("good.csv")
        good.size = len(CSV)
        archive.addfile(good, io.BytesIO(CSV))
    texts, _, problems = read(tmp_path / "a.tar")
    assert (texts, ["is a link" in problem for problem in problems]) == (TEXTS, [True, True])
    info = zipfile.ZipInfo("link.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr(info, str(tmp_path / "secret.csv"))
        zipped.writestr("good.csv", CSV)
    texts, _, problems = read(tmp_path / "a.zip")
    assert (texts, ["is a link" in problem for problem in problems]) == (TEXTS, [True])
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "in/good.csv").write_bytes(CSV)
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as packed_links:
        packed_links.writeall(tmp_path / "in", "in")
    texts, _, problems = read(tmp_path / "a.7z")
    assert (texts, ["is a link" in problem for problem in problems]) == (TEXTS, [True])


def bomb() -> bytes:
    return b"text\n" + (b"a" * 1000 + b"\n") * 3000


@pytest.mark.parametrize("name", ["a.zip", "a.7z", "a.tar.gz", "a.csv.gz"])
def test_what_unpacks_to_far_more_than_it_is_is_stopped(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "FREE", 2**20)
    path = tmp_path / name
    if name == "a.csv.gz":
        path.write_bytes(gzip.compress(bomb()))
    else:
        write(path, {"a.csv": CSV, "b.csv": bomb()})
    texts, _, problems = read(path)
    assert len(texts) < 2000
    assert "unpacks to more than 200 times its size" in problems[0]


@pytest.mark.parametrize("name", KINDS)
def test_a_trap_within_an_archive_is_stopped(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "FREE", 2**20)
    texts, _, problems = read(write(tmp_path / name, {"a.csv": CSV, "b.csv.gz": gzip.compress(bomb() * 2)}))
    assert len(texts) < 4500
    assert "unpacks to more than 200 times its size" in problems[0]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.tar.gz", "a.tar"])
def test_a_truncated_stream_keeps_what_was_read_and_says_so(tmp_path: Path, name: str) -> None:
    rows = b"text\n" + b"".join(os.urandom(30).hex().encode() + b"\n" for _ in range(5000))
    path = tmp_path / name
    if name == "a.csv.gz":
        path.write_bytes(gzip.compress(rows))
    else:
        write(path, {"a.csv": rows})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    texts, _, problems = read(path)
    assert texts == rows.decode().splitlines()[1 : len(texts) + 1]
    assert len(texts) > 1000
    assert len(problems) == (2 if "tar" in name else 1)  # the member, and what may have come after it
    assert "is damaged or cut off" in problems[0]
    assert "what comes before that is read" in problems[0]


@pytest.mark.parametrize("name", ["a.zip", "a.7z"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_zip_or_7z_is_told_in_one_line(tmp_path: Path, name: str, share: float) -> None:
    path = write(tmp_path / name, {"a.csv": CSV * 200})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=r"archive: it is damaged or cut off") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.zip", "a.7z"])
def test_a_damaged_member_costs_no_other(tmp_path: Path, name: str) -> None:
    noise = b"text\n" + b"".join(os.urandom(30).hex().encode() + b"\n" for _ in range(2000))
    path = tmp_path / name
    if name == "a.zip":
        write_zip(path, {"bad.csv": noise, "good.csv": CSV})
    else:
        write_7z(path, {"bad.csv": noise})
        with py7zr.SevenZipFile(path, "a") as archive:
            archive.writef(io.BytesIO(CSV), "good.csv")
    data = bytearray(path.read_bytes())
    data[20_000:20_100] = b"\x00" * 100
    path.write_bytes(data)
    texts, _, problems = read(path)
    assert texts[-2:] == TEXTS
    assert len(problems) == 1
    assert "bad.csv" in problems[0]
    assert "damaged" in problems[0]


def test_encrypted_archives_are_refused(tmp_path: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w", password="x") as archive:
        archive.writef(io.BytesIO(CSV), "a.csv")
    with pytest.raises(InputError, match="is encrypted"):
        read(tmp_path / "a.7z")
    write_zip(tmp_path / "a.zip", {"a.csv": CSV})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(InputError, match="is encrypted"):
        read(tmp_path / "a.zip")


def test_a_7z_archive_of_many_files_is_unpacked_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.7z", {f"{number}.csv": f"text\n{number}\n".encode() for number in range(300)})
    passes = []
    whole_reset = py7zr.SevenZipFile.reset
    monkeypatch.setattr(py7zr.SevenZipFile, "reset", lambda self: (passes.append(1), whole_reset(self))[1])
    assert read(path)[0] == [str(number) for number in range(300)]
    assert len(passes) == 1


def test_two_members_of_one_name_in_a_7z_archive_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        for text in (b"text\none\n", b"text\ntwo\n", b""):
            archive.writef(io.BytesIO(text), "a.csv")
    texts, _, problems = read(path)
    assert texts == ["one"]
    assert "the id 'a.7z/a.csv:2' a second time" in problems[0]


def test_a_7z_archive_leaves_no_temporary_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    source = REGISTRY.create("source", "csv", {"path": str(write(tmp_path / "a.7z", {"a.csv": CSV, "b.csv": CSV}))})
    examples, _ = read_source(source)
    next(examples)
    assert os.listdir(tmp_path / "tmp") == []
    examples.close()  # type: ignore[attr-defined]


def test_an_archive_that_prepare_wrote_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "gender_neutralize.7z", {"train.json": b'[\n{"id": "1", "dialogue": "a", "summary": "b"}\n]\n'}
    )
    assert read(path, "jsonl")[:2] == (["a"], ["1"])
