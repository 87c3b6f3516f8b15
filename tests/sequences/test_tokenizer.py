"""Tokenizer: vocabularies, ids and texts back, all forms of texts, and what is refused."""

import collections
import datetime
import pickle
import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from saving.conftest import assert_same
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import tsrnn
from tsrnn import Tokenizer
from tsrnn.saving.values import decode, encode

UNITS = ["character", "word", "subword"]
TEXTS = ["The cat sat.", "The dog didn't sit!", "caf\u00e9 \U0001f600"]
NOTES = [[(60, 1), (62, 1), (60, 1)], [(62, 1), (67, 0.5), (None, 2)]]


# scikit-learn's checks, which give numbers: rows of items

LIST = "the result is a list of arrays of different lengths"
NO_COLUMNS = "sequences of different lengths have no columns"
EXPECTED_FAILED_CHECKS = {
    "check_complex_data": "any hashable item is a token, complex numbers too",
    "check_dtype_object": "dicts are not hashable, which the message says",
    "check_estimators_empty_data_messages": "an empty sequence is told as such",
    "check_estimators_nan_inf": "NaN is refused, but infinity is an item as others are",
    "check_fit2d_predict1d": "a single sequence is told as such",
    "check_n_features_in": NO_COLUMNS,
    "check_n_features_in_after_fitting": NO_COLUMNS,
    "check_transformer_data_not_an_array": LIST,
    "check_transformer_general": LIST,
}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [Tokenizer(None)], expected_failed_checks=lambda _: EXPECTED_FAILED_CHECKS, xfail_strict=True
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_get_params_invariance",
        "check_set_params",
        "check_parameters_default_constructible",
    ],
)
def test_estimator_checks_that_need_no_numbers(check):
    """Of the checks of estimators of text scikit-learn runs only the first by itself."""
    getattr(estimator_checks, check)("Tokenizer", Tokenizer())


# Vocabularies


def test_ids_are_by_frequency_and_then_by_text():
    tokenizer = Tokenizer("word").fit(["b a b, c", "a b ."])
    assert tokenizer.tokens_ == ["<unk>", "b", "a", ",", ".", "c"]
    assert tokenizer.vocabulary_ == {"b": 1, "a": 2, ",": 3, ".": 4, "c": 5}
    assert tokenizer.n_tokens_ == 6
    assert tokenizer.begin_ is tokenizer.end_ is None
    assert Tokenizer("character").fit(["b\na"]).tokens_ == ["<unk>", "\n", "a", "b"]


def test_items_are_by_frequency_and_then_by_first_appearance():
    tokenizer = Tokenizer(None).fit([["b", 2, "b", (1, "x")], [2.5, (1, "x")]])
    assert tokenizer.tokens_ == ["<unk>", "b", (1, "x"), 2, 2.5]


@pytest.mark.parametrize("unit", UNITS)
def test_the_order_of_texts_does_not_matter(unit):
    fitted, other = Tokenizer(unit).fit(TEXTS), Tokenizer(unit).fit(TEXTS[::-1])
    assert fitted.tokens_ == other.tokens_


@pytest.mark.parametrize(("begin", "end"), [(False, False), (True, False), (False, True), (1, 1)])
@pytest.mark.parametrize("unit", [*UNITS, None])
def test_special_tokens(unit, begin, end):
    X = NOTES if unit is None else TEXTS
    begin, end = bool(begin), bool(end)
    tokenizer = Tokenizer(unit, begin=begin, end=end).fit(X)
    assert tokenizer.tokens_[: 1 + begin + end] == ["<unk>", *["<bos>"] * begin, *["<eos>"] * end]
    assert tokenizer.begin_ == (1 if begin else None)
    assert tokenizer.end_ == (1 + begin if end else None)
    without = Tokenizer(unit).fit(X)
    assert tokenizer.tokens_[1 + begin + end :] == without.tokens_[1:]
    for ids, expected in zip(tokenizer.transform(X), without.transform(X), strict=True):
        assert ids.dtype == np.int64
        assert ids.tolist() == [1] * begin + (expected + begin + end).tolist() + [1 + begin] * end
    assert tokenizer.inverse_transform(tokenizer.transform(X)) == without.inverse_transform(
        without.transform(X)
    )


def test_special_tokens_are_no_words():
    text = "<unk> <bos> <eos>"
    for unit in UNITS:
        tokenizer = Tokenizer(unit, begin=True, end=True).fit([text])
        assert min(tokenizer.vocabulary_.values()) == 3
        (ids,) = tokenizer.transform([text])
        assert min(ids[1:-1]) >= 3
    tokenizer = Tokenizer(None, end=True).fit([["<unk>", "<eos>", "a"]])
    assert [ids.tolist() for ids in tokenizer.transform([["<eos>", "<unk>", "b"]])] == [
        [3, 2, 0, 1]
    ]


@pytest.mark.parametrize("unit", ["character", "word", None])
def test_limits_of_the_vocabulary(unit):
    text = "a a a b b b c c d"
    X = [text.split()] if unit is None else [text.replace(" ", "") if unit == "character" else text]
    assert Tokenizer(unit, max_tokens=3).fit(X).tokens_[1:] == ["a", "b"]
    assert Tokenizer(unit, max_tokens=4, begin=True).fit(X).tokens_[2:] == ["a", "b"]
    assert Tokenizer(unit, min_frequency=2).fit(X).tokens_[1:] == ["a", "b", "c"]
    assert Tokenizer(unit, min_frequency=3, max_tokens=2).fit(X).tokens_[1:] == ["a"]


def test_limits_of_subwords():
    X = ["low low lower lowest, newest"]
    for max_tokens in range(2, 30):
        tokenizer = Tokenizer("subword", max_tokens=max_tokens).fit(X)
        assert tokenizer.n_tokens_ <= max_tokens
    assert {"low", " low"} <= set(tokenizer.tokens_)
    rare = Tokenizer("subword", min_frequency=4).fit(X)
    assert set("lowe ") | {"lo", "low", " low", " l"} >= set(rare.tokens_[1:])
    assert "," not in rare.vocabulary_
    assert Tokenizer("subword").fit(["ab" * 9000]).n_tokens_ < 30
    many = " ".join(f"{k:x}{k * k:x}" for k in range(9000))
    assert Tokenizer("subword").fit([many]).n_tokens_ == 8000


def test_lowercase():
    for unit in UNITS:
        tokenizer = Tokenizer(unit, lowercase=True).fit(["The THE \u0130stanbul"])
        assert not re.search("[A-Z\u0130]", "".join(tokenizer.tokens_[1:]))
        same = tokenizer.transform(["the the", "THE The"])
        assert same[0].tolist() == same[1].tolist()
        assert tokenizer.inverse_transform(same) == ["the the"] * 2


def test_words_are_composed_and_others_left_as_they_are():
    one, two = "caf\u00e9", "cafe\u0301"
    assert Tokenizer("word").fit([one, two]).tokens_ == ["<unk>", one]
    for unit in ("character", "subword"):
        tokenizer = Tokenizer(unit).fit([one, two])
        ids = tokenizer.transform([one, two])
        assert ids[0].tolist() != ids[1].tolist()
        assert tokenizer.inverse_transform(ids) == [one, two]


def test_parameters_set_after_fit_are_for_the_next():
    tokenizer = Tokenizer("word", lowercase=True, begin=True).fit(TEXTS)
    expected = tokenizer.transform(TEXTS)
    tokenizer.set_params(unit="character", lowercase=False, begin=False)
    assert_same(tokenizer.transform(TEXTS), expected)


# Ids and texts back

ANY_TEXT = st.text(st.characters(), min_size=1)


@given(st.lists(ANY_TEXT, min_size=1, max_size=4), ANY_TEXT)
def test_characters_and_subwords_give_the_text_back(texts, other):
    other = "".join(each for each in other if each in "".join(texts))
    for tokenizer in (Tokenizer("character"), Tokenizer("subword", max_tokens=500, begin=True)):
        tokenizer.fit(texts)
        known = texts + [other] * bool(other)
        ids = tokenizer.transform(known)
        assert tokenizer.inverse_transform(ids) == known
        assert min(map(min, ids)) > 0


@given(ANY_TEXT)
def test_words_give_all_but_spaces_back(text):
    assume(text.strip())
    tokenizer = Tokenizer("word").fit([text])
    (again,) = tokenizer.inverse_transform(tokenizer.transform([text]))
    composed = unicodedata.normalize("NFC", text)
    assert re.sub(r"\s", "", again) == re.sub(r"\s", "", composed)
    (ids,) = tokenizer.transform([text])
    words = [tokenizer.tokens_[k] for k in ids]
    counts = collections.Counter(words)
    order = sorted(counts, key=lambda word: (-counts[word], word))
    assert tokenizer.tokens_[1:] == order


def test_subwords_are_shorter_than_characters():
    text = "the cat and the hat and the bat\r\n" * 20
    tokenizer = Tokenizer("subword", max_tokens=30).fit([text])
    (ids,) = tokenizer.transform([text])
    assert ids.size < len(text) / 2
    assert tokenizer.inverse_transform([ids]) == [text]


def test_items_come_back():
    tokenizer = Tokenizer(None).fit(NOTES)
    assert tokenizer.inverse_transform(tokenizer.transform(NOTES)) == NOTES
    unknown = [[(60, 1), (1, 1)], [(0, 0)]]
    ids = tokenizer.transform(unknown)
    assert [each.tolist() for each in ids] == [[1, 0], [0]]
    assert tokenizer.inverse_transform(ids) == [[(60, 1), "<unk>"], ["<unk>"]]


@pytest.mark.parametrize("unit", UNITS)
def test_unknown_tokens(unit):
    tokenizer = Tokenizer(unit).fit(["abc abc"])
    (ids,) = tokenizer.transform(["\u4e16\u754c"])
    assert set(ids.tolist()) == {0}
    assert tokenizer.inverse_transform([[0]]) == ["<unk>"]
    assert tokenizer.inverse_transform([[0, 1]])[0].startswith("<unk>")


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_a_text_of_a_million_tokens(unit):
    text = "a " * 1_000_000
    (ids,) = Tokenizer(unit).fit_transform([text])
    assert ids.size >= 1_000_000
    assert ids.min() >= 1
    assert np.unique(ids).size <= 4


def test_ids_in_other_forms():
    tokenizer = Tokenizer("word").fit(["a b c"])
    expected = ["a b", "b c"]
    for ids in [
        [[1, 2], [2, 3]],
        ([1, 2], np.array([2, 3], np.uint8)),
        np.array([[1, 2], [2, 3]]),
        np.array([[1, 2], [2, 3]], np.int32),
        pd.Series([[1, 2], [2, 3]], index=[5, 5]),
    ]:
        assert tokenizer.inverse_transform(ids) == expected
    assert tokenizer.inverse_transform([[], np.array([], int)]) == ["", ""]


# Texts in all forms


def forms_of_texts():
    frame = pd.DataFrame({"text": TEXTS}, index=["b", "a", "b"])
    yield "tuple", tuple(TEXTS)
    yield "array", np.array(TEXTS)
    yield "array of objects", np.array(TEXTS, dtype=object)
    yield "texts of NumPy", list(np.array(TEXTS))
    yield "series", frame["text"]
    yield "objects", frame["text"].astype(object)
    yield "string", frame["text"].astype("string")
    yield "category", frame["text"].astype("category")
    yield "panel", frame.set_index([[0, 0, 1], [1, 2, 1]])["text"]
    yield "index", pd.Index(TEXTS)
    if hasattr(np.dtypes, "StringDType"):
        yield "StringDType", np.array(TEXTS, dtype=np.dtypes.StringDType())


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("X", [pytest.param(X, id=name) for name, X in forms_of_texts()])
def test_forms_of_texts(X, unit):
    expected = Tokenizer(unit).fit(TEXTS)
    tokenizer = Tokenizer(unit).fit(X)
    assert tokenizer.tokens_ == expected.tokens_
    assert all(type(token) is str for token in tokenizer.tokens_)
    assert_same(tokenizer.transform(X), expected.transform(TEXTS))


def test_texts_of_polars_and_pyarrow():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    expected = Tokenizer().fit_transform(TEXTS)
    for X in [
        pl.Series(TEXTS),
        pl.Series(TEXTS, dtype=pl.Categorical),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
        pd.Series(TEXTS, dtype="string[pyarrow]"),
        pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.string())),
    ]:
        assert_same(Tokenizer().fit_transform(X), expected)
    for X in [
        pl.Series(["a", None]),
        pa.array(["a", None]),
        pd.Series(["a", None], dtype="string"),
    ]:
        with pytest.raises(ValueError, match="Text 1 of X is missing"):
            Tokenizer().fit(X)
    assert_same(
        Tokenizer(None).fit_transform(pl.Series([[1, 2], [2]])),
        Tokenizer(None).fit_transform([[1, 2], [2]]),
    )


def test_forms_of_items():
    expected = Tokenizer(None).fit([[3, 1], [1, 2]])
    for X in [
        ((3, 1), (1, 2)),
        np.array([[3, 1], [1, 2]]),
        [np.array([3, 1]), pd.Series([1, 2], index=[7, 8])],
        [[np.int8(3), np.int64(1)], range(1, 3)],
        pd.Series([[3, 1], [1, 2]]),
    ]:
        tokenizer = Tokenizer(None).fit(X)
        assert_same(tokenizer.tokens_, expected.tokens_)
        assert_same(tokenizer.transform(X), expected.transform([[3, 1], [1, 2]]))
    nested = Tokenizer(None).fit([[(np.int64(60), (np.float32(0.5), "a"))]])
    assert_same(nested.tokens_[1], (60, (0.5, "a")))


# What is refused


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("abc", r"X is one str. Give a list of texts: \[X\]"),
        (b"abc", "X is one bytes"),
        (None, "X must be a list, a Series or a 1-d array of texts, got NoneType"),
        (3, "got int"),
        (np.array("abc"), r"got ndarray of shape \(\)"),
        (np.array([["a"], ["b"]]), r"got ndarray of shape \(2, 1\)"),
        ({"a": "b"}, "got dict"),
        ({"a"}, "got set"),
        (iter(["a"]), "got list_iterator"),
        (pd.DataFrame({"a": ["b"]}), r"X is a DataFrame. Give one column of it: X\['name'\]"),
        ([], "0 samples"),
        (pd.Series([], dtype="string"), "0 samples"),
        (["a", None], r"Text 1 of X is missing \(None\)"),
        (["a", "b", np.nan], r"Text 2 of X is missing \(nan\)"),
        ([pd.NA], r"Text 0 of X is missing \(<NA>\)"),
        ([pd.NaT, "a"], r"Text 0 of X is missing \(NaT\)"),
        (["a", 3], r"Text 1 of X is of type int \(3\), not a text. Give it as a str"),
        (["a", b"b"], r"Text 1 of X is of type bytes .* Decode it"),
        (["a", ["b"]], r"Text 1 of X is of type list"),
        (np.array([1.5]), "Text 0 of X is of type float"),
        (["a", ""], "Text 1 of X has no token: it is empty"),
    ],
)
@pytest.mark.parametrize("unit", UNITS)
def test_texts_that_are_refused(X, message, unit):
    with pytest.raises(ValueError, match=message):
        Tokenizer(unit).fit(X)
    with pytest.raises(ValueError, match=message):
        Tokenizer(unit).fit(["a"]).transform(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("abc", "X is one str. Give a list of sequences"),
        ([[1], "abc"], "Sequence 1 of X is a text, and with unit=None"),
        ([1, 2], r"Sequence 0 of X is of type int \(1\).*Give a single sequence as \[X\]"),
        ([[1], None], "Sequence 1 of X is of type NoneType"),
        ([[1], {2}], "Sequence 1 of X is of type set"),
        ([[1], [2, [3]]], "Step 1 of sequence 1 of X is of type list .* not hashable"),
        ([[1], [2, None]], r"Step 1 of sequence 1 of X is missing \(None\)"),
        (np.array([[1, np.nan]]), r"Step 1 of sequence 0 of X is missing \(nan\)"),
        ([[(60, np.nan)]], r"Step 0 of sequence 0 of X is missing \(\(60, nan\)\)"),
        ([[pd.NA]], "Step 0 of sequence 0 of X is missing"),
        ([[1], []], "Sequence 1 of X has no token: it is empty"),
        ([], "0 samples"),
    ],
)
def test_items_that_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer(None).fit(X)
    with pytest.raises(ValueError, match=message):
        Tokenizer(None).fit([[1]]).transform(X)


def test_white_space_is_no_word():
    with pytest.raises(ValueError, match="Text 1 of X has no token: it is empty or white space"):
        Tokenizer("word").fit(["a", " \n"])
    assert Tokenizer("character").fit([" \n"]).n_tokens_ == 3


def test_empty_texts_with_special_tokens():
    tokenizer = Tokenizer("word", begin=True, end=True).fit(["", "a"])
    assert [ids.tolist() for ids in tokenizer.transform(["", " "])] == [[1, 2], [1, 2]]
    assert tokenizer.inverse_transform([[1, 2]]) == [""]


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"begin": True}, ["", ""], "The vocabulary is empty: X has no token"),
        ({"min_frequency": 3}, ["a a b"], r"every token of X is rarer \(min_frequency=3\)"),
        ({"unit": "subword", "min_frequency": 5}, ["abc"], "every token of X is rarer"),
        ({"max_tokens": 2, "begin": True}, ["a"], "max_tokens=2 leaves no room beside 2 special"),
        ({"max_tokens": 1}, ["a"], "'max_tokens' parameter of Tokenizer must be"),
        ({"min_frequency": 0}, ["a"], "'min_frequency' parameter of Tokenizer must be"),
        ({"unit": "words"}, ["a"], "'unit' parameter of Tokenizer must be one of 'character'"),
        ({"unit": None, "lowercase": True}, [["a"]], "lowercase=True is for texts"),
    ],
)
def test_vocabularies_that_are_refused(parameters, X, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer(**parameters).fit(X)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[1, 4]], "Sequence 0 of X has the id 4 at step 1, and the vocabulary has 4 tokens"),
        ([[1], [-1]], "Sequence 1 of X has the id -1 at step 0"),
        ([1, 2], r"Sequence 0 of X is of type int \(1\)"),
        ([[1.0]], "Sequence 0 of X is of type list .* whole numbers"),
        ([[True]], "Sequence 0 of X is of type list"),
        ([["a"]], "Sequence 0 of X is of type list"),
        ([[[1]]], "Sequence 0 of X is of type list"),
        ([[2**70]], "Sequence 0 of X is of type list"),
        ([[1, [2]]], "X"),
        ("a", "X is one str"),
        ([], "0 samples"),
    ],
)
def test_ids_that_are_refused(ids, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer("word").fit(["a b c"]).inverse_transform(ids)


def test_without_fit():
    for method in ("transform", "inverse_transform"):
        with pytest.raises(NotFittedError):
            getattr(Tokenizer(), method)([[1]])


# In scikit-learn, and in files


def bag_of_words(X):
    return np.array([np.bincount(ids, minlength=50)[:50] for ids in X])


@pytest.mark.slow
def test_a_search_in_a_pipeline():
    good, bad = ["a good film", "good!", "so good"] * 4, ["a bad film", "bad!", "so bad"] * 4
    X, y = pd.Series(good + bad, index=[7] * 24), np.repeat([1, 0], 12)
    model = make_pipeline(Tokenizer(), FunctionTransformer(bag_of_words), LogisticRegression())
    search = GridSearchCV(model, {"tokenizer__unit": ["word", "subword"]}, cv=3).fit(X, y)
    assert search.best_score_ == 1
    assert search.predict(["good film", "bad film"]).tolist() == [1, 0]


def test_output_is_a_list_whatever_is_configured():
    assert not hasattr(Tokenizer(), "set_output")
    import sklearn

    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(Tokenizer().fit_transform(TEXTS), list)


@pytest.mark.parametrize("unit", [*UNITS, None])
def test_clones_pickles_and_files(unit, tmp_path):
    X = NOTES if unit is None else [*TEXTS, "\ud800 \r\n"]
    tokenizer = Tokenizer(unit, max_tokens=30, begin=True).fit(X)
    assert not hasattr(clone(tokenizer), "tokens_")
    assert clone(tokenizer).get_params() == tokenizer.get_params()
    tsrnn.save(tokenizer, tmp_path / "tokenizer.tsrnn")
    arrays = []
    node = encode(tokenizer, "tokenizer", arrays)
    for other in [
        pickle.loads(pickle.dumps(tokenizer)),
        tsrnn.load(tmp_path / "tokenizer.tsrnn"),
        decode(node, dict(enumerate(arrays))),
    ]:
        assert_same(other, tokenizer)
        assert_same(other.transform(X), tokenizer.transform(X))
        assert other.inverse_transform(other.transform(X)) == tokenizer.inverse_transform(
            tokenizer.transform(X)
        )


def test_files_of_unfitted_tokenizers_and_of_other_parameters(tmp_path):
    path = tmp_path / "tokenizer.tsrnn"
    tsrnn.save(Tokenizer("subword", max_tokens=np.int64(9)), path)
    assert_same(tsrnn.load(path), Tokenizer("subword", max_tokens=9))
    tokenizer = Tokenizer("word", lowercase=True, end=True).fit(TEXTS)
    tokenizer.set_params(unit=None, lowercase=False, end=False)
    tsrnn.save(tokenizer, path)
    assert_same(tsrnn.load(path), tokenizer)


@pytest.mark.parametrize("item", [datetime.date(2024, 1, 1), 2**70, frozenset([1]), (1, b"a")])
def test_items_that_files_cannot_hold(item, tmp_path):
    tokenizer = Tokenizer(None).fit([[item]])
    assert tokenizer.transform([[item, item]])[0].tolist() == [1, 1]
    with pytest.raises(ValueError, match="Cannot save this Tokenizer: a file cannot hold the item"):
        tsrnn.save(tokenizer, tmp_path / "tokenizer.tsrnn")


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": []},
        {"tokens": ["a", "a"]},
        {"tokens": ["a", ""]},
        {"tokens": ["a", 1]},
        {"tokens": ["abc"]},
        {"tokens": ["a", None]},
        {"tokens": [2**61]},
        {"tokens": [["a"]]},
        {"tokens": "abc"},
        {"unit": "letter"},
        {"unit": 3},
        {"unit": None, "lowercase": True},
        {"begin": 1},
        {"end": None},
        {"other": 1},
    ],
)
@pytest.mark.parametrize("unit", ["character", "subword"])
def test_forged_parts_are_refused(unit, change):
    node = encode(Tokenizer(unit).fit(["ab"]), "tokenizer", [])
    parts = node["Tokenizer"]["fitted"]["dict"]
    names = [name for name, _ in parts]
    for name, value in change.items():
        if name in names:
            parts[names.index(name)][1] = value
        else:
            parts.append([name, value])
    with pytest.raises(ValueError):  # noqa: PT011, of several kinds
        decode(node, {})


def test_html():
    assert "Tokenizer" in Tokenizer("subword").fit(TEXTS)._repr_html_()
