"""``tsrnn generate``: what it trains, writes and refuses."""

import gzip
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tsrnn
from tsrnn import RNNLanguageModel, RNNRegressor
from tsrnn.cli import main

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 8
SMALL = ["--max-iter", "1", "--hidden-size", "4", "--n-jobs", "1", "--quiet"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


@pytest.fixture
def generate(capsys):
    """Run the command with a small network; its exit code, standard output and error."""

    def generate(*arguments, small=SMALL):
        return main(["generate", *map(str, arguments), *small]), *capsys.readouterr()

    return generate


def language_model(X=TEXT, **parameters):
    return RNNLanguageModel(max_iter=1, hidden_size=4, n_jobs=1, **parameters).fit(X)


def test_a_text_is_learned_and_written_on(file, generate):
    written = language_model().generate(30, "the quick", temperature=0.8, random_state=0)
    expected = "the quick" + written
    output = generate(file, "--n", 30, "--prompt", "the quick")
    assert output == (0, expected + "\n" * (not expected.endswith("\n")), "")


def test_options_are_those_of_the_library(file, generate):
    parameters = {"cell": "gru", "n_layers": 2, "embedding_size": 3, "n_steps": 9}
    model = language_model(random_state=4, **parameters)
    drawing = {"temperature": 0.5, "top_k": 5, "top_p": 0.9}
    written = model.generate(20, random_state=4, **drawing)
    arguments = [
        "--cell",
        "gru",
        "--n-layers",
        2,
        "--embedding-size",
        3,
        "--n-steps",
        9,
        "--random-state",
        4,
    ]
    arguments += ["--temperature", 0.5, "--top-k", 5, "--top-p", "90%", "--n", 20]
    assert generate(file, *arguments)[:2] == (0, written.rstrip("\n") + "\n")
    whole = model.generate(20, temperature=0.8, random_state=4)
    stop = whole[9]
    arguments = [*arguments[:10], "--n", 20, "--stop", stop]
    assert generate(file, *arguments)[1].rstrip("\n") == whole[: whole.index(stop)].rstrip("\n")


@pytest.mark.parametrize("unit", ["word", "subword"])
def test_other_units(file, generate, unit):
    written = language_model(unit=unit).generate(5, "the quick", temperature=0.8, random_state=0)
    code, out, _ = generate(file, "--unit", unit, "--n", 5, "--prompt", "the quick")
    assert code == 0
    assert out.rstrip("\n").replace(" ", "") == f"the quick{written}".rstrip("\n").replace(" ", "")
    assert out.startswith("the quick ") or unit == "subword"


def test_lines_are_texts(tmp_path, generate):
    path = tmp_path / "names.txt"
    path.write_bytes(b"ada\r\nbob\r\n\r\ncarl\r\n")
    model = language_model(["ada", "bob", "carl"])
    state = np.random.RandomState(0)
    expected = [model.generate(500, temperature=0.8, random_state=state) for _ in range(4)]
    assert generate(path, "--lines", "--texts", 4)[1] == "\n".join(expected).rstrip("\n") + "\n"


def test_a_network_is_saved_and_loaded(file, generate, tmp_path):
    saved = tmp_path / "text.tsrnn"
    _, expected, _ = generate(file, "--n", 30, "--save", saved)
    assert generate("--load", saved, "--n", 30, small=())[:2] == (0, expected)
    assert tsrnn.load(saved).generate(5, temperature=0.8, random_state=0) == expected[:5]
    out = tmp_path / "out.txt"
    assert generate("--load", saved, "--n", 30, "--out", out, small=()) == (0, "", "")
    assert out.read_text(encoding="utf-8") == expected


def test_compressed_files_other_encodings_and_standard_input(file, generate, tmp_path, monkeypatch):
    _, expected, _ = generate(file, "--n", 30)
    compressed = tmp_path / "text.gz"
    compressed.write_bytes(gzip.compress(TEXT.encode("utf-16")))
    assert generate(compressed, "--n", 30, "--encoding", "utf-16")[1] == expected
    with open(file, "rb") as stream:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        assert generate("-", "--n", 30)[1] == expected


def test_progress_is_shown_unless_quiet(file, generate):
    _, _, err = generate(file, "--n", 3, small=SMALL[:-1])
    assert "RNNLanguageModel: 100%" in err


def test_what_is_refused_before_training(file, generate, tmp_path, monkeypatch):
    other, unfitted, items = (tmp_path / f"{k}.tsrnn" for k in range(3))
    empty, latin = tmp_path / "empty.txt", tmp_path / "latin.txt"
    tsrnn.save(RNNRegressor(), other)
    tsrnn.save(RNNLanguageModel(), unfitted)
    tsrnn.save(RNNLanguageModel(None, hidden_size=2, max_iter=1).fit([[1, 2, 1]]), items)
    empty.write_text(" \n\n")
    latin.write_bytes("caf\xe9 cr\xe8me".encode("latin-1"))
    monkeypatch.setattr(RNNLanguageModel, "fit", lambda *_: pytest.fail("trained for nothing"))
    for arguments, message in [
        ([], "give either a text FILE"),
        ([file, "--load", file], "give either a text FILE"),
        ([tmp_path / "no.txt"], "No such file"),
        ([tmp_path], "directory"),
        ([empty], "there is no text in it"),
        ([empty, "--lines"], "there is no text in it"),
        ([latin], "latin.txt: 'utf-8' codec can't decode"),
        (["--load", file], "is not a file of tsrnn.save"),
        (["--load", other], "holds RNNRegressor, no language model"),
        (["--load", unfitted], "holds a language model that is not fitted"),
        (["--load", items], "of music or of items, not of text"),
        ([file, "--stop", ""], "argument --stop: the text is empty"),
        ([file, "--prompt", "\u00e9\u00e9"], "prompt holds no token"),
        ([file, "--save", tmp_path / "no" / "a"], "there is no directory"),
        ([file, "--out", file], "it is a file to read"),
        ([file, "--temperature", "-1"], "'-1' is not a number of 0 or above"),
        ([file, "--temperature", "nan"], "'nan' is not a number of 0 or above"),
        ([file, "--top-p", "0"], "'0' is not a number above 0"),
        ([file, "--top-p", "101%"], "'101%' is not a number above 0"),
        ([file, "--n", "0"], "'0' is not a whole number from 1"),
        ([file, "--cell", "foo"], "invalid choice: 'foo'"),
        ([file, "--unit", "letter"], "invalid choice: 'letter'"),
    ]:
        small = [] if "--load" in arguments else SMALL
        code, out, err = generate(*arguments, small=small)
        assert (code, out) == (2, ""), arguments
        assert err.count("\n") == 1
        assert message in err


@pytest.mark.parametrize(
    "option", ["--lines", "--unit=word", "--n-layers=2", "--save=a", "--n-steps=3"]
)
def test_options_of_training_do_not_go_with_load(option, generate, tmp_path):
    saved = tmp_path / "text.tsrnn"
    tsrnn.save(language_model(), saved)
    code, _, err = generate("--load", saved, option, small=())
    assert code == 2
    assert f"{option.partition('=')[0]} is for a network that is trained" in err
