"""The part of a vocabulary that the task needs, where names spell text and where they spell bytes."""

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from gnb.models.embedded import embedded_tokenizer
from gnb.models.vocabulary import line_break_ids, task_token_ids


def test_latin_letters_that_elsewhere_spell_bytes_are_neither_of_the_task_nor_line_breaks() -> None:
    tokenizer = embedded_tokenizer()
    letters = set(tokenizer.convert_tokens_to_ids([*"öäĠĊ"]))
    assert len(letters) == 4
    assert not letters & set(task_token_ids(tokenizer))
    assert not letters & line_break_ids(tokenizer)


def test_names_that_spell_bytes_are_read_as_text() -> None:
    tokens = Tokenizer(models.BPE())
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(initial_alphabet=alphabet, special_tokens=["<end>"], show_progress=False)
    tokens.train_from_iterator(["زنان و مردان\n", "many words"] * 9, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token="<end>")
    persian, english, line_break = (tokenizer(text)["input_ids"] for text in (" مردان", "many", "\n"))
    reachable = set(task_token_ids(tokenizer))
    assert (len(persian), len(english)) == (1, 1)
    assert {*persian, *line_break, tokenizer.eos_token_id} <= reachable
    assert not {*english} & reachable
    assert line_break_ids(tokenizer) == {*line_break}
