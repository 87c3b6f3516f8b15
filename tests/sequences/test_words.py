"""Words of a text: what is one, that none is lost, and how they are joined."""

# ruff: noqa: RUF001, characters that look alike
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.sequences.words import join_words, spaced_word_pattern, word_pattern

TEXTS = st.text(st.characters())  # also halves of surrogate pairs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's a well-known fact.", ["It's", "a", "well-known", "fact", "."]),
        ("l’homme, aujourd’hui", ["l’homme", ",", "aujourd’hui"]),
        ("'tis the dogs' snake_case_", ["'", "tis", "the", "dogs", "'", "snake_case", "_"]),
        (
            "3.14 1,000.50 12:30, 2nd 5% 7.",
            ["3.14", "1,000.50", "12:30", ",", "2nd", "5", "%", "7", "."],
        ),
        ("wait... --no!", ["wait", ".", ".", ".", "-", "-", "no", "!"]),
        ("cafe\u0301 na\u0308ive", ["cafe\u0301", "na\u0308ive"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("Straße_x ½ 東京です", ["Straße_x", "½", "東京です"]),
        (
            "👩\u200d👩\u200d👧!👍🏽 ❤️ 🇩🇪🇫🇷 1️⃣",
            ["👩\u200d👩\u200d👧", "!", "👍🏽", "❤️", "🇩🇪", "🇫🇷", "1️⃣"],
        ),
        ("a\u00a0b\r\nc\td\u2003e\x1cf", [*"abcdef"]),
        ("\ud800x \udc00", ["\ud800", "x", "\udc00"]),
        ("\u0301\u200d", ["\u0301", "\u200d"]),
        (" \n", []),
    ],
)
def test_words(text, words):
    assert word_pattern().findall(text) == words


@given(TEXTS)
def test_no_character_but_white_space_is_lost(text):
    assert "".join(word_pattern().findall(text)) == re.sub(r"\s+", "", text)


@given(TEXTS)
def test_words_with_spaces_are_the_text(text):
    assert "".join(spaced_word_pattern().findall(text)) == text


@given(TEXTS)
def test_words_with_spaces_are_the_words(text):
    """But that runs of symbols are one."""
    words = [word.strip() for word in spaced_word_pattern().findall(text)]
    letters = [word for word in words if word[:1].isalnum()]
    assert letters == [word for word in word_pattern().findall(text) if word[0].isalnum()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the dog  barks\r\n\n x", ["the", " dog", " ", " barks", "\r\n\n", " x"]),
        (" a", [" a"]),
        ("x = f(y)  # no", ["x", " =", " f", "(", "y", ")", " ", " #", " no"]),
        ("don't stop!!!", ["don't", " stop", "!!!"]),
    ],
)
def test_words_with_spaces(text, words):
    assert spaced_word_pattern().findall(text) == words


def test_long_runs_take_linear_time():
    for character in ("a", "1", "!", " ", "\u0301", "\u200d", "1.", "a-", "\U0001f600\u200d"):
        text = character * (300_000 // len(character))
        for pattern in (word_pattern(), spaced_word_pattern()):
            assert "".join(pattern.findall(text)) in (text, "")


def test_marks_are_those_of_unicode():
    for code in [*range(0x20000), *range(0xE0100, 0xE01F0)]:
        if unicodedata.category(chr(code))[0] == "M":
            assert len(word_pattern().findall(f"x{chr(code)}y")) == 1


@pytest.mark.parametrize(
    "text",
    [
        'She said: "No (never)!" and left...',
        "Prices rose by 5% to $3.50, didn't they?",
        "¿Qué? «Oui», dit-il; and/or [1].",
        "Er sagte: „Nein, ‚so‘ nicht“, und “so”.",
        "He - the “old” one - ate 'it' now.",
        "No!!! 😀😀 1 + 1 = 2 #tag",
        "word",
        "",
    ],
)
def test_words_are_joined_as_they_were(text):
    assert join_words(word_pattern().findall(text)) == text
