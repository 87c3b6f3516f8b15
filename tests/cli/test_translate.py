"""``tsrnn translate``: what it writes and refuses."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tsrnn
from tsrnn import RNNRegressor, RNNTranslator
from tsrnn.cli import main

pytestmark = pytest.mark.slow

TEXTS = ["ein Hund", "die Katze", "Hund und Katze"]
WORDS = ["a dog", "the cat", "dog and cat"]


def translator(**options):
    sizes = {"hidden_size": 8, "embedding_size": 3, "max_iter": 60, "n_jobs": 1}
    return RNNTranslator(**sizes, learning_rate_init=0.03, **options)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("translate") / "model.tsrnn"
    model = translator().fit(TEXTS, WORDS)
    assert model.predict(TEXTS) == WORDS
    tsrnn.save(model, path)
    return path, model


@pytest.fixture
def translate(capsys):
    """Run the command; its exit code, standard output and error."""

    def translate(*arguments):
        return main(["translate", *map(str, arguments)]), *capsys.readouterr()

    return translate


def test_lines_are_translated(model, translate, tmp_path):
    path, model = model
    file = tmp_path / "lines.txt"
    file.write_bytes("\ufeffein Hund\r\n\r\ndie Katze\n".encode())
    first, second = model.predict(TEXTS[:2])
    assert translate(path, file) == (0, f"{first}\n\n{second}\n", "")
    options = {"beam_size": 1, "length_penalty": 0, "max_length": 2}
    first, second = model.predict(TEXTS[:2], **options)
    arguments = ["--beam-size", 1, "--length-penalty", 0, "--max-length", 2, "--n-jobs", 1]
    out = tmp_path / "out.txt"
    assert translate(path, file, *arguments, "--out", out) == (0, "", "")
    assert out.read_text() == f"{first}\n\n{second}\n"


def test_standard_input(model, translate, monkeypatch):
    path, model = model
    buffer = SimpleNamespace(read=lambda: b"Hund und Katze")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=buffer))
    assert translate(path, "-") == (0, model.predict(TEXTS[2:])[0] + "\n", "")


def test_items_are_joined(translate, tmp_path):
    model = translator(target_unit=None).fit(TEXTS, [[(1, 2), 3], [3], [(1, 2)]])
    path, file = tmp_path / "model.tsrnn", tmp_path / "lines.txt"
    tsrnn.save(model, path)
    file.write_text("ein Hund\n")
    expected = " ".join(map(str, model.predict(TEXTS[:1])[0]))
    assert translate(path, file)[1] == f"{expected}\n"


def test_what_is_refused(model, translate, tmp_path):
    path, _ = model
    file, other = tmp_path / "lines.txt", tmp_path / "other.tsrnn"
    file.write_text("\n \n")
    assert translate(path, file)[0] == 2
    assert "there is no text in it" in translate(path, file)[2]
    file.write_text("ein Hund\n")
    tsrnn.save(RNNRegressor(), other)
    assert "holds a RNNRegressor, no translator" in translate(other, file)[2]
    tsrnn.save(translator(), other)
    assert "not fitted" in translate(other, file)[2]
    numbers = [np.ones(3), np.zeros(2), np.ones(1)]
    tsrnn.save(translator(source_unit=None).fit(numbers, WORDS), other)
    assert "not on texts" in translate(other, file)[2]
    assert translate(path, tmp_path / "none.txt")[0] == 2
    assert "length-penalty" in translate(path, file, "--length-penalty", 20)[2]
    assert "it is a file to read" in translate(path, file, "--out", file)[2]
    file.write_bytes("H\u00fcnd\n".encode("latin-1"))
    assert "see --encoding" in translate(path, file)[2]
    assert "from 1 to 1000" in translate(path, file, "--beam-size", 1001)[2]


@pytest.mark.filterwarnings("always:No token of X is known")
def test_a_line_of_unknown_words_is_translated(model, translate, tmp_path):
    path, model = model
    file = tmp_path / "lines.txt"
    file.write_bytes("H\u00fcnd\n".encode("latin-1"))
    expected = model.predict(["Hund", "H\u00fcnd"])[1]
    code, out, error = translate(path, file, "--encoding", "latin-1")
    assert (code, out) == (0, f"{expected}\n")
    assert "warning: No token of X is known" in error
