"""The metric `bertscore`, on tiny models with random weights."""

import shutil
from pathlib import Path

import pytest

from gnb.core.errors import ModelError, SettingsError
from gnb.core.records import Example, Segment
from gnb.metrics.bertscore import BertScoreMetric, BertScoreOptions
from gnb.plugins import conformance

torch = pytest.importorskip("torch")
pytest.importorskip("bert_score")

LAYER = 2
OUTPUTS = ["یک راننده باعث ترافیک شد", "همه می‌توانند خوب رانندگی کنند", "هر کسی می‌تواند"]
REFERENCES = ["یک راننده زن باعث ترافیک شد", "زن‌ها نمی‌توانند خوب رانندگی کنند", "هر کسی می‌تواند"]
SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}


def vocabulary() -> dict[str, int]:
    words = sorted({word for text in OUTPUTS + REFERENCES for word in text.replace("\u200c", " ").split()})
    return {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}


def save_tokenizer(folder: Path, template: str, **names: object) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel(vocabulary(), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(token, vocabulary()[token]) for token in ("[CLS]", "[SEP]")]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", **names).save_pretrained(
        folder
    )


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT whose tokenizer names its length, as bert-score needs it."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(vocabulary()), **SHAPE)).save_pretrained(folder)
    save_tokenizer(folder, "[CLS] $A [SEP]", cls_token="[CLS]", sep_token="[SEP]", model_max_length=64)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama, with a start token alone and a tokenizer that names no length."""
    from transformers import LlamaConfig, LlamaModel

    folder = tmp_path_factory.mktemp("llama")
    torch.manual_seed(0)
    LlamaModel(LlamaConfig(vocab_size=len(vocabulary()), **SHAPE)).save_pretrained(folder)
    save_tokenizer(folder, "[CLS] $A", bos_token="[CLS]", eos_token="[SEP]")
    return folder


def metric_of(folder: Path, **options: object) -> BertScoreMetric:
    return BertScoreMetric(BertScoreOptions(model=str(folder), **{"layer": LAYER, "device": "cpu", **options}))


def segment(output: str, *references: str) -> Segment:
    return Segment(Example("1", "متن", references, True), output)


def judge(folder: Path, *segments: Segment, **options: object) -> list[tuple[float, ...]]:
    with metric_of(folder, **options) as metric:
        return [tuple(count.values()) for count in metric.count(segments)]


def by_bert_score(folder: Path) -> list[tuple[float, ...]]:
    from bert_score import score

    columns = score(OUTPUTS, REFERENCES, model_type=str(folder), num_layers=LAYER, device="cpu", nthreads=0)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def close_to(expected: list[tuple[float, ...]]) -> list[object]:
    return [pytest.approx(row, abs=1e-6) for row in expected]


PAIRS = [segment(output, reference) for output, reference in zip(OUTPUTS, REFERENCES, strict=True)]


def test_numbers_are_those_of_bert_score(bert: Path) -> None:
    assert judge(bert, *PAIRS) == close_to(by_bert_score(bert))


def test_a_tokenizer_without_a_length_gives_the_numbers_it_gives_with_one(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(OverflowError):
        by_bert_score(llama)
    named = Path(shutil.copytree(llama, tmp_path / "named"))
    save_tokenizer(named, "[CLS] $A", bos_token="[CLS]", eos_token="[SEP]", model_max_length=64)
    assert judge(llama, *PAIRS) == close_to(by_bert_score(named))


def test_no_score_depends_on_the_batch(bert: Path) -> None:
    assert judge(bert, *PAIRS, batch_size=1) == close_to(judge(bert, *PAIRS, batch_size=8))


def test_the_best_reference_by_f1_counts_as_a_whole(bert: Path) -> None:
    each = judge(bert, *(segment(OUTPUTS[0], reference) for reference in REFERENCES))
    assert judge(bert, segment(OUTPUTS[0], *REFERENCES)) == close_to([max(each, key=lambda row: row[2])])


@pytest.mark.parametrize(("output", "reference"), [("", "هر کسی"), ("هر کسی", ""), (" \u200c ", "هر کسی"), ("", "")])
def test_empty_texts_score_zero(bert: Path, output: str, reference: str) -> None:
    assert judge(bert, segment(output, reference)) == [(0.0, 0.0, 0.0)]


@pytest.mark.parametrize("model", ["bert", "llama"])
def test_a_text_longer_than_the_model_is_cut(model: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(model)
    long = "راننده " * 500
    first, same = judge(folder, segment(long, "راننده"), segment(long + "زن", long))
    assert 0 < first[2] <= 1
    assert same == pytest.approx((1, 1, 1), abs=1e-5)


@pytest.mark.parametrize("model", ["bert", "llama"])
def test_a_single_word_scores_like_any_text(model: str, request: pytest.FixtureRequest) -> None:
    scores = judge(request.getfixturevalue(model), segment("راننده", "راننده"))
    assert scores == close_to([(1.0, 1.0, 1.0)])


def test_equal_texts_are_embedded_once(bert: Path) -> None:
    with metric_of(bert) as metric:
        counts = metric.count([*PAIRS, *PAIRS])
        assert metric._embedder is not None
        seen: list[int] = []
        handle = metric._embedder.model.register_forward_hook(lambda *_: seen.append(1))
        assert metric.count(PAIRS) == counts[:3] == counts[3:]
        handle.remove()
    assert seen == []


def test_scores_are_means_over_the_judged(bert: Path) -> None:
    metric = metric_of(bert)
    unjudged = segment("هر کسی")
    counts = metric.count([unjudged, *PAIRS])
    assert counts[0] == {}
    expected = sum(count["f1"] for count in counts[1:]) / 3
    assert metric.score(counts)["f1"] == pytest.approx(expected)
    assert metric.score([]) == metric.score([{}]) == {"precision": None, "recall": None, "f1": None}


def test_it_keeps_the_contract_of_metrics(bert: Path) -> None:
    assert conformance.check_metric(metric_of(bert))


def test_model_and_layer_are_named(bert: Path) -> None:
    metric = metric_of(bert)
    assert metric.columns[0].title == f"BERTScore F1 ({bert.name}, layer 2)"
    assert metric.fingerprint()["layer"] == LAYER
    assert metric.fingerprint() != metric_of(bert, layer=1).fingerprint()


def test_rescaling_is_refused() -> None:
    with pytest.raises(SettingsError, match="no baseline for Persian"):
        BertScoreMetric(BertScoreOptions(rescale=True))


def test_a_model_without_a_known_layer_needs_one(bert: Path) -> None:
    with pytest.raises(SettingsError, match="choice for it is 22"):
        BertScoreMetric(BertScoreOptions(model="microsoft/deberta-v2-xxlarge-mnli"))
    with pytest.raises(SettingsError, match="knows no best one"):
        BertScoreMetric(BertScoreOptions(model=str(bert)))


def test_a_layer_that_the_model_lacks_is_refused(bert: Path) -> None:
    with pytest.raises(SettingsError, match="has 3 layers, so layer cannot be 4"):
        judge(bert, *PAIRS, layer=4)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        judge(tmp_path / "nowhere", *PAIRS)
