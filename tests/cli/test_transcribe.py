"""``tsrnn transcribe``: what it writes and refuses."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNLanguageModel, RNNRegressor, RNNTranscriber
from tsrnn.cli import main
from tsrnn.sequences.audio import LogMel
from tsrnn.sequences.music import write_wav

pytestmark = pytest.mark.slow

RATE = 4000
PITCHES = {"a": 300, "b": 700, "c": 1500}
TEXTS = ["abc", "ca", "bb", "", "acb", "bca", "cab", "ab"]


def wave(text):
    """A tone for each letter, with silence between them."""
    times = np.arange(600) / RATE
    rest = np.zeros(400)
    tones = [np.append(np.sin(2 * np.pi * PITCHES[letter] * times), rest) for letter in text]
    noise = np.random.default_rng(0).normal(0, 0.01, 400 + 1000 * len(text))
    return (np.concatenate([rest, *tones]) + noise) / 2


def transcriber(**options):
    sizes = {"cell": "gru", "hidden_size": 16, "max_iter": 60, "n_jobs": 1}
    features = LogMel(RATE, n_mels=12)
    return RNNTranscriber(**sizes, features=features, learning_rate_init=0.02, **options)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("transcribe") / "model.tsrnn"
    model = transcriber().fit([wave(text) for text in TEXTS], TEXTS)
    tsrnn.save(model, path)
    return path


@pytest.fixture
def file(tmp_path):
    """Write a wave of some letters to a file."""

    def file(text, rate=RATE, name="wave.wav"):
        write_wav(tmp_path / name, wave(text), rate=rate)
        return tmp_path / name

    return file


@pytest.fixture
def transcribe(capsys):
    """Run the command; its exit code, standard output and error."""

    def transcribe(*arguments):
        return main(["transcribe", *map(str, arguments)]), *capsys.readouterr()

    return transcribe


def test_files_are_transcribed(model, file, transcribe, tmp_path):
    files = [file(text, name=f"{text}.wav") for text in ("abc", "", "ca")]
    assert transcribe(model, *files) == (0, "abc\n\nca\n", "")
    out, table = tmp_path / "out.txt", tmp_path / "times.csv"
    options = ["--beam-size", 4, "--n-jobs", 1, "--out", out, "--align", table]
    assert transcribe(model, *files, *options) == (0, "", "")
    assert out.read_text() == "abc\n\nca\n"
    times = pd.read_csv(table)
    assert times.columns.tolist() == ["file", "label", "start", "end"]
    assert times["label"].tolist() == list("abcca")
    assert times["file"].tolist() == [str(files[0])] * 3 + [str(files[2])] * 2
    expected = [0.1, 0.35, 0.6, 0.1, 0.35]  # where the tones begin
    np.testing.assert_allclose(times["start"], expected, atol=0.16)
    assert (times["end"] > times["start"]).all()


def test_a_table_of_silence_has_its_columns(model, file, transcribe, tmp_path):
    table = tmp_path / "times.csv"
    assert transcribe(model, file(""), "--align", table) == (0, "\n", "")
    assert table.read_text() == "file,label,start,end\n"


def test_standard_input(model, file, transcribe, monkeypatch):
    content = file("bca").read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert transcribe(model, "-") == (0, "bca\n", "")
    assert "as one file only" in transcribe(model, "-", "-")[2]


def test_files_of_another_rate(model, tmp_path, transcribe):
    path = tmp_path / "wave.wav"
    write_wav(path, np.repeat(wave("cab"), 2), rate=2 * RATE)
    code, out, error = transcribe(model, path)
    assert (code, out) == (2, "")
    assert f"{path}: it has 8000 samples a second, and the transcriber reads 4000" in error
    assert "--resample converts it" in error
    assert transcribe(model, path, "--resample") == (0, "cab\n", "")


def test_labels_of_lists_are_joined(file, transcribe, tmp_path):
    labels = [[f"tone-{letter}" for letter in text] for text in TEXTS]
    model = transcriber().fit([wave(text) for text in TEXTS], labels)
    tsrnn.save(model, tmp_path / "model.tsrnn")
    expected = "tone-a tone-b tone-c\n"
    assert transcribe(tmp_path / "model.tsrnn", file("abc")) == (0, expected, "")


def test_a_language_model(model, file, transcribe, tmp_path):
    language_model, path = RNNLanguageModel(hidden_size=4, max_iter=2), tmp_path / "lm.tsrnn"
    tsrnn.save(language_model.fit(TEXTS[:3]), path)
    options = "--language-model", path, "--language-weight", 0.1
    assert transcribe(model, file("abc"), *options) == (0, "abc\n", "")
    assert (
        "holds a RNNTranscriber, no language model"
        in (transcribe(model, file("abc"), "--language-model", model)[2])
    )


def test_what_is_refused(model, file, transcribe, tmp_path):
    path, other = file("abc"), tmp_path / "other.tsrnn"
    tsrnn.save(RNNRegressor(), other)
    assert "holds a RNNRegressor, no transcriber" in transcribe(other, path)[2]
    tsrnn.save(transcriber(), other)
    assert "not fitted, or not on waves" in transcribe(other, path)[2]
    assert transcribe(model, tmp_path / "none.wav")[0] == 2
    assert "it is a file to read" in transcribe(model, path, "--out", path)[2]
    assert "it is a file to read" in transcribe(model, path, "--align", model)[2]
    (tmp_path / "text.wav").write_text("no wave")
    error = transcribe(model, tmp_path / "text.wav")[2]
    assert error.count("text.wav") == 1
    assert "text.wav: The file cannot be read as a wav file" in error
    error = transcribe(model, path, "--language-weight", 1)[2]
    assert "give --language-model too" in error
    for size in (0, 1001):
        assert "from 1 to 1000" in transcribe(model, path, "--beam-size", size)[2]
