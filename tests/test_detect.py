"""Detection: `gnb detect` with a scripted detector, and `gnb.detect` with a tiny random one."""

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from scripted import Workplace

from gnb import detect
from gnb.core.errors import GnbError
from gnb.core.layout import highlighted, with_marks
from gnb.detecting import Finding, Words
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledOptions, BundledSource

TEXTS = [example.text for example in islice(BundledSource(BundledOptions()).read(print), 12)]
TEXT = "دولتمردان باید"
DETAILS = {"probability": 0.973, "category": "generic"}
BIASED = f"scripted.details={json.dumps(DETAILS)}"
UNBIASED = 'scripted.details={"probability": 0.2, "category": "generic"}'
DETECT = ("detect", "-r", "scripted", "-o", "scripted.suffix= بروند")


@pytest.fixture(scope="module")
def tiny(tiny_model: Path, tiny_adapter: Path, tiny_detector: Path) -> dict[str, Any]:
    """Options that let `detect` run on tiny models."""
    values = {"base_model": tiny_model, "adapter": tiny_adapter, "detector": tiny_detector}
    return {"dtype": "float32", **{name: str(path) for name, path in values.items()}}


@pytest.fixture(scope="module")
def middle(tiny: dict[str, Any]) -> float:
    """A threshold that some of the texts reach and others do not."""
    probabilities = sorted({finding.probability for finding in detect(TEXTS, words=False, **tiny)})
    below, above = probabilities[len(probabilities) // 2 - 1 :][:2]
    return (below + above) / 2


def test_a_text_is_biased_from_the_threshold_on(tiny: dict[str, Any], middle: float) -> None:
    findings = list(detect(TEXTS, threshold=middle, **tiny))
    assert [finding.text for finding in findings] == TEXTS
    assert [finding.biased for finding in findings] == [finding.probability >= middle for finding in findings]
    assert {finding.biased for finding in findings} == {True, False}


def test_a_biased_text_has_a_category_and_the_words_that_a_neutral_version_changes(
    tiny: dict[str, Any], middle: float
) -> None:
    with LoraRewriter(LoraOptions.model_validate({**tiny, "threshold": middle})) as rewriter:
        unusable = {text for text, answer in zip(TEXTS, rewriter.rewrite(TEXTS), strict=True) if answer.fallback}
    findings = list(detect(TEXTS, threshold=middle, **tiny))
    assert any(finding.words for finding in findings)
    for finding in findings:
        assert (finding.category in ("family", "tweet")) == finding.biased
        assert bool(finding.words) == (finding.biased and finding.text not in unusable)
        assert [finding.text[words.start : words.end] for words in finding.words] == [w.text for w in finding.words]


def test_without_words_the_verdicts_are_the_same_and_no_rewriting_adapter_is_loaded(
    tiny: dict[str, Any], middle: float, tmp_path: Path
) -> None:
    full = [(f.biased, f.probability, f.category) for f in detect(TEXTS, threshold=middle, **tiny)]
    # a folder with the names of an adapter's files, in which nothing can be loaded
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / name).write_bytes(b"")
    findings = list(detect(TEXTS, threshold=middle, words=False, **tiny | {"adapter": str(tmp_path)}))
    assert [(f.biased, f.probability, f.category) for f in findings] == full
    assert [f.words for f in findings] == [()] * len(TEXTS)


def test_a_text_without_a_letter_is_not_biased(tiny: dict[str, Any]) -> None:
    texts = ["", " \n\u200c", "😂 12!"]
    assert list(detect(texts, threshold=0, **tiny)) == [Finding(text, biased=False, probability=0.0) for text in texts]


def test_a_text_of_several_lines_is_as_biased_as_its_worst(tiny: dict[str, Any]) -> None:
    single = [finding.probability for finding in detect(TEXTS[:3], words=False, **tiny)]
    (whole,) = detect("\n".join(TEXTS[:3]), words=False, **tiny)
    assert whole.probability == max(single)


def test_texts_are_taken_as_they_come(tiny: dict[str, Any]) -> None:
    def stream() -> Iterator[str]:
        while True:
            yield TEXTS[0]

    assert next(detect(stream(), words=False, **tiny)).text == TEXTS[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detector": "none"}, "'lora' gives no probability of bias.*lora.detector=embedded"),
        ({"rewriter": "base"}, "'base' gives no probability of bias.*lora.detector=embedded"),
        ({"rewriter": "copy"}, "'copy' gives no probability of bias.*lora.detector=embedded"),
        ({"rewriter": "copy", "words": False}, "'copy' gives no probability of bias.*lora.detector=embedded"),
        ({"rewriter": "lor"}, "no rewriter 'lor'. Did you mean 'lora'"),
        ({"rewriter": None}, "rewriter is None: give a name"),
        ({"profile": 5}, "profile is 5: give a name"),
        ({"profile": "none"}, "no profile 'none'"),
        ({"threshold": 1.5}, "option 'threshold': .*less than or equal to 1"),
        ({"detektor": "x"}, "no option 'detektor'. Did you mean 'detector'"),
    ],
)
def test_a_mistake_is_named_with_what_helps(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GnbError, match=message):
        list(detect([TEXT], **options))


@pytest.mark.parametrize("texts", [[5], [None], b"abc", None, 5, [TEXT, b"abc"]])
def test_what_is_no_text_is_named(tiny: dict[str, Any], texts: Any) -> None:
    with pytest.raises(GnbError, match=r"^Text [12] is no string, but of type (int|NoneType|bytes): give texts as str"):
        list(detect(texts, words=False, **tiny))


def test_the_command_says_what_the_function_says(workplace: Workplace, tiny: dict[str, Any], middle: float) -> None:
    options = [part for key, value in tiny.items() for part in ("-o", f"lora.{key}={value}")]
    out, _ = workplace.run("detect", "--json", "--threshold", str(middle), *options, *TEXTS[:4])
    found = [json.loads(line) for line in out.splitlines()]
    assert [
        Finding(**record | {"words": tuple(Words(**words) for words in record["words"])}) for record in found
    ] == list(detect(TEXTS[:4], threshold=middle, **tiny))


def test_rewrite_names_a_category_where_detect_does(workplace: Workplace, tiny: dict[str, Any], middle: float) -> None:
    options = [part for key, value in tiny.items() for part in ("-o", f"lora.{key}={value}")]
    out, _ = workplace.run("rewrite", "--json", "-o", f"lora.threshold={middle}", *options, *TEXTS)
    categories = [json.loads(line)["details"]["category"] for line in out.splitlines()]
    assert categories == [finding.category for finding in detect(TEXTS, threshold=middle, words=False, **tiny)]
    assert None in categories


def test_a_pipe_gets_columns(workplace: Workplace) -> None:
    (workplace.folder / "a.txt").write_text(f"{TEXT}\n\n", "utf-8")
    out, err = workplace.run(*DETECT, "-o", BIASED, "-f", "a.txt", "-f", "-", stdin="ز\tن".encode())
    rows = ["0.9730", "generic", "باید", TEXT], ["0.0000", "none", "", ""], ["0.9730", "generic", "ن", r"ز\tن"]
    assert out == "".join("\t".join(row) + "\n" for row in rows)
    assert err == ""


def test_an_unbiased_text_has_neither_category_nor_words(workplace: Workplace) -> None:
    assert workplace.run(*DETECT, "-o", UNBIASED, TEXT)[0] == f"0.2000\tnone\t\t{TEXT}\n"


def test_a_detector_may_know_no_categories(workplace: Workplace) -> None:
    options = ("-o", 'scripted.details={"probability": 1.0}')
    assert workplace.run(*DETECT, *options, TEXT)[0] == f"1.0000\tbiased\tباید\t{TEXT}\n"
    assert json.loads(workplace.run(*DETECT, *options, "--json", TEXT)[0])["category"] is None


def test_json_tells_what_was_found_in_each_line(workplace: Workplace) -> None:
    out, _ = workplace.run(*DETECT, "--json", "-o", BIASED, TEXT)
    words = [{"start": 10, "end": 14, "text": "باید"}]
    assert json.loads(out) == {"text": TEXT, "biased": True, **DETAILS, "words": words}
    out, _ = workplace.run(*DETECT, "--json", "-o", UNBIASED, TEXT)
    assert json.loads(out) == {"text": TEXT, "biased": False, "probability": 0.2, "category": None, "words": []}


def test_a_terminal_gets_the_words_coloured_at_the_right_edge(workplace: Workplace) -> None:
    shown = workplace.on_terminal(40, *DETECT, "-o", BIASED, TEXT)
    assert "\x1b[1;31mباید" in shown
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert plain == f" 97% generic       \u200e{' ' * 7}\u2067{TEXT}\u2069\n"


def test_neither_text_nor_category_can_do_harm_to_a_terminal(workplace: Workplace) -> None:
    details = json.dumps({"probability": 0.9, "category": "a\x1b]0;x\x07\u202e"})
    shown = workplace.on_terminal(80, *DETECT, "-o", f"scripted.details={details}", "سلام\x1b[2J\u202e")
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert r"a\x1b]0;x\x07\u202e" in plain
    assert r"سلام\x1b[2J\u202e" in plain
    assert not {"\x1b", "\x07", "\u202e"} & set(plain)


def test_each_line_is_judged_before_the_next_is_sent(workplace: Workplace) -> None:
    process = workplace.start(*DETECT, "-o", UNBIASED, stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    for word in ("یک", "دو"):
        process.stdin.write(f"{word}\n".encode())
        process.stdin.flush()
        assert process.stdout.readline().decode() == f"0.2000\tnone\t\t{word}\n"
    process.stdin.close()
    assert process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-r", "copy"], "gives no probability of bias. Use one that has a detector: -r lora"),
        (["-r", "scripted", "--threshold", "0.5"], "has no option 'threshold'"),
        (["--threshold", "2"], "2.0 is not in the range 0<=x<=1"),
        (["-o", "lora.detector=nowhere"], "There is no detector in 'nowhere'"),
        (["-r", "scripted", "-o", "lora.detector=x"], "nothing here is called 'lora'"),
    ],
)
def test_a_mistake_ends_with_code_2_and_no_output(workplace: Workplace, arguments: list[str], message: str) -> None:
    out, err = workplace.run("detect", *arguments, TEXT, code=2)
    assert message in err
    assert out == ""


def test_found_words_are_marked_inside_their_text() -> None:
    assert with_marks(highlighted("زن باید\tصبور باشد", [(0, 2), (8, 12)])) == r"[زن] باید\t[صبور] باشد"
    assert with_marks(highlighted("زن", [])) == "زن"
