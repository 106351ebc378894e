"""Splitting: shares, strata, order independence, and that nothing alike straddles two splits."""

import random
from collections import Counter

import numpy as np
import pytest

from gnb.core.errors import SettingsError
from gnb.core.records import SPLITS, Example
from gnb.core.similarity import band_hashes, connect, near_identical_pairs
from gnb.core.splitting import split_examples

WORDS = [
    "کتاب",
    "مدرسه",
    "شهر",
    "کارگر",
    "پزشک",
    "خانه",
    "بازار",
    "معلم",
    "راننده",
    "جلسه",
    "پروژه",
    "تیم",
    "گزارش",
    "سفر",
    "باغ",
    "نان",
    "دریا",
    "کوه",
]


def sentence(number: int) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=14))


def corpus(size: int) -> list[Example]:
    categories = ("none", "occupation", "family")
    return [
        Example(str(n), sentence(n), category=categories[n % 3], metadata={"register": ("formal", "informal")[n % 2]})
        for n in range(size)
    ]


def splits_by_id(examples: list[Example], **options: object) -> dict[str, str | None]:
    return {example.id: example.split for example in split_examples(examples, **options)}  # type: ignore[arg-type]


def test_shares_hold_overall_and_in_each_stratum() -> None:
    result = split_examples(corpus(600))
    assert [Counter(example.split for example in result)[split] for split in SPLITS] == [480, 60, 60]
    strata = Counter((example.category, example.metadata["register"], example.split) for example in result)
    assert all(9 <= strata[category, register, "test"] <= 11 for category, register, _ in strata)


def test_result_does_not_depend_on_input_order() -> None:
    examples = corpus(200)
    shuffled = random.Random(1).sample(examples, len(examples))
    assert splits_by_id(examples) == splits_by_id(shuffled)


def test_input_order_is_kept_and_seed_matters() -> None:
    examples = corpus(200)
    assert [example.id for example in split_examples(examples)] == [example.id for example in examples]
    assert splits_by_id(examples, seed=1) != splits_by_id(examples, seed=2)


def test_pairs_and_near_identical_texts_never_straddle() -> None:
    examples = corpus(300)
    for n in range(0, 300, 3):
        changed = examples[n].text.replace("ی", "ي", 1) + "!"
        examples.append(Example(f"near{n}", changed, category="none"))
        examples.append(Example(f"pair{n}", sentence(1000 + n), metadata={"pair": f"p{n}"}))
        examples[n].metadata["pair"] = f"p{n}"  # type: ignore[index]
    splits = splits_by_id(examples)
    for n in range(0, 300, 3):
        assert splits[str(n)] == splits[f"near{n}"] == splits[f"pair{n}"]


def test_examples_with_a_split_keep_it_and_draw_their_kin() -> None:
    fixed = Example("fixed", sentence(1), split="test")
    splits = splits_by_id([fixed, Example("twin", sentence(1) + "."), *corpus(50)[10:]])
    assert splits["fixed"] == splits["twin"] == "test"


def test_a_key_of_a_pair_may_be_any_value_and_an_empty_one_pairs_nothing() -> None:
    examples = corpus(300)
    for n in range(0, 300, 3):
        examples[n].metadata["pair"] = examples[n + 1].metadata["pair"] = ["a", n]  # type: ignore[index]
        examples[n + 2].metadata["pair"] = ""  # type: ignore[index]
    splits = splits_by_id(examples)
    assert all(splits[str(n)] == splits[str(n + 1)] for n in range(0, 300, 3))
    assert {splits[str(n + 2)] for n in range(0, 300, 3)} == set(SPLITS)


def test_tiny_corpora() -> None:
    assert split_examples([]) == []
    assert splits_by_id(corpus(1)) == {"0": "train"}
    assert set(splits_by_id(corpus(6)).values()) == {"train", "test"}
    assert set(splits_by_id(corpus(12)).values()) == set(SPLITS)


def test_a_share_of_zero_leaves_the_split_empty() -> None:
    assert Counter(splits_by_id(corpus(100), shares=(1, 0, 1)).values()) == {"train": 50, "test": 50}


@pytest.mark.parametrize("shares", [(0, 0, 0), (1, -1, 1)])
def test_bad_shares_are_named(shares: tuple[float, float, float]) -> None:
    with pytest.raises(SettingsError, match=r"three numbers of at least 0"):
        split_examples(corpus(3), shares=shares)


def test_near_identical_pairs_finds_one_changed_word_and_no_strangers() -> None:
    keys = sorted(sentence(n).replace(" ", "") for n in range(500))
    original = keys[3]
    changed = original[:40] + "قندان" + original[44:]
    keys = sorted([*keys, changed])
    pairs = set(near_identical_pairs(band_hashes(keys), lambda rows: [keys[row] for row in rows]))
    assert {frozenset((keys[i], keys[j])) for i, j in pairs} == {frozenset((original, changed))}


def test_unlike_texts_between_two_alike_ones_do_not_part_them() -> None:
    start = sentence(1)
    keys = [start + " الف", *(f"{start} ب {sentence(n)}" for n in range(2, 12)), start + " ی"]
    bands = np.zeros_like(band_hashes(keys))  # as where all come from one template
    assert (0, len(keys) - 1) in near_identical_pairs(bands, lambda rows: [keys[row] for row in rows])


def test_empty_and_odd_keys_hash() -> None:
    assert band_hashes([]).shape[0] == 0
    bands = band_hashes(["", "ا", "\0", "\ud800", "👩"])
    assert (bands[0] == bands[2]).all()
    assert not (bands[0] == bands[1]).any()


def test_connect_joins_chains() -> None:
    assert connect(6, [(4, 3), (3, 1), (5, 2)]) == [0, 1, 2, 1, 1, 2]
