"""Generated German sentences agree in gender and case, and say the same as their translations."""

import itertools
import re

import numpy as np
import pytest

from tsrnn.datasets import make_sentences

GERMAN, ENGLISH = make_sentences(5_000, random_state=0)
GENDERS = {
    "m": "Mann Junge Nachbar Bauer Hund Apfel Brief Koffer Turm Reifen",
    "f": "Frau Ärztin Königin Katze Tomate Birne Zeitung Tür Brücke Batterie",
    "n": "Kind Mädchen Pferd Ei Buch Fenster Schloss",
}
NOUNS = {noun: gender for gender, nouns in GENDERS.items() for noun in nouns.split()}
ADJECTIVES = ["alt", "jung", "klein", "groß", "schön", "hungrig"]
OBLIQUE = {"Jungen": "Junge", "Nachbarn": "Nachbar", "Bauern": "Bauer"}
# Articles, and the ending of an adjective after each, by case and gender.
DECLENSION = {
    "nominative": {"m": ("der e", "ein er"), "f": ("die e", "eine e"), "n": ("das e", "ein es")},
    "accusative": {"m": ("den en", "einen en"), "f": ("die e", "eine e"), "n": ("das e", "ein es")},
    "dative": {
        "m": ("dem en", "einem en"),
        "f": ("der en", "einer en"),
        "n": ("dem en", "einem en"),
    },
}
PHRASE = re.compile(
    r"\b([dD](?:er|ie|as|en|em)|[eE]in(?:e[mnr]?)?) (?:([a-zäöüß]+) )?([A-ZÄÖÜ]\w+)"
)


def cases(article, adjective, noun):
    """Cases that a phrase can have."""
    is_oblique = noun in OBLIQUE
    noun = OBLIQUE.get(noun, noun)
    found = set()
    for case, of_genders in DECLENSION.items():
        for form in of_genders[NOUNS[noun]]:
            wanted, ending = form.split()
            stem = adjective.removesuffix(ending)
            agrees = not adjective or stem in ADJECTIVES
            declined = noun not in OBLIQUE.values() or is_oblique == (case != "nominative")
            if article.lower() == wanted and agrees and declined:
                found.add(case)
    return found


def test_articles_adjectives_and_nouns_agree():
    assert len(set(GERMAN)) == len(GERMAN) == len(ENGLISH) == 5_000
    for sentence in GERMAN:
        possible = [cases(*phrase) for phrase in PHRASE.findall(sentence)]
        wanted = ["nominative", "accusative", "dative"][: len(possible)]
        assert len(possible) > 1, sentence
        assert any(
            all(case in found for case, found in zip(order, possible, strict=True))
            for order in itertools.permutations(wanted)
        ), sentence


def test_translations_say_the_same():
    words = {
        r"macht\b.* auf\b|auf(ge)?mach": r"\bopen",
        r"macht\b.* zu\b|zu(ge)?mach": r"\bclose",
        r"\bgestern\b": r"\byesterday\b",
        r"\bwill\b": r"\bwants? to\b",
        r"\bmuss\b": r"\b(has|have) to\b",
        r"\bdass\b": r"\bthat\b",
        r"\bPferd\b": r"\bhorse\b",
        r"mach.*Schloss|Schloss.*mach": r"\block\b",
        r"^(?!.*mach).*Schloss": r"\bcastle\b",
        r"\bwechsel.*Birne|Birne.*wechsel": r"\bbulb\b",
    }
    for sentence, translation in zip(GERMAN, ENGLISH, strict=True):
        assert sentence[-1] == translation[-1]
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  | [.,?]", sentence + translation)
        for german, english in words.items():
            is_said = bool(re.search(german, sentence, flags=re.IGNORECASE))
            assert bool(re.search(english, translation)) == is_said, sentence


def test_the_subject_is_first_in_three_of_four():
    """Of main clauses without a time, the noun that begins the translation is the subject."""
    living = "Mann Frau Kind Junge Mädchen Nachbar Ärztin Königin Bauer Hund Katze Pferd"
    english = "man woman child boy girl neighbour doctor queen farmer dog cat horse"
    names = dict(zip(living.split(), english.split(), strict=True))
    times = re.compile("heute|jeden|gestern|Montag|morgen|bald")
    firsts = []
    for sentence, translation in zip(GERMAN, ENGLISH, strict=True):
        begin = PHRASE.match(sentence)
        if begin and not times.search(sentence):
            noun = names.get(OBLIQUE.get(begin[3], begin[3]), "a thing")
            firsts.append(noun in translation.split()[1:3])
    assert len(firsts) > 500
    assert np.mean(firsts) == pytest.approx(0.75, abs=0.03)


def test_bad_parameters():
    for n in (0, 100_001):
        with pytest.raises(ValueError, match="n_samples must be a whole number from 1 to 100000"):
            make_sentences(n)
    with pytest.raises(ValueError, match="random_state must be None, an integer"):
        make_sentences(5, random_state=-1)
