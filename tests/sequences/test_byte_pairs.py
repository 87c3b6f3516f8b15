"""Byte-pair merges against slow loops from the paper, and against the tokenizers package."""

import collections
import itertools
import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.sequences import byte_pairs
from tsrnn.sequences.byte_pairs import BytePairs, learn_byte_pairs

LOW = {"low": 5, "lower": 2, "newest": 6, "widest": 3}  # the example of the paper
# Few characters, so that pairs repeat and tie; halves of surrogate pairs, and runs.
WORDS = st.text("ab\u00e9\U0001f600 \n\ud800", min_size=1, max_size=20)
COUNTS = st.dictionaries(WORDS, st.integers(1, 4), min_size=1, max_size=10)


@pytest.fixture(autouse=True)
def without_package(monkeypatch):
    """The package is not there, unless a test asks for it."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)


def naive_learn(counts, max_tokens, min_frequency):
    """Tokens, and the pairs that were merged: count all pairs anew after each merge."""
    characters = collections.Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    frequent = [c for c, count in characters.items() if count >= min_frequency]
    tokens = sorted(sorted(frequent, key=lambda c: (-characters[c], c))[:max_tokens])
    alphabet, merges = set(tokens), []
    words = {word: list(word) for word in counts}
    while len(tokens) < max_tokens:
        pairs = collections.Counter()
        for word, parts in words.items():
            for pair in itertools.pairwise(parts):
                if not (alphabet.isdisjoint(pair[0]) or alphabet.isdisjoint(pair[1])):
                    pairs[pair] += counts[word]
        if not pairs:
            break
        ranks = {token: k for k, token in enumerate(tokens)}
        best = min(pairs, key=lambda pair: (-pairs[pair], ranks[pair[0]], ranks[pair[1]]))
        if pairs[best] < min_frequency:
            break
        words = {word: naive_merge(parts, best) for word, parts in words.items()}
        tokens.append("".join(best))
        merges.append(best)
    return tokens, merges


def naive_merge(parts, pair):
    merged, k = [], 0
    while k < len(parts):
        if tuple(parts[k : k + 2]) == pair:
            merged.append("".join(pair))
            k += 2
        else:
            merged.append(parts[k])
            k += 1
    return merged


def naive_split(word, merges):
    parts = list(word)
    for pair in merges:
        parts = naive_merge(parts, pair)
    return parts


def test_the_example_of_the_paper():
    tokens = learn_byte_pairs(LOW, 15, 1)
    assert tokens == [*"deilnorstw", "es", "est", "lo", "low", "ew"]
    assert BytePairs(tokens).split("lowest") == ["low", "est"]


@given(COUNTS, st.integers(1, 30), st.integers(1, 4))
def test_tokens_and_splits_are_those_of_slow_loops(counts, max_tokens, min_frequency):
    tokens, merges = naive_learn(counts, max_tokens, min_frequency)
    assert learn_byte_pairs(counts, max_tokens, min_frequency) == tokens
    pairs = BytePairs(tokens)
    for word in [*counts, "unheard of", "bab\ud800ab", ""]:
        assert pairs.split(word) == naive_split(word, merges)


@given(COUNTS, st.integers(1, 30), st.integers(1, 4))
def test_the_order_of_words_does_not_matter(counts, max_tokens, min_frequency):
    turned = dict(reversed(counts.items()))
    expected = learn_byte_pairs(counts, max_tokens, min_frequency)
    assert learn_byte_pairs(turned, max_tokens, min_frequency) == expected


def test_tokens_that_merge_from_no_two_are_refused():
    with pytest.raises(ValueError, match="unpack"):
        BytePairs(["a", "b", "abb"])


@pytest.mark.slow
def test_a_word_of_a_million_characters():
    rng = random.Random(0)
    word = "".join(rng.choices("ACGT", k=1_000_000))
    tokens = learn_byte_pairs({word: 1}, 20, 2)
    assert len(tokens) == 20
    parts = BytePairs(tokens).split(word)
    assert "".join(parts) == word
    assert set(parts) <= set(tokens)


def with_package(monkeypatch, counts, max_tokens, min_frequency):
    """What the package learns, which must have taken the words."""
    pytest.importorskip("tokenizers")
    merge, results = byte_pairs._merge_by_package, []

    def record(*arguments):
        results.append(merge(*arguments))
        return results[-1]

    with monkeypatch.context() as patch:
        patch.setattr(byte_pairs, "_merge_by_package", record)
        tokens = learn_byte_pairs(counts, max_tokens, min_frequency)
    return tokens, results[0] is not None


def test_the_package_learns_the_same(monkeypatch):
    monkeypatch.undo()
    rng = random.Random(0)
    for _ in range(300):
        characters = "abcde \U0001f602é\n"[: rng.randint(1, 9)]
        lengths = rng.choices(range(1, 30), k=rng.randint(1, 12))
        counts = {"".join(rng.choices(characters, k=n)): rng.choice([1, 2, 50]) for n in lengths}
        max_tokens, min_frequency = rng.randint(1, 60), rng.randint(1, 3)
        tokens, took = with_package(monkeypatch, counts, max_tokens, min_frequency)
        assert took
        assert tokens == naive_learn(counts, max_tokens, min_frequency)[0]


@pytest.mark.parametrize("word", ["ab\ud800ab", "ab" * 2000])
def test_what_the_package_cannot_take_is_learned_without_it(word, monkeypatch):
    monkeypatch.undo()
    tokens, took = with_package(monkeypatch, {word: 2}, 10, 1)
    assert not took
    assert tokens == naive_learn({word: 2}, 10, 1)[0]
