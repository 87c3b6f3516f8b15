"""Waves, wav files and their features: against plain loops and by hand, and what is refused."""

import io
import pickle
import struct
import wave as standard_wave
from pathlib import Path

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saving.conftest import assert_same
from scipy.io import wavfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import tsrnn
from tsrnn import RNNClassifier
from tsrnn.datasets import load_spoken_digits
from tsrnn.saving.values import decode, encode
from tsrnn.sequences.audio import (
    MFCC,
    LogMel,
    join_waves,
    log_mel,
    mel_frequencies,
    mfcc,
    read_wav,
)
from tsrnn.sequences.music import write_wav

RATE = 8000
KINDS = [LogMel, MFCC]
ROUGH = np.random.default_rng(0).normal(0, 0.1, 1000)


def tone(frequency, n=4000, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(n) / rate)


def wav(samples, rate=RATE):
    """A wav file of an array of any type that SciPy writes."""
    file = io.BytesIO()
    wavfile.write(file, rate, np.asarray(samples))
    return file


def packed(samples, n_bytes, n_channels=1, rate=RATE):
    """A wav file of integers of any number of bytes, by Python's own module."""
    file = io.BytesIO()
    with standard_wave.open(file, "wb") as writer:
        writer.setnchannels(n_channels)
        writer.setsampwidth(n_bytes)
        writer.setframerate(rate)
        writer.writeframes(
            b"".join(value.to_bytes(n_bytes, "little", signed=n_bytes > 1) for value in samples)
        )
    file.seek(0)
    return file


# scikit-learn's checks, which give numbers: rows that are waves

LIST = "the result is a list of arrays of different lengths"
NO_COLUMNS = "waves of different lengths have no columns"
EXPECTED_FAILED_CHECKS = {
    "check_estimators_empty_data_messages": "an empty wave is told as such",
    "check_fit2d_predict1d": "a single wave is told as such",
    "check_n_features_in": NO_COLUMNS,
    "check_n_features_in_after_fitting": NO_COLUMNS,
    "check_transformer_data_not_an_array": LIST,
    "check_transformer_general": LIST,
}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [LogMel(RATE), MFCC(RATE)],
    expected_failed_checks=lambda _: EXPECTED_FAILED_CHECKS,
    xfail_strict=True,
)
def test_estimator_checks(estimator, check):
    check(estimator)


# Energies and coefficients against plain loops


@pytest.mark.parametrize(
    ("n", "rate", "n_mels", "window", "hop", "f_min", "f_max", "n_fft"),
    [
        (1000, 8000, 12, 0.025, 0.010, 20, None, 256),
        (997, 8000, 5, 0.016, 0.0125, 0, 3000, 128),
        (700, 11025, 9, 0.010, 0.0033, 100, 5000, 128),  # hops of 36.4 samples
        (3, 8000, 4, 0.020, 0.010, 20, None, 256),  # reflected many times
        (1, 8000, 4, 0.020, 0.010, 20, None, 256),
        (300, 8000, 30, 0.005, 0.020, 20, None, 128),  # narrow bands take a longer transform
    ],
)
def test_energies_are_those_of_plain_loops(n, rate, n_mels, window, hop, f_min, f_max, n_fft):
    wave = ROUGH[:n] + np.linspace(0, 0.2, n)
    options = {"n_mels": n_mels, "window": window, "hop": hop, "f_min": f_min, "f_max": f_max}
    expected = naive.log_mel(
        wave.astype(np.float32), rate, n_mels, window, hop, f_min, f_max or rate / 2, n_fft
    )
    energies = log_mel(wave, rate, **options)
    assert energies.dtype == np.float32
    np.testing.assert_allclose(energies, expected, atol=2e-5)
    coefficients = mfcc(wave, rate, n_coefficients=4, **options)
    assert coefficients.dtype == np.float32
    np.testing.assert_allclose(coefficients, naive.cepstrum(expected, 4), atol=1e-4)


@pytest.mark.parametrize("n_frames", [1, 2, 3, 6, 40])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_deltas_and_normalisation(n_frames, order):
    wave = ROUGH[: n_frames * 25]
    options = {"n_mels": 8, "hop": 25 / RATE}
    plain = log_mel(wave, RATE, **options).astype(float)
    expected = [plain]
    for _ in range(order):
        expected.append(naive.deltas(expected[-1]))
    expected = np.concatenate(expected, axis=1)
    (features,) = LogMel(RATE, deltas=order, normalize=False, **options).fit_transform([wave])
    np.testing.assert_allclose(features, expected, atol=1e-5)
    (features,) = LogMel(RATE, deltas=order, **options).fit_transform([wave])
    assert features.shape == (n_frames, 8 * (1 + order))
    assert features.dtype == np.float32
    deviation = np.maximum(expected.std(axis=0), 1e-3)
    np.testing.assert_allclose(features, (expected - expected.mean(axis=0)) / deviation, atol=1e-3)
    if n_frames > 5:
        np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-5)


def test_coefficients_with_deltas():
    (features,) = MFCC(RATE, 5, n_mels=10, normalize=False).fit_transform([ROUGH])
    plain = mfcc(ROUGH, RATE, n_coefficients=5, n_mels=10)
    np.testing.assert_allclose(features[:, :5], plain, atol=1e-6)
    np.testing.assert_allclose(features[:, 5:10], naive.deltas(plain), atol=1e-5)
    assert MFCC(RATE).fit_transform([ROUGH])[0].shape == (13, 39)


# By hand


def test_mel_scale():
    assert 700 * (np.sqrt(1 + 2100 / 700) - 1) == 700
    np.testing.assert_allclose(mel_frequencies(4200, n_mels=1, f_min=0), [700], rtol=1e-12)
    frequencies = mel_frequencies(16000, n_mels=60, f_min=0)
    mels = 1127 * np.log1p(frequencies / 700)
    np.testing.assert_allclose(np.diff(mels), 1127 * np.log1p(8000 / 700) / 61)
    assert frequencies[0] < 50
    assert 7500 < frequencies[-1] < 8000


def test_a_tone_has_the_energy_of_its_window():
    """A tone of amplitude a has a mean square of a**2 / 2, two thirds of it at its frequency and
    a quarter of that on each side."""
    n, k = 256, 32  # 1000 Hz
    energies = log_mel(0.5 * tone(1000, 2048), RATE, n_mels=1, window=n / RATE, hop=0.032, f_min=0)
    middle, width = naive.mel(4000) / 2, naive.mel(4000) / 2
    weights = [1 - abs(naive.mel(1000 + d * RATE / n) - middle) / width for d in (-1, 0, 1)]
    assert k * RATE / n == 1000
    expected = 0.25 / 2 * 2 / 3 * (weights[1] + (weights[0] + weights[2]) / 4)
    np.testing.assert_allclose(energies[1:-1, 0], np.log(expected), atol=1e-5)


def test_energies_of_noise_are_its_variance():
    noise = np.random.default_rng(1).normal(size=100_000)
    energies = np.exp(log_mel(noise, RATE, n_mels=10).astype(float)).mean(axis=0)
    weights = naive.mel_weights(RATE, 10, 20, 4000, 256).sum(axis=1)
    np.testing.assert_allclose(energies, weights / 128, rtol=0.06)
    many = np.exp(log_mel(noise, RATE, n_mels=200).astype(float)).mean(axis=0).sum()
    assert many == pytest.approx(1, abs=0.02)


def test_equal_energies_have_one_coefficient():
    (features,) = MFCC(RATE, 4, n_mels=9, deltas=0, normalize=False).fit_transform([np.zeros(200)])
    np.testing.assert_allclose(features, [[np.log(1e-12) * 3, 0, 0, 0]] * 3, atol=1e-4)


def test_loudness_and_offset_do_not_matter():
    transformer = LogMel(RATE)
    waves = [wave / wave.std() for wave in load_spoken_digits()[0][:4]]
    expected = transformer.fit_transform(waves)
    for other in ([3 * wave for wave in waves], [wave - 2 for wave in waves]):
        for features, same in zip(transformer.transform(other), expected, strict=True):
            np.testing.assert_allclose(features, same, atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_frames_keep_time(rate):
    """Clicks half a hop after each second are in every hundredth frame, after a minute too."""
    wave = np.zeros(30 * rate)
    clicks = np.rint((np.arange(30) + 0.005) * rate).astype(int)
    wave[clicks] = 1
    energies = log_mel(wave, rate, n_mels=5, window=0.004).max(axis=1)
    assert len(energies) == 3000
    assert np.flatnonzero(energies > energies.max() - 0.1).tolist() == list(range(0, 3000, 100))


@pytest.mark.parametrize(
    ("n", "n_frames"), [(1, 1), (79, 1), (80, 1), (81, 2), (160, 2), (799, 10), (8001, 101)]
)
def test_number_of_frames(n, n_frames):
    assert log_mel(np.ones(n), RATE).shape == (n_frames, 40)


def test_rounding_adds_no_frame():
    assert 28665 / (0.026 * 11025) > 100
    assert len(log_mel(np.ones(28665), 11025, hop=0.026)) == 100


def test_blocks_of_frames_are_seamless():
    wave = np.random.default_rng(2).normal(size=8000 * 12)
    whole = log_mel(wave, RATE)
    part = log_mel(wave - wave.mean(), RATE)[500:530]  # of which 512 begins a block
    np.testing.assert_allclose(whole[500:530], part, atol=1e-5)
    step = log_mel(np.tile(wave[:800], 120), RATE)
    np.testing.assert_allclose(step[10:1190], np.tile(step[10:20], (118, 1)), atol=1e-5)


# Silence and other waves that are finite


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 0.25, 1e9, 1e-30])
@pytest.mark.parametrize("n", [1, 2, 1000])
def test_silence_is_finite(kind, value, n):
    (features,) = kind(RATE).fit_transform([np.full(n, value)])
    assert np.abs(features).max() < 1e-3
    (features,) = kind(RATE, normalize=False).fit_transform([np.full(n, value)])
    assert np.isfinite(features).all()


def test_silence_between_words_is_80_db_below_them():
    wave = np.concatenate([tone(500), np.zeros(4000)])
    energies = log_mel(wave, RATE, n_mels=20)
    assert energies.max() - energies.min() == pytest.approx(8 * np.log(10), abs=1e-4)
    quiet = log_mel(1e-4 * tone(500), RATE)
    assert quiet.min() == pytest.approx(np.log(1e-12), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=50), st.sampled_from([0, 2]))
def test_features_are_finite(kind, samples, deltas):
    (features,) = kind(1000, deltas=deltas).fit_transform([samples])
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= np.sqrt(len(features)) + 1e-3


# Wav files


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([0, 128, 255], np.uint8), [-1, 0, 127 / 128]),
        (np.array([-(2**15), 0, 2**14], np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], np.int32), [-1, 0, 0.5]),
        (np.array([-(2**63), 0, 2**62], np.int64), [-1, 0, 0.5]),
        (np.array([-1, 0.25, 1.5], np.float32), [-1, 0.25, 1.5]),
        (np.array([-1, 0.25, 1.5]), [-1, 0.25, 1.5]),
    ],
    ids=lambda value: getattr(value, "dtype", ""),
)
def test_samples_of_all_types(samples, expected, tmp_path):
    path = tmp_path / "wave.wav"
    path.write_bytes(wav(samples, 16000).getvalue())
    for file in (path, str(path), io.BytesIO(path.read_bytes()), path.open("rb")):
        wave, rate = read_wav(file)
        assert type(rate) is int
        assert rate == 16000
        assert wave.dtype == np.float32
        assert wave.tolist() == expected
        if hasattr(file, "close"):
            file.close()
    if samples.dtype != np.int64:  # of arrays, these may be numbers of any size
        energies = log_mel(samples, 16000)
        np.testing.assert_array_equal(energies, log_mel(np.float32(expected), 16000))


@pytest.mark.parametrize("n_bytes", [1, 2, 3, 4])
def test_bytes_of_a_sample(n_bytes):
    largest = 2 ** (8 * n_bytes - 1)
    samples = [-largest, 0, largest // 2, largest - 1]
    zero = largest if n_bytes == 1 else 0
    wave, _ = read_wav(packed([value + zero for value in samples], n_bytes))
    np.testing.assert_allclose(wave, np.array(samples) / largest, rtol=1e-7)


@pytest.mark.parametrize("n_bytes", [2, 3])
def test_channels_become_their_mean(n_bytes):
    scale = 2 ** (8 * n_bytes - 1)
    left, right = [scale // 2, 0, -scale // 4], [0, 0, -scale // 4]
    both = [value for pair in zip(left, right, strict=True) for value in pair]
    wave, _ = read_wav(packed(both, n_bytes, n_channels=2))
    assert wave.tolist() == [0.25, 0, -0.25]


def test_big_endian_files_and_unknown_chunks():
    form = struct.pack(">4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    data = struct.pack(">4sI2h", b"data", 4, 2**14, -(2**15))
    other = b"abcd" + struct.pack(">I", 2) + b"xy"
    content = b"WAVE" + form + other + data
    file = io.BytesIO(b"RIFX" + struct.pack(">I", len(content)) + content)
    assert read_wav(file)[0].tolist() == [0.5, -1]


def test_files_written_to_a_pipe():
    """Their header has no lengths."""
    data = bytearray(wav(np.int16([1, 2, 3])).getvalue())
    data[4:8] = data[40:44] = b"\xff" * 4
    assert len(read_wav(io.BytesIO(data))[0]) == 3


def test_waves_come_back_from_files():
    wave = 0.7 * tone(440)
    file = io.BytesIO()
    write_wav(file, wave, rate=RATE)
    again, rate = read_wav(file)
    assert rate == RATE
    np.testing.assert_allclose(again, wave, atol=1e-4)


HEADER = wav(np.zeros(4, np.int16)).getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read as a wav file"),
        (b"hello, this is no wav", "cannot be read as a wav file: .*ffmpeg -i FILE"),
        (b"ID3\x04" + bytes(100), "cannot be read as a wav file"),
        (HEADER[:30], "cannot be read as a wav file"),
        (HEADER[:4] + bytes(4) + HEADER[8:], "cannot be read as a wav file: it is damaged"),
        (HEADER[:44], "is empty: it has no samples|cannot be read"),
        (wav(np.zeros(500, np.int16)).getvalue()[:700], "cut off: it has .* its header says 1044"),
        (wav(np.zeros(0, np.int16)).getvalue(), "is empty: it has no samples|cannot be read"),
        (wav(np.array([0, np.nan])).getvalue(), "has NaN at sample 1. Samples are from -1 to 1"),
        (wav(np.float32([0, 0, -np.inf])).getvalue(), "has -inf at sample 2"),
        (wav(np.array([1e300])).getvalue(), r"has 1e\+300 at sample 0"),
        (wav(np.array([[0, np.nan], [0, 0]])).getvalue(), "has NaN at sample 0"),
        (HEADER[:20] + b"\x07" + HEADER[21:], "cannot be read as a wav file: Unknown wave file"),
        (HEADER[:22] + b"\x00" + HEADER[23:], "cannot be read as a wav file"),
        (wav(np.zeros(4, np.int16), 500).getvalue(), "has 500 samples a second, which must be"),
    ],
)
def test_files_that_are_refused(data, message, tmp_path):
    path = tmp_path / "some.wav"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"some\.wav' .*({message})"):
        read_wav(path)
    with pytest.raises(ValueError, match=rf"The file .*({message})"):
        read_wav(io.BytesIO(data))
    for kind in KINDS:
        with pytest.raises(ValueError, match=rf"some\.wav' .*({message})"):
            kind().fit([str(path)])


def test_files_that_are_not_there(tmp_path):
    for call in (read_wav, lambda path: LogMel().fit([path])):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            call(tmp_path / "nowhere.wav")
        with pytest.raises(OSError, match=tmp_path.name):
            call(tmp_path)


WHOLE = wav(np.random.default_rng(0).integers(-999, 999, (30, 2)).astype(np.int16)).getvalue()


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 255)), max_size=4),
    st.integers(0, len(WHOLE)),
)
def test_damaged_files_are_read_or_refused(changes, end):
    data = bytearray(WHOLE[:end])
    for place, value in changes:
        if place < len(data):
            data[place] = value
    try:
        wave, rate = read_wav(io.BytesIO(data))
    except ValueError as error:
        assert str(error).startswith("The file")  # noqa: PT017
    else:
        assert wave.ndim == 1
        assert wave.size
        assert np.isfinite(wave).all()
        assert 1000 <= rate <= 768_000


# Forms of waves and their rate


def test_forms_of_waves(tmp_path):
    rows = np.round(ROUGH[:600].reshape(3, 200) * 2**15).astype(np.int16)
    paths = [tmp_path / f"{k}.wav" for k in range(3)]
    for path, row in zip(paths, rows, strict=True):
        wavfile.write(path, RATE, row)
    for kind in KINDS:
        expected = kind(RATE).fit_transform([row / 2**15 for row in rows])
        for X in [
            rows,
            list(rows),
            tuple(rows),
            pd.Series(list(rows), index=[7, 7, 7]),
            [pd.Series(row) for row in rows],
            [(rows[0] / 2**15).tolist(), rows[1], str(paths[2])],
            paths,
            list(map(str, paths)),
            pd.Series(map(str, paths)),
            np.array(list(map(str, paths))),
            [io.BytesIO(path.read_bytes()) for path in paths],
        ]:
            assert_same(kind(RATE).fit_transform(X), expected)
        for X in (paths, [str(paths[0]), *rows[1:]]):  # the first file has the rate
            transformer = kind().fit(X)
            assert type(transformer.rate_) is int
            assert transformer.rate_ == RATE
            assert_same(transformer.transform(X), expected)
            assert_same(transformer.transform(rows), expected)


def test_waves_of_polars_and_pyarrow():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    X = [[0.5, 0.25, -0.5], [0.125]]
    expected = LogMel(RATE).fit_transform(X)
    for other in (pl.Series(X), pa.array(X)):
        assert_same(LogMel(RATE).fit_transform(other), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_other_rates(kind, tmp_path):
    paths = [tmp_path / "low.wav", tmp_path / "high.wav"]
    for path, rate in zip(paths, (8000, 44100), strict=True):
        write_wav(path, 0.9 * tone(600, rate // 2, rate), rate=rate)
    message = (
        r"Wave 1 of X, '.*high\.wav', has 44100 samples a second, and 8000 are expected. Set "
        r"resample=True, or give scipy.signal.resample_poly\(wave, 80, 441\)"
    )
    with pytest.raises(ValueError, match=message):
        kind().fit(paths)
    with pytest.raises(ValueError, match="Wave 0 of X, a file, has 44100 samples a second, and 80"):
        kind().fit(paths[:1]).transform([io.BytesIO(paths[1].read_bytes())])
    with pytest.raises(ValueError, match="has 8000 samples a second, and 16000 are expected"):
        kind(16000).fit(paths)
    low, high = kind(resample=True, normalize=False).fit_transform(paths)
    assert low.shape == high.shape == (50, 40 if kind is LogMel else 39)
    high_energies, low_energies = high[5:-5, :13].astype(float), low[5:-5, :13].astype(float)
    np.testing.assert_allclose(high_energies, low_energies, atol=0.5)
    transformer = kind(resample=True).fit(paths[::-1])
    assert transformer.rate_ == 44100
    transformer.set_params(rate=8000)  # for the next fit
    assert transformer.transform(paths)[0].shape == low.shape
    assert transformer.rate_ == 44100


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("a.wav", r"X is one str. Give a list of waves: \[X\]"),
        (Path("a.wav"), "X must be a list, a Series or a 1-d array of waves, got"),
        (None, "got NoneType"),
        (ROUGH, r"Wave 0 of X is of type float, .* Give a single wave as \[X\]"),
        ([0.5], "Wave 0 of X is of type float"),
        ([], "0 samples"),
        (np.zeros((0, 5)), "0 samples"),
        (pd.DataFrame({"a": [0.5]}), "X is a DataFrame. Give one column of it"),
        ([ROUGH, []], "Wave 1 of X is empty: it has no samples"),
        ([ROUGH, np.zeros((9, 2))], r"Wave 1 of X must be .*shape \(9, 2\).*wave.mean\(axis=1\)"),
        ([ROUGH, [0.5, np.nan]], "Wave 1 of X has NaN at sample 1"),
        ([ROUGH, [0.5, None]], "Wave 1 of X has NaN at sample 1"),
        ([ROUGH, [np.inf]], "Wave 1 of X has inf at sample 0"),
        ([ROUGH, [1e11]], r"Wave 1 of X has 1e\+11 at sample 0. Samples are from -1 to 1"),
        ([ROUGH, [1e300]], r"Wave 1 of X has 1e\+300 at sample 0"),
        ([ROUGH, [True, False]], "Wave 1 of X must be .* and type bool"),
        ([ROUGH, ["a", "b"]], "Wave 1 of X must be .* and type <U1"),
        ([ROUGH, {"a": 1}], "Wave 1 of X cannot be read as numbers"),
        ([ROUGH, [[1.0], [1.0, 2.0]]], "Wave 1 of X cannot be read as numbers"),
        ([ROUGH, [1j]], "Wave 1 of X is complex"),
        ([ROUGH, b"abc"], r"Wave 1 of X is of type bytes.*io.BytesIO"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_waves_that_are_refused(kind, X, message):
    with pytest.raises(ValueError, match=message):
        kind(RATE).fit(X)
    with pytest.raises(ValueError, match=message):
        kind(RATE).fit([ROUGH]).transform(X)


@pytest.mark.parametrize("function", [log_mel, mfcc])
@pytest.mark.parametrize(
    ("wave", "message"),
    [
        ([], "wave is empty"),
        (0.5, r"wave must be a 1-d array of samples, got shape \(\)"),
        (np.zeros((5, 2)), r"wave must be .* got shape \(5, 2\). Take one channel or their mean"),
        ([0, np.nan], "wave has NaN at sample 1"),
        ("a", "wave must be"),
        (None, "wave"),
    ],
)
def test_single_waves_that_are_refused(function, wave, message):
    with pytest.raises(ValueError, match=message):
        function(wave, RATE)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"window": 0.0001}, r"window=0.0001 seconds must be 2 to 65536 samples, 0.00025 to 8.192"),
        ({"window": 9}, "window=9 seconds must be 2 to 65536 samples"),
        ({"hop": 0.0001}, "hop=0.0001 must be at least a sample, 0.000125 seconds"),
        ({"f_max": 4001}, "f_max=4001 Hz is more than half of the rate, 4000 Hz"),
        ({"f_min": 4000}, "f_min=4000 Hz is not below f_max=4000 Hz"),
        ({"f_min": 300, "f_max": 200}, "f_min=300 Hz is not below f_max=200 Hz"),
        ({"f_min": 1000, "f_max": 1001}, "40 mel bands from 1000 Hz on are too narrow"),
    ],
)
def test_settings_that_do_not_fit_the_rate(parameters, message):
    for call in (
        lambda: log_mel(ROUGH, RATE, **parameters),
        lambda: mfcc(ROUGH, RATE, **parameters),
        lambda: LogMel(RATE, **parameters).fit([ROUGH]),
        lambda: MFCC(RATE, **parameters).fit([ROUGH]),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_more_coefficients_than_bands():
    for call in (
        lambda: mfcc(ROUGH, RATE, n_mels=12),
        lambda: MFCC(RATE, n_mels=12).fit([ROUGH]),
    ):
        with pytest.raises(ValueError, match="n_coefficients is 13, and there are 12 mel bands"):
            call()
    assert mfcc(ROUGH, RATE, n_mels=13).shape == (13, 13)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_need_a_rate(kind):
    with pytest.raises(ValueError, match="rate of wave 0 of X, an array, is not known"):
        kind().fit([ROUGH])
    with pytest.raises(NotFittedError):
        kind(RATE).transform([ROUGH])


# In scikit-learn, and in files


@pytest.mark.parametrize("kind", KINDS)
def test_clones_pickles_and_files(kind, tmp_path):
    path = tmp_path / "features.tsrnn"
    file = wav(np.int16(ROUGH * 2**15), 16000)
    transformer = kind(n_mels=np.int8(20), window=0.02, deltas=1, f_max=3000).fit([file])
    assert not hasattr(clone(transformer), "rate_")
    assert clone(transformer).get_params() == transformer.get_params()
    tsrnn.save(transformer, path)
    arrays = []
    node = encode(transformer, "features", arrays)
    for other in [
        pickle.loads(pickle.dumps(transformer)),
        tsrnn.load(path),
        decode(node, dict(enumerate(arrays))),
    ]:
        assert_same(other, transformer)
        assert_same(other.transform([ROUGH]), transformer.transform([ROUGH]))
    tsrnn.save(kind(RATE), path)
    assert_same(tsrnn.load(path), kind(RATE))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [0, -8000, 8000.0, True, None, "8000", 10**9])
def test_forged_rates_are_refused(kind, rate):
    node = encode(kind(RATE).fit([ROUGH]), "features", [])
    node[kind.__name__]["fitted"]["dict"] = [["rate_", rate]]
    with pytest.raises(ValueError):  # noqa: PT011, of several kinds
        decode(node, {})


def test_output_is_a_list_whatever_is_configured():
    import sklearn

    for kind in KINDS:
        assert not hasattr(kind(), "set_output")
        with sklearn.config_context(transform_output="pandas"):
            assert isinstance(kind(RATE).fit_transform([ROUGH]), list)
        assert kind.__name__ in kind(RATE).fit([ROUGH])._repr_html_()


@pytest.mark.slow
def test_a_search_in_a_pipeline():
    waves, takes = load_spoken_digits()
    chosen = np.flatnonzero(takes["digit"] < 3)
    X, y = [waves[k] for k in chosen], takes["digit"].to_numpy()[chosen]
    network = RNNClassifier(cell="gru", hidden_size=32, bidirectional=True, pooling="max")
    network.set_params(learning_rate_init=0.01, max_iter=25)
    model = make_pipeline(MFCC(RATE), network)
    search = GridSearchCV(model, {"mfcc__hop": [0.01, 0.02]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.8
    waves, takes = load_spoken_digits("test")
    chosen = np.flatnonzero(takes["digit"] < 3)
    assert search.score([waves[k] for k in chosen], takes["digit"].to_numpy()[chosen]) > 0.85


# Joined recordings


def test_recordings_are_joined_with_pauses():
    waves = [np.full(n, value) for n, value in ((800, 0.5), (400, 0.25), (1600, -0.5))]
    wave, alignment = join_waves(waves, RATE, labels=["a", "b", "a"], pause=0.1)
    assert wave.dtype == np.float32
    assert len(wave) == 2800 + 4 * 800
    assert alignment.columns.tolist() == ["label", "start", "end"]
    assert alignment["label"].tolist() == ["a", "b", "a"]
    np.testing.assert_allclose(alignment["start"], [0.1, 0.3, 0.45])
    np.testing.assert_allclose(alignment["end"], [0.2, 0.35, 0.65])
    is_silent = np.ones(len(wave), bool)
    for part, (start, end) in zip(waves, alignment[["start", "end"]].to_numpy(), strict=True):
        place = slice(round(start * RATE), round(end * RATE))
        np.testing.assert_array_equal(wave[place], part.astype(np.float32))
        is_silent[place] = False
    assert (wave[is_silent] == 0).all()
    _, alignment = join_waves(waves, RATE, pause=0)
    assert alignment["label"].tolist() == [0, 1, 2]
    assert alignment["end"].iloc[-1] == 0.35


def test_pauses_are_drawn():
    waves = [[0.5] * 80] * 200
    _, alignment = join_waves(waves, RATE, pause=[0.05, 0.3], random_state=0)
    gaps = alignment["start"].to_numpy()[1:] - alignment["end"].to_numpy()[:-1]
    assert 0.05 <= gaps.min() < 0.06
    assert 0.29 < gaps.max() <= 0.3001
    again = join_waves(waves, RATE, pause=[0.05, 0.3], random_state=0)[1]
    pd.testing.assert_frame_equal(again, alignment)
    other = join_waves(waves, RATE, pause=[0.05, 0.3], random_state=1)[1]
    assert not other.equals(alignment)


def test_noise_has_the_ratio_of_power():
    loud = [tone(500, 40_000)]
    clean, _ = join_waves(loud, RATE, pause=1, random_state=0)
    noisy, _ = join_waves(loud, RATE, pause=1, snr=20, random_state=0)
    noise = noisy - clean
    assert (noise[:RATE] != 0).all()
    assert noise.std() == pytest.approx(np.sqrt(0.5) / 10, rel=0.02)
    assert abs(noise.mean()) < 0.002
    silent, _ = join_waves([np.zeros(100)], RATE, snr=20, random_state=0)
    assert (silent == 0).all()


def test_files_are_joined(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, [0.5, -0.5], rate=RATE)
    wave, _ = join_waves([path, [0.25]], RATE, pause=0)
    np.testing.assert_allclose(wave, [0.5, -0.5, 0.25], atol=1e-4)
    with pytest.raises(ValueError, match=r"a\.wav', has 8000 samples a second, and 16000"):
        join_waves([path], 16000)


@pytest.mark.parametrize(
    ("waves", "options", "message"),
    [
        ([[0.5]], {"labels": ["a", "b"]}, "labels has 2 entries, and there are 1 waves"),
        ([[0.5]], {"pause": (0.3, 0.1)}, "pause is from 0.3 to 0.1 seconds. Give the least first"),
        ([[0.5]], {"pause": -0.1}, "pause must be"),
        ([], {}, "0 samples"),
        ([[np.nan]], {}, "has NaN at sample 0"),
    ],
)
def test_recordings_that_are_not_joined(waves, options, message):
    with pytest.raises(ValueError, match=message):
        join_waves(waves, RATE, **options)
