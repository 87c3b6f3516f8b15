"""Decoding against sums and searches over all paths; errors of label sequences."""

import itertools

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from tsrnn import RNNLanguageModel
from tsrnn.sequences import label_error_rate
from tsrnn.sequences.decoding import align, beam_search, best_path
from tsrnn.sequences.label_sequences import count_errors
from tsrnn.sequences.language_prior import LanguagePrior


def random_log_p(rng, n_steps=5, n_classes=3):
    return log_softmax(2 * rng.normal(size=(n_steps, n_classes)), axis=1)


def read(path):
    """The labels that a path reads as."""
    return tuple(label for label, _ in itertools.groupby(path) if label)


def all_paths(log_p):
    """Of all paths the labels, the path and the logarithm of its probability."""
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        yield read(path), path, log_p[np.arange(len(log_p)), path].sum()


def log_likelihoods(log_p):
    """The logarithm of the probability of all labels that can be read."""
    values = {}
    for labels, _, value in all_paths(log_p):
        values.setdefault(labels, []).append(value)
    return {labels: logsumexp(each) for labels, each in values.items()}


def test_the_best_path():
    for seed in range(20):
        log_p = random_log_p(np.random.default_rng(seed))
        labels, _, _ = max(all_paths(log_p), key=lambda row: row[2])
        assert tuple(best_path(log_p)) == labels


def test_a_wide_beam_finds_the_most_probable_labels():
    n_other = 0
    for seed in range(40):
        log_p = random_log_p(np.random.default_rng(seed))
        values = log_likelihoods(log_p)
        expected = max(values, key=values.get)
        assert tuple(beam_search(log_p, 200)) == expected
        n_other += tuple(best_path(log_p)) != expected
    assert n_other > 2


def test_a_prefix_that_left_the_beam_may_come_back():
    """However few prefixes are kept, those of equal labels are one."""
    for seed in range(40):
        log_p = random_log_p(np.random.default_rng(seed), 8, 4)
        values = log_likelihoods(log_p)
        found = [values[tuple(beam_search(log_p, n))] for n in (1, 3, 10, 300)]
        assert found[-1] == max(values.values())
        assert found[2] >= found[-1] - 0.5


TEXTS = ["ab", "abab", "ba", "abb", "aab"] * 4


@pytest.fixture(scope="module")
def language_model():
    sizes = {"hidden_size": 8, "embedding_size": 3, "dtype": "float64"}
    return RNNLanguageModel(max_iter=15, learning_rate_init=0.02, **sizes).fit(TEXTS)


@pytest.mark.parametrize("weight", [0.0, 0.5, 3.0])
def test_a_language_model_is_added(language_model, weight):
    bonus = 0.7
    prior = LanguagePrior(language_model, ["a", "b"], weight, bonus)
    prior.begin()
    of_empty = float(prior.end_scores()[0])
    for seed in range(12):
        log_p = random_log_p(np.random.default_rng(seed))
        values = log_likelihoods(log_p)
        texts = {labels: "".join(" ab"[label] for label in labels) for labels in values if labels}
        liked = language_model.log_likelihood(list(texts.values()))
        added = dict(zip(texts, weight * liked, strict=True)) | {(): of_empty}
        values = {labels: v + added[labels] + bonus * len(labels) for labels, v in values.items()}
        assert tuple(beam_search(log_p, 300, prior)) == max(values, key=values.get)


def test_labels_that_a_language_model_does_not_know_are_its_unknown_token(language_model):
    prior = LanguagePrior(language_model, ["b", "z"], 1.0, 0.0)
    prior.begin()
    probabilities = language_model.predict_proba("b")[0]
    tokens = language_model.tokenizer_.vocabulary_
    expected = np.log([probabilities[tokens["b"]], probabilities[0]])
    np.testing.assert_allclose(prior.scores()[0], expected, rtol=1e-9)


def test_alignments_are_of_the_best_path_that_reads_as_the_labels():
    for seed, labels in itertools.product(range(10), [(), (1,), (1, 1), (1, 2), (2, 1, 1)]):
        log_p = random_log_p(np.random.default_rng(seed))
        _, path, _ = max((row for row in all_paths(log_p) if row[0] == labels), key=lambda x: x[2])
        starts, ends = align(log_p, np.array(labels, int))
        found = np.zeros(len(path), int)
        for label, start, end in zip(labels, starts, ends, strict=True):
            found[start:end] = label
        assert tuple(found) == path
        assert read(found) == labels


def naive_errors(one, two):
    if not one or not two:
        return len(one) + len(two)
    return min(
        naive_errors(one[1:], two) + 1,
        naive_errors(one, two[1:]) + 1,
        naive_errors(one[1:], two[1:]) + (one[0] != two[0]),
    )


def test_errors_are_the_fewest_edits():
    rng = np.random.default_rng(0)
    for _ in range(60):
        one, two = (tuple(rng.integers(0, 3, rng.integers(0, 6)).tolist()) for _ in range(2))
        assert count_errors(one, two) == naive_errors(one, two)


def test_label_error_rates():
    assert label_error_rate(["abc", ""], ["abd", "x"]) == pytest.approx(2 / 3)
    assert label_error_rate([np.array([1, 2])], [[1, 2]]) == 0
    assert label_error_rate(["a"], ["bcd"]) == 3
    with pytest.raises(ValueError, match="There is no true label"):
        label_error_rate(["", ""], ["a", ""])
    with pytest.raises(ValueError, match="y_true has 2 sequences, and y_pred 1"):
        label_error_rate(["a", "b"], ["a"])
    for y_true, y_pred, message in (
        ("abc", "abd", r"y_true must be a list .* got 'abc'. Give a single one as \[y_true\]"),
        (["a"], "a", "y_pred must be a list"),
        (None, ["a"], "y_true must be a list .* got None"),
        (["a", None], ["a", "b"], "Sequence 1 of y_true is None: give its labels"),
        (["a"], [3], "Sequence 0 of y_pred is 3: give its labels"),
    ):
        with pytest.raises(ValueError, match=message):
            label_error_rate(y_true, y_pred)
