"""Words of a text: the patterns that find them, and how they are joined again."""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable

# What may join two parts of a word: well-known, don't, snake_case; soft and unbroken hyphens.
_CONNECTORS = "-_'\u2019\u2010\u2011\u00ad"
# Within a word: joiner and non-joiner of Persian and Indic scripts.
_JOINERS = "\u200c\u200d"
# After a symbol: skin tones, and the letters of flags such as Scotland's.
_MODIFIERS = "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"

# No space after these, the last of which are quotation marks that open, ...
_OPENING = frozenset("([{#@/$€£¿¡«\u201c\u2018\u201e\u201a\"'")
# ... and none before these, the last of which are quotation marks that close.
_CLOSING = frozenset(".,;:!?…)]}/%‰°»\u201d\u2019")
# Quotation marks that close some that opened: straight ones, and German ones, which are low first.
_CLOSED_BY = {'"': '"', "'": "'", "\u201e": "\u201c", "\u201a": "\u2018"}


@functools.cache
def word_pattern() -> re.Pattern:
    """Numbers, words, and single punctuation marks and emoji; all but white space is matched."""
    return re.compile("|".join(_parts()))


@functools.cache
def spaced_word_pattern() -> re.Pattern:
    """Words with the space before them, runs of symbols, and white space; all is matched."""
    number, word, symbol = _parts()
    return re.compile(rf" ?(?:{number}|{word}|(?:{symbol})+)|\s+(?!\S)|\s+")


def _parts():
    """Patterns of a number, a word and a symbol."""
    marks = _combining_marks()
    letters = rf"[^\W_]+(?:[{marks}{_JOINERS}]+[^\W_]*)*"
    number = r"\d+(?:[.,:]\d+)+"
    word = f"{letters}(?:[{_CONNECTORS}]{letters})*"
    mark = f"[{marks}{_MODIFIERS}]*"
    symbol = rf"{_FLAG}|(?:[^\w\s]|_){mark}(?:\u200d[^\w\s]{mark})*"
    return number, word, symbol


def _combining_marks() -> str:
    """Characters that belong to the one before them, as ranges of a set of a pattern."""
    codes = [*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)]
    marks = [code for code in codes if unicodedata.category(chr(code)).startswith("M")]
    groups = itertools.groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0])
    ranges = [[code for _, code in group] for _, group in groups]
    return "".join(f"{chr(each[0])}-{chr(each[-1])}" for each in ranges)


def join_words(words: Iterable[str]) -> str:
    """Words with a space between them, and punctuation marks where they usually stand.

    >>> from tsrnn.sequences.words import join_words
    >>> join_words(["Well", ",", "she", "said", ":", '"', "No", "(", "never", ")", "!", '"'])
    'Well, she said: "No (never)!"'
    """
    parts: list[str] = []
    expected: set[str] = set()  # quotation marks that close an open one
    previous, opens = "", True
    for word in words:
        closes = word in _CLOSING or word in expected
        is_repeated = word == previous and len(word) == 1 and not word.isalnum()  # ...
        if not (opens or closes or is_repeated):
            parts.append(" ")
        parts.append(word)
        opens = word in _OPENING and word not in expected
        if word in expected:
            expected.remove(word)
        elif word in _CLOSED_BY:
            expected.add(_CLOSED_BY[word])
        previous = word
    return "".join(parts)
