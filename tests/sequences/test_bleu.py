"""BLEU by hand and against sacrebleu."""

import math

import numpy as np
import pytest

from tsrnn.sequences import bleu_score


def test_by_hand():
    """Of "a b c d e": 4 of 5 tokens, 2 of 4 pairs, 1 of 3 triples, and half of 2 fours."""
    score = bleu_score([list("abcxe")], [list("abcde")])
    assert score == pytest.approx(100 * (4 / 5 * 2 / 4 * 1 / 3 * 0.5 / 2) ** 0.25)


def test_short_translations_are_penalised():
    reference, translation = list("abcdefgh"), list("abcdef")
    assert bleu_score([reference], [translation]) == pytest.approx(100 * math.exp(1 - 8 / 6))
    assert bleu_score([reference], [reference]) == pytest.approx(100)


def test_texts_are_words_and_marks():
    assert bleu_score(["A dog, barking."], ["A dog , barking ."]) == pytest.approx(100)
    assert bleu_score(["A dog barks."], ["a dog barks."]) < 70


def test_a_token_counts_as_often_as_in_the_reference():
    score = bleu_score([list("abcd")], [list("aaaa")])
    assert score == pytest.approx(100 * (1 / 4 * 0.5 / 3 * 0.25 / 2 * 0.125 / 1) ** 0.25)


@pytest.mark.parametrize(
    ("y_true", "y_pred"), [(["a b c d"], ["x y z w"]), (["a b c d"], [""]), (["a b"], ["a b"])]
)
def test_nothing_in_common_or_nothing_as_long_as_four_tokens(y_true, y_pred):
    assert bleu_score(y_true, y_pred) == 0


def test_sacrebleu_agrees():
    sacrebleu = pytest.importorskip("sacrebleu", reason="the second oracle is not installed")
    rng = np.random.default_rng(0)
    for n in (3, 10, 100):
        y_true = [rng.choice(list("abcdef"), rng.integers(1, 12)).tolist() for _ in range(n)]
        y_pred = [[t for t in each if rng.random() < 0.8] or ["a"] for each in y_true]
        texts = [[" ".join(each) for each in side] for side in (y_pred, y_true)]
        expected = sacrebleu.corpus_bleu(texts[0], [texts[1]], tokenize="none").score
        assert bleu_score(y_true, y_pred) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        (["a"], ["a", "b"], "y_true has 1 entries and y_pred 2"),
        ("a", ["a"], r"y_true is one str. Give a list of texts: \[y_true\]"),
        (["a"], "a", "y_pred is one str"),
        ([], [], "y_true is empty"),
    ],
)
def test_bad_input(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        bleu_score(y_true, y_pred)
