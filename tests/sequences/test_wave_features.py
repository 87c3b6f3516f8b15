"""RNNTranscriber with ``features``: waves and wav files in all forms, and what is refused."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile
from sklearn.base import clone

import tsrnn
from tsrnn import RNNTranscriber
from tsrnn.inspection import states
from tsrnn.sequences.audio import MFCC, LogMel, read_wav

RATE = 8000
RNG = np.random.default_rng(0)
WAVES = [RNG.normal(0, 0.1, n).astype(np.float32) for n in (900, 1500, 800, 1210)]
TEXTS = ["ab", "b", "", "aab"]
OPTIONS = {"hidden_size": 4, "max_iter": 2, "segment": 2}


def fitted(X=WAVES, features=None, **options):
    features = features or LogMel(RATE, n_mels=6, deltas=1)
    return RNNTranscriber(**OPTIONS | options, features=features).fit(X, TEXTS)


def assert_equal_bits(one, other, X=WAVES, of_other=None):
    rows = zip(one.predict_proba(X), other.predict_proba(of_other or X), strict=True)
    for a, b in rows:
        np.testing.assert_array_equal(a, b)


def test_waves_are_read_by_the_features():
    for features in (LogMel(RATE, n_mels=6, deltas=1), MFCC(RATE, 5)):
        transcriber = fitted(features=features)
        assert transcriber.features_.rate_ == RATE
        assert not hasattr(features, "rate_")  # a copy is fitted
        X = features.fit_transform(WAVES)
        assert {x.shape[1] for x in X} == {features.n_features_} == {transcriber.n_channels_in_}
        plain = RNNTranscriber(**OPTIONS).fit(X, TEXTS)
        assert plain.features_ is None
        assert_equal_bits(transcriber, plain, of_other=X)
        assert transcriber.predict(WAVES, beam_size=4) == plain.predict(X, beam_size=4)
        assert transcriber.score(WAVES, TEXTS) == plain.score(X, TEXTS)
        frames = transcriber.align(WAVES, TEXTS), plain.align(X, TEXTS)
        for seconds, steps in zip(*frames, strict=True):
            np.testing.assert_allclose(seconds["start"], 0.01 * steps["start"], atol=1e-9)
            np.testing.assert_allclose(seconds["end"], 0.01 * steps["end"], atol=1e-9)
    assert states(transcriber, WAVES[:1]).shape[0] > 0


def test_files_are_read_as_arrays(tmp_path):
    paths, arrays = [], []
    for number, wave in enumerate(WAVES):
        samples = np.rint(wave * 2**15).clip(-(2**15), 2**15 - 1).astype(np.int16)
        paths.append(tmp_path / f"{number}.wav")
        wavfile.write(paths[-1], RATE, samples)
        arrays.append(samples / np.float32(2**15))
    expected = fitted(arrays)
    for X in (paths, [str(path) for path in paths], pd.Series([str(path) for path in paths])):
        transcriber = fitted(X, LogMel(n_mels=6, deltas=1))
        assert_equal_bits(transcriber, expected, list(X), arrays)
    binary = [io.BytesIO(path.read_bytes()) for path in paths]
    assert_equal_bits(fitted(binary), expected, binary, arrays)


def pcm_24(samples):
    """Integers of 24 bits, (n_samples, n_channels), as a wav file."""
    data = np.asarray(samples, "<i4").reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    n_channels = samples.shape[1]
    sizes = [RATE, 3 * RATE * n_channels], [3 * n_channels, 24]
    header = b"RIFF" + np.uint32(36 + len(data)).tobytes() + b"WAVEfmt " + np.uint32(16).tobytes()
    header += np.array([1, n_channels], "<u2").tobytes() + np.array(sizes[0], "<u4").tobytes()
    header += np.array(sizes[1], "<u2").tobytes() + b"data" + np.uint32(len(data)).tobytes()
    return io.BytesIO(header + data)


def test_stereo_and_24_bits():
    expected, files = fitted(), []
    for wave in WAVES:
        samples = np.rint(wave.astype(float) * 2**23).astype(int)
        other = np.arange(wave.size) % 2000 - 1000
        files.append(pcm_24(np.stack([samples + other, samples - other], axis=1)))
    rows = zip(expected.predict_proba(files), expected.predict_proba(WAVES), strict=True)
    for of_file, of_wave in rows:
        np.testing.assert_allclose(of_file, of_wave, atol=1e-3)
    with pytest.raises(ValueError, match=r"Wave 0 of X must be a 1-d array.*Take one channel"):
        expected.predict([np.zeros((900, 2))])


def test_silence_and_short_waves():
    transcriber = fitted()
    for wave in (np.zeros(4000), np.full(4000, 0.5), np.zeros(160)):
        (rows,) = transcriber.predict_proba([wave])
        assert np.isfinite(rows).all()
        assert len(transcriber.align([wave], [""])[0]) == 0
    with pytest.raises(
        ValueError,
        match=r"^Wave 0 of X, in steps of 0.01 seconds, has 1 steps, fewer than segment=2",
    ):
        transcriber.predict([np.zeros(80)])
    with pytest.raises(
        ValueError, match=r"Wave 1 of X, .* has 2 segments.*3 labels, 'abb', which need"
    ):
        fitted([WAVES[0], WAVES[1][:400], *WAVES[2:]]).fit(
            [WAVES[0], WAVES[1][:400]], ["ab", "abb"]
        )


def test_what_is_refused(tmp_path):
    transcriber, path = fitted(), tmp_path / "wave.wav"
    wavfile.write(path, 16000, np.zeros(3000, np.int16))
    with pytest.raises(ValueError, match=r"16000 samples a second, and 8000 are expected"):
        transcriber.predict([path])
    for X in ([path], pd.Series([str(path)])):
        with pytest.raises(ValueError, match="X holds names of wav files, which features read"):
            RNNTranscriber().fit(X, [""])
    with pytest.raises(ValueError, match="The rate of wave 0 of X, an array, is not known"):
        fitted(features=MFCC())
    with pytest.raises(ValueError, match="Wave 1 of X has NaN at sample 3"):
        fitted([WAVES[0], np.array([0, 0, 0, np.nan]), *WAVES[2:]])
    with pytest.raises(ValueError, match="Wave 2 of X is empty"):
        fitted([*WAVES[:2], np.zeros(0), WAVES[3]])
    with pytest.raises(ValueError, match="The 'features' parameter of RNNTranscriber must be"):
        fitted(features="mfcc")
    with pytest.raises(ValueError, match="The 'n_mels' parameter of LogMel must be"):
        fitted(features=LogMel(RATE, n_mels=0))
    for name, value in {"embedding_size": 3, "n_channels": 2, "id_column": "id"}.items():
        with pytest.raises(ValueError, match=rf"{name}=.* and features=.* contradict"):
            fitted(segment=1, **{name: value})


def test_short_files_are_named(tmp_path):
    paths = [tmp_path / f"{number}.wav" for number in range(4)]
    for path, wave in zip(paths, WAVES, strict=True):
        wavfile.write(path, RATE, wave)
    transcriber = fitted(paths, LogMel(n_mels=6))
    wavfile.write(paths[2], RATE, WAVES[2][:1])
    where = r"Wave 2 of X, '.*2\.wav', in steps of 0.01 seconds, has "
    with pytest.raises(ValueError, match=where + "1 steps, fewer than segment=2"):
        transcriber.predict(paths)
    with pytest.raises(ValueError, match=where + "0 segments of 2 steps and 1 labels"):
        transcriber.fit(paths, ["a", "b", "a", "b"])


def test_what_is_no_wave_but_holds_one(tmp_path):
    transcriber, path = fitted(), tmp_path / "wave.wav"
    wavfile.write(path, RATE, WAVES[0])
    content = path.read_bytes()
    for X, message in (
        ([WAVES[0], wavfile.read(path)], "Wave 1 of X is a tuple of a wave and its rate"),
        ([read_wav(path)], "Wave 0 of X is a tuple of a wave and its rate"),
        ([(RATE, np.zeros((900, 2)))], "Wave 0 of X is a tuple of a wave and its rate"),
        (read_wav(path), "X is a tuple of a wave and its rate"),
        ([content], r"Wave 0 of X is of type bytes. Give .* io.BytesIO\(content\)"),
        (content, r"X is one bytes. Give a list of waves: \[io.BytesIO\(X\)\]"),
    ):
        with pytest.raises(ValueError, match=message):
            transcriber.predict(X)
    pair = tuple(WAVES[:2])
    assert transcriber.predict(pair) == transcriber.predict(WAVES[:2])


def test_resample_may_be_set_after_fit(tmp_path):
    path, transcriber = tmp_path / "wave.wav", fitted()
    wavfile.write(path, 16000, np.repeat(WAVES[0], 2))
    expected = fitted(features=LogMel(RATE, n_mels=6, deltas=1, resample=True)).predict([path])
    with pytest.raises(ValueError, match="Set resample=True"):
        transcriber.predict([path])
    assert transcriber.set_params(features__resample=True).predict([path]) == expected
    transcriber.partial_fit([path], TEXTS[:1])
    assert len(transcriber.loss_curve_) == 3
    transcriber.set_params(features__resample=False)
    with pytest.raises(ValueError, match="Set resample=True"):
        transcriber.predict([path])


def test_files_of_another_rate_are_resampled(tmp_path):
    path, times = tmp_path / "wave.wav", np.arange(16000) / 16000
    wave = 0.3 * np.sin(2 * np.pi * (300 * times + 500 * times**2))
    wavfile.write(path, 16000, wave.astype(np.float32))
    transcriber = fitted(features=LogMel(RATE, n_mels=6, normalize=False, resample=True))
    found, expected = (transcriber.predict_proba([X])[0] for X in (path, wave[::2]))
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_fits_that_go_on():
    transcriber = RNNTranscriber(**OPTIONS, features=LogMel(RATE, n_mels=6))
    transcriber.partial_fit(WAVES, TEXTS, classes=["a", "b"]).partial_fit(WAVES, TEXTS)
    features = transcriber.features_
    transcriber.set_params(warm_start=True).fit(WAVES, TEXTS)
    assert transcriber.features_ is features
    with pytest.raises(ValueError, match=r"features was LogMel\(.*is now LogMel\("):
        transcriber.set_params(features__deltas=1).fit(WAVES, TEXTS)
    with pytest.raises(ValueError, match="features was LogMel"):
        transcriber.set_params(features=None).partial_fit(WAVES, TEXTS)
    transcriber.set_params(features=None, warm_start=False)
    transcriber.fit([wave[:100, None] for wave in WAVES], TEXTS)
    assert transcriber.features_ is None


def test_saved_pickled_and_cloned(tmp_path):
    transcriber, path = fitted(), tmp_path / "transcriber.tsrnn"
    tsrnn.save(transcriber, path)
    for other in (tsrnn.load(path), pickle.loads(pickle.dumps(transcriber))):
        assert_equal_bits(other, transcriber)
        assert other.features.get_params() == transcriber.features.get_params()
    copy = clone(transcriber)
    assert copy.features_ is None
    assert copy.features is not transcriber.features
    tsrnn.save(copy, path)
    assert tsrnn.load(path).features.n_mels == 6


def test_threads_change_no_bit():
    assert_equal_bits(fitted(n_jobs=1), fitted(n_jobs=2))
