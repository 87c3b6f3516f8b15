"""Generator of German sentences and their English translations, by a small grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tsrnn.datasets.seeds import random_generator
from tsrnn.parameters import Integer, validated

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


class _Noun(NamedTuple):
    """Its German form in the nominative, gender, English, and German form in other cases."""

    german: str
    gender: str
    english: str
    oblique: str | None = None


class _Verb(NamedTuple):
    """German prefix and infinitive, third person, participle; English forms; kinds of objects.

    ``prefix`` is what is apart from the verb in a main clause, "macht ... auf", and ``german`` is
    without it. ``english`` is the infinitive, the third person and the past.
    """

    prefix: str
    german: str
    english: str
    objects: tuple[str, ...]
    has_recipient: bool = False
    of_animals: bool = False  # animals do it too


_PEOPLE = [
    _Noun("Mann", "m", "man"),
    _Noun("Frau", "f", "woman"),
    _Noun("Kind", "n", "child"),
    _Noun("Junge", "m", "boy", "Jungen"),
    _Noun("Mädchen", "n", "girl"),
    _Noun("Nachbar", "m", "neighbour", "Nachbarn"),
    _Noun("Ärztin", "f", "doctor"),
    _Noun("Königin", "f", "queen"),
    _Noun("Bauer", "m", "farmer", "Bauern"),
]
_NOUNS = {
    "people": _PEOPLE,
    "animals": [
        _Noun("Hund", "m", "dog"),
        _Noun("Katze", "f", "cat"),
        _Noun("Pferd", "n", "horse"),
    ],
    "food": [
        _Noun("Apfel", "m", "apple"),
        _Noun("Tomate", "f", "tomato"),
        _Noun("Ei", "n", "egg"),
        _Noun("Birne", "f", "pear"),
    ],
    "writings": [
        _Noun("Brief", "m", "letter"),
        _Noun("Zeitung", "f", "newspaper"),
        _Noun("Buch", "n", "book"),
    ],
    "closed": [
        _Noun("Koffer", "m", "suitcase"),
        _Noun("Tür", "f", "door"),
        _Noun("Fenster", "n", "window"),
        _Noun("Schloss", "n", "lock"),
    ],
    "sights": [
        _Noun("Turm", "m", "tower"),
        _Noun("Brücke", "f", "bridge"),
        _Noun("Schloss", "n", "castle"),
    ],
    "parts": [
        _Noun("Reifen", "m", "tyre"),
        _Noun("Batterie", "f", "battery"),
        _Noun("Birne", "f", "bulb"),
    ],
}
_VERBS = [
    _Verb("", "malen, malt, gemalt", "paint, paints, painted", ("people", "sights")),
    _Verb("", "besuchen, besucht, besucht", "visit, visits, visited", ("people", "sights")),
    _Verb("an", "rufen, ruft, gerufen", "call, calls, called", ("people",)),
    _Verb("ab", "holen, holt, geholt", "pick up, picks up, picked up", ("people",)),
    _Verb("", "lesen, liest, gelesen", "read, reads, read", ("writings",)),
    _Verb("auf", "machen, macht, gemacht", "open, opens, opened", ("closed",)),
    _Verb("zu", "machen, macht, gemacht", "close, closes, closed", ("closed",)),
    _Verb("aus", "wechseln, wechselt, gewechselt", "change, changes, changed", ("parts",)),
    _Verb("", "geben, gibt, gegeben", "give, gives, gave", ("food", "writings"), True),
    _Verb("", "zeigen, zeigt, gezeigt", "show, shows, showed", ("writings",), True),
    _Verb("mit", "bringen, bringt, gebracht", "bring, brings, brought", ("food",), True),
    _Verb("", "essen, isst, gegessen", "eat, eats, ate", ("food",), of_animals=True),
    _Verb(
        "",
        "sehen, sieht, gesehen",
        "see, sees, saw",
        ("people", "animals", "sights"),
        of_animals=True,
    ),
    _Verb(
        "",
        "suchen, sucht, gesucht",
        "look for, looks for, looked for",
        ("people", "animals"),
        of_animals=True,
    ),
]
_ADJECTIVES = {
    "alive": {"alt": "old", "jung": "young", "klein": "small", "hungrig": "hungry"},
    "things": {"alt": "old", "klein": "small", "groß": "big", "schön": "beautiful"},
}
_DEFINITE = {
    "nominative": {"m": "der", "f": "die", "n": "das"},
    "accusative": {"m": "den", "f": "die", "n": "das"},
    "dative": {"m": "dem", "f": "der", "n": "dem"},
}
_INDEFINITE = {
    "nominative": {"m": "ein", "f": "eine", "n": "ein"},
    "accusative": {"m": "einen", "f": "eine", "n": "ein"},
    "dative": {"m": "einem", "f": "einer", "n": "einem"},
}
# Endings of adjectives after indefinite articles; after definite ones "e" where these are short.
_STRONG = {
    "nominative": {"m": "er", "f": "e", "n": "es"},
    "accusative": {"m": "en", "f": "e", "n": "es"},
    "dative": {"m": "en", "f": "en", "n": "en"},
}
_TIMES = {
    "present": {"": "", "heute": "today", "jeden Tag": "every day"},
    "past": {"": "", "heute": "today", "gestern": "yesterday", "am Montag": "on Monday"},
    "future": {"morgen": "tomorrow", "bald": "soon"},
    "modal": {"": "", "heute": "today", "morgen": "tomorrow"},
}
_TENSES = ["present", "present", "past", "past", "future", "modal"]
# Auxiliary of a question, and what precedes the infinitive then and in a statement.
_MODALS = {
    "will": ("does", "want to ", "wants to "),
    "muss": ("does", "have to ", "has to "),
    "kann": ("can", "", "can "),
}
_CLAUSES = {
    "Ich glaube": "I think",
    "Sie sagt": "She says",
    "Wir wissen": "We know",
}
# Shares of sentences: the object comes first, a time, a question, or a clause with "dass".
_OBJECT, _TIME, _QUESTION, _CLAUSE = 0.18, 0.18, 0.1, 0.18


@validated(n_samples=[Integer(1, 100_000)])
def make_sentences(
    n_samples: int = 10_000,
    *,
    random_state: int | np.random.Generator | None = None,
) -> tuple[list[str], list[str]]:
    """Generate German sentences and their English translations, with another order of words.

    A grammar of about a hundred words with what makes German different: articles and adjectives
    tell gender and case, so that an object may come first ("Den Hund sieht das Kind."); parts of
    a verb are at the end ("Der Mann macht das Fenster auf."), all of it in clauses with "dass".
    "Schloss" is a castle or a lock, "Birne" a pear or a bulb: the verb tells. Where nothing
    tells the subject from the object, as in "Die Frau sieht das Kind.", the subject is first in
    three of four sentences. No German sentence occurs twice.

    Parameters
    ----------
    n_samples : int, default=10000
        Number of sentences, at most 100000.
    random_state : int, numpy.random.Generator or None, default=None
        Seed or generator of the random values.

    Returns
    -------
    german, english : list of str
        Sentences, and the translation of each.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    make_dates : Pairs of dates.
    tsrnn.RNNTranslator : Learns such pairs.

    Examples
    --------
    >>> from tsrnn.datasets import make_sentences
    >>> german, english = make_sentences(3, random_state=0)
    >>> for sentence, translation in zip(german, english):
    ...     print(sentence, "->", translation)
    Gestern hat der Junge einen Apfel gegessen. -> The boy ate an apple yesterday.
    Hat ein altes Kind am Montag der hungrigen Königin ein altes Ei mitgebracht?
    -> Did an old child bring the hungry queen an old egg on Monday?
    Der kleine Mann macht ein Fenster auf. -> The small man opens a window.
    """
    rng = random_generator(random_state)
    pairs: dict[str, str] = {}
    while len(pairs) < n_samples:
        german, english = _sentence(rng)
        pairs.setdefault(german, english)
    return list(pairs), list(pairs.values())


def _sentence(rng):
    """A random sentence and its translation."""
    verb = _pick(rng, _VERBS)
    nouns = _NOUNS[_pick(rng, verb.objects)]
    tense = _pick(rng, _TENSES)
    time, english_time = _pick(rng, list(_TIMES[tense].items()))
    living = [*_PEOPLE, *_NOUNS["animals"]] if verb.of_animals else _PEOPLE
    noun, recipient, thing = _distinct(rng, living, _PEOPLE, nouns)
    subject = _noun_phrase(rng, noun, "nominative")
    thing = _noun_phrase(rng, thing, "accusative")
    recipient = _noun_phrase(rng, recipient, "dative") if verb.has_recipient else ("", "")
    modal = _pick(rng, list(_MODALS))
    finite, rest, subordinate = _german_verb(verb, tense, modal)
    auxiliary, infinitive, english_verb = _english_verb(verb, tense, modal)
    middle = [recipient[0], thing[0]]
    objects = [recipient[1], thing[1]]
    draw = rng.random()
    if draw < _QUESTION:
        german = [finite, subject[0], time, *middle, rest, "?"]
        english = [auxiliary, subject[1], infinitive, *objects, english_time, "?"]
        return _join(german), _join(english)
    statement = [subject[1], english_verb, *objects, english_time, "."]
    draw -= _QUESTION
    if draw < _CLAUSE:
        clause, english_clause = _pick(rng, list(_CLAUSES.items()))
        german = [clause, ",", "dass", subject[0], time, *middle, subordinate, "."]
        return _join(german), _join([english_clause, "that", *statement])
    draw -= _CLAUSE
    if draw < _OBJECT:
        german = [thing[0], finite, subject[0], time, recipient[0], rest, "."]
    elif time and draw - _OBJECT < _TIME:
        german = [time, finite, subject[0], *middle, rest, "."]
    else:
        german = [subject[0], finite, time, *middle, rest, "."]
    return _join(german), _join(statement)


def _noun_phrase(rng, noun, case):
    """A noun with an article and perhaps an adjective, in German and English."""
    definite, decorated = rng.random() < 0.7, rng.random() < 0.4
    articles = _DEFINITE if definite else _INDEFINITE
    german, english = [articles[case][noun.gender]], []
    if decorated:
        is_alive = noun in _PEOPLE or noun in _NOUNS["animals"]
        adjectives = _ADJECTIVES["alive" if is_alive else "things"]
        stem, translation = _pick(rng, list(adjectives.items()))
        ending = _STRONG[case][noun.gender]
        german.append(stem + ("e" if definite and ending in ("er", "es") else ending))
        english.append(translation)
    german.append(noun.german if case == "nominative" else noun.oblique or noun.german)
    english.append(noun.english)
    an = "an" if english[0][0] in "aeiou" else "a"
    return " ".join(german), " ".join(["the" if definite else an, *english])


def _german_verb(verb, tense, modal):
    """Its second and last part in a main clause, and what ends a clause with "dass"."""
    infinitive, present, participle = verb.german.split(", ")
    if tense == "past":
        return "hat", verb.prefix + participle, f"{verb.prefix}{participle} hat"
    if tense == "modal":
        return modal, verb.prefix + infinitive, f"{verb.prefix}{infinitive} {modal}"
    return present, verb.prefix, verb.prefix + present


def _english_verb(verb, tense, modal):
    """Auxiliary and infinitive of a question, and the verb of a statement."""
    base, third, past = verb.english.split(", ")
    if tense == "modal":
        auxiliary, before_infinitive, before_statement = _MODALS[modal]
        return auxiliary, before_infinitive + base, before_statement + base
    forms = {
        "present": ("does", base, third),
        "past": ("did", base, past),
        "future": ("will", base, f"will {base}"),
    }
    return forms[tense]


def _distinct(rng, *groups: Sequence[_Noun]):
    """A noun of each group, no two the same."""
    while True:
        nouns = [_pick(rng, group) for group in groups]
        if len({noun.german for noun in nouns}) == len(nouns):
            return nouns


def _pick(rng, items):
    """One of some items."""
    return items[int(rng.integers(len(items)))]


def _join(parts):
    """A sentence of its parts, which may be empty."""
    text = " ".join(part for part in parts if part)
    for mark in ".?,":
        text = text.replace(f" {mark}", mark)
    return text[0].upper() + text[1:]
