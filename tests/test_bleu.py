"""The metric `bleu`: corpus BLEU over hazm tokens."""

import math
from itertools import islice

import pytest
from hazm.word_tokenizer import WordTokenizer

from gnb.core.errors import SettingsError
from gnb.core.options import build_options
from gnb.core.records import Example, Segment
from gnb.metrics import bleu
from gnb.metrics.bleu import BleuMetric, BleuOptions
from gnb.metrics.tokens import word_tokens
from gnb.sources.bundled import BundledOptions, BundledSource

PRECISIONS = ("precision_1", "precision_2", "precision_3", "precision_4")


def segment(output: str, *references: str, biased: bool | None = True) -> Segment:
    return Segment(Example("1", "متن", references, biased), output)


def judge(*segments: Segment, order: int = 4) -> dict[str, float | None]:
    metric = BleuMetric(BleuOptions(max_ngram_order=order))
    return dict(metric.score(metric.count(segments)))


@pytest.fixture(scope="module")
def corpus() -> list[Segment]:
    """Real texts: the output is the input, or a free reference where the item's number is even."""
    source = BundledSource(BundledOptions())
    examples = islice(source.read(lambda problem: pytest.fail(str(problem))), 0, None, 10)
    return [Segment(e, e.references[-1] if number % 2 else e.text) for number, e in enumerate(examples)]


def test_precisions_and_score_of_one_changed_word() -> None:
    # the last of five words differs: 4/5, 3/4, 2/3, 1/2 of the n-grams match, whose product is 1/5
    scores = judge(segment("کتاب خوب روی میز بود", "کتاب خوب روی میز ماند"))
    assert [scores[key] for key in PRECISIONS] == pytest.approx([80, 75, 200 / 3, 50])
    assert scores["bleu"] == pytest.approx(100 * 0.2**0.25)
    assert (scores["brevity_penalty"], scores["length_ratio"]) == (1, 1)


def test_short_outputs_are_penalised() -> None:
    # all n-grams match, 4 tokens against 5: BP = exp(1 - 5/4)
    scores = judge(segment("کتاب خوب روی میز", "کتاب خوب روی میز ماند"))
    assert scores["bleu"] == pytest.approx(100 * math.exp(1 - 5 / 4))
    assert scores["length_ratio"] == 0.8
    assert (scores["translation_length"], scores["reference_length"]) == (4, 5)


def test_a_repeated_word_counts_as_often_as_the_reference_has_it() -> None:
    # Papineni et al. 2002, "the the the ...": 2 of 7 unigrams, since the reference has the word twice
    scores = judge(segment("آن آن آن آن آن آن آن", "آن گربه روی آن فرش است"))
    assert scores["precision_1"] == pytest.approx(200 / 7)
    assert scores["bleu"] == 0


def test_one_reference_equals_the_textbook_bleu_on_real_text(corpus: list[Segment]) -> None:
    """NLTK's is the formula that Hugging Face evaluate has, independently written."""
    from nltk.translate.bleu_score import corpus_bleu

    tokenize = WordTokenizer().tokenize
    references = [[tokenize(item.example.references[0])] for item in corpus]
    expected = corpus_bleu(references, [tokenize(item.hypothesis) for item in corpus])
    single = [segment(item.hypothesis, item.example.references[0]) for item in corpus]
    assert judge(*single)["bleu"] == pytest.approx(100 * expected)


def test_references_of_differing_number_equal_sacrebleu_on_real_text(corpus: list[Segment]) -> None:
    from sacrebleu.metrics.bleu import BLEU

    tokenizer = WordTokenizer()

    def line(text: str) -> str:
        return " ".join(tokenizer.tokenize(text))

    most = max(len(item.example.references) for item in corpus)
    columns = [
        [line(item.example.references[n]) if n < len(item.example.references) else None for item in corpus]
        for n in range(most)
    ]
    reference = BLEU(tokenize="none", force=True, smooth_method="none")
    expected = reference.corpus_score([line(item.hypothesis) for item in corpus], columns)
    scores = judge(*corpus)
    assert most > 1
    assert scores["bleu"] == pytest.approx(expected.score)
    assert [scores[key] for key in PRECISIONS] == pytest.approx(expected.precisions)
    assert (scores["brevity_penalty"], scores["length_ratio"]) == pytest.approx((expected.bp, expected.ratio))
    assert (scores["translation_length"], scores["reference_length"]) == (expected.sys_len, expected.ref_len)


def test_the_closest_reference_length_counts_and_of_two_the_shorter() -> None:
    assert judge(segment("یک دو سه چهار", "یک", "یک دو سه", "یک دو سه چهار پنج"))["reference_length"] == 3


def test_biased_texts_are_scored_apart() -> None:
    copied = segment("باران می‌بارد و هوا سرد است", "باران می‌بارد و هوا سرد است", biased=False)
    changed = segment("کتاب خوب روی میز بود", "کتاب خوب روی میز ماند")
    scores = judge(copied, changed)
    assert scores["bleu_biased"] == pytest.approx(judge(changed)["bleu"])
    assert scores["bleu"] is not None
    assert scores["bleu"] > scores["bleu_biased"]
    assert judge(copied)["bleu_biased"] is None


def test_segments_without_references_are_not_judged() -> None:
    judged = segment("کتاب خوب روی میز بود", "کتاب خوب روی میز ماند")
    metric = BleuMetric(BleuOptions())
    counts = metric.count([segment("هر چه"), judged, segment("هر چه")])
    assert counts[0] == counts[2] == {}
    assert metric.score(counts) == judge(judged)


def test_what_is_undefined_is_none() -> None:
    nothing = judge()
    assert {nothing[key] for key in ("bleu", "bleu_biased", "brevity_penalty", "length_ratio", *PRECISIONS)} == {None}
    empty = judge(segment("", "کتاب خوب"))
    assert (empty["bleu"], empty["precision_1"], empty["length_ratio"]) == (0, None, 0)
    both = judge(segment("", ""))
    assert (both["bleu"], both["length_ratio"]) == (0, None)
    short = judge(segment("کتاب خوب", "کتاب خوب"))
    assert (short["precision_2"], short["precision_3"]) == (100, None)


def test_many_segments_count_the_same_on_all_cores(corpus: list[Segment]) -> None:
    metric = BleuMetric(BleuOptions())
    repeats = bleu.PARALLEL_FROM // len(corpus) + 1
    assert metric.count(corpus * repeats) == metric.count(corpus) * repeats


def test_tokens_are_those_of_a_default_hazm_tokenizer(corpus: list[Segment]) -> None:
    tokenize = WordTokenizer().tokenize
    assert [list(word_tokens(item.example.text)) for item in corpus] == [tokenize(i.example.text) for i in corpus]


def test_the_n_gram_order_is_an_option_and_in_the_fingerprint() -> None:
    # unigrams alone: 4 of 5
    assert judge(segment("کتاب خوب روی میز بود", "کتاب خوب روی میز ماند"), order=1)["bleu"] == pytest.approx(80)
    records = [BleuMetric(BleuOptions(max_ngram_order=order)).fingerprint() for order in (4, 1)]
    assert records[0] != records[1]
    assert {"hazm", "sacrebleu"} <= set(records[0])
    with pytest.raises(SettingsError, match="max_ngram_order"):
        build_options(BleuOptions, {"max_ngram_order": 0}, "metric 'bleu'")
