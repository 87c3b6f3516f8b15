"""What a token is: how sequences are split into tokens, joined again, and which are learned."""

import collections
import itertools
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from tsrnn.sequences.byte_pairs import BytePairs, learn_byte_pairs
from tsrnn.sequences.words import join_words, spaced_word_pattern, word_pattern


class Unit:
    """Base of the units of text.

    A sequence has ``parts``, which are counted; from the counts the ``tokens`` are learned. A
    unit that has them turns parts into tokens by its ``splitter``.
    """

    name: str | None
    noun = "text"

    def __init__(self, lowercase: bool = False, tokens: Sequence = ()):
        self.lowercase, self.tokens = lowercase, list(tokens)

    def parts(self, sequence: Any) -> Sequence:
        """What is counted in a sequence."""
        raise NotImplementedError

    def learn(self, counts: Mapping, max_tokens: int, min_frequency: int) -> list:
        """Tokens, by decreasing frequency and then by their code points."""
        frequent = [part for part in counts if counts[part] >= min_frequency]
        frequent.sort(key=lambda part: (-counts[part], part))
        return frequent[:max_tokens]

    def splitter(self) -> Callable[[Sequence], Iterable[Hashable]]:
        """Function that turns the parts of a sequence into tokens."""
        return iter

    def join(self, tokens: list) -> Any:
        """A sequence of its tokens."""
        return "".join(tokens)


class Characters(Unit):
    """Each code point of a text."""

    name = "character"

    def parts(self, sequence: str) -> str:
        return sequence.lower() if self.lowercase else sequence


class Words(Unit):
    """Words, numbers and punctuation marks of a text in Unicode's composed form (NFC)."""

    name = "word"

    def parts(self, sequence: str) -> list[str]:
        text = sequence.lower() if self.lowercase else sequence
        return word_pattern().findall(unicodedata.normalize("NFC", text))

    def join(self, tokens: list) -> str:
        return join_words(tokens)


class Subwords(Unit):
    """Tokens that are learned within the words of a text."""

    name = "subword"

    def __init__(self, lowercase: bool = False, tokens: Sequence = ()):
        super().__init__(lowercase, tokens)
        self.byte_pairs = BytePairs(tokens)

    def parts(self, sequence: str) -> list[str]:
        return spaced_word_pattern().findall(sequence.lower() if self.lowercase else sequence)

    def learn(self, counts: Mapping, max_tokens: int, min_frequency: int) -> list[str]:
        """Characters by code points and merged tokens in their order."""
        return learn_byte_pairs(counts, max_tokens, min_frequency)

    def splitter(self) -> Callable[[Sequence], Iterable[str]]:
        splits = _Splits(self.byte_pairs)
        return lambda words: itertools.chain.from_iterable(map(splits.__getitem__, words))


class _Splits(dict):
    """Tokens of each word seen so far."""

    def __init__(self, byte_pairs):
        super().__init__()
        self.byte_pairs = byte_pairs

    def __missing__(self, word):
        self[word] = tokens = self.byte_pairs.split(word)
        return tokens


class Items(Unit):
    """Any hashable items."""

    name = None
    noun = "sequence"

    def parts(self, sequence: Sequence) -> Sequence:
        return sequence

    def learn(self, counts: Mapping, max_tokens: int, min_frequency: int) -> list:
        """Items, by decreasing frequency and then by their first appearance."""
        frequent = [item for item, count in counts.items() if count >= min_frequency]
        frequent.sort(key=lambda item: -counts[item])
        return frequent[:max_tokens]

    def join(self, tokens: list) -> list:
        return tokens


UNITS: dict[str | None, type[Unit]] = {
    unit.name: unit for unit in (Characters, Words, Subwords, Items)
}


def count_parts(sequences: Iterable[Sequence]) -> collections.Counter:
    """How often each part occurs."""
    counts: collections.Counter = collections.Counter()
    for parts in sequences:
        counts.update(parts)
    return counts
