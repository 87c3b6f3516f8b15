"""Files of all versions so far."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from saving.conftest import (
    AIRLINE,
    LONG,
    WORDS,
    X,
    classifier,
    detector,
    detector_panel,
    forecaster,
    long_frame,
    split_rows,
)

import tsrnn
from tsrnn import RNNLanguageModel, RNNTagger, RNNTranscriber, RNNTranslator, Tokenizer
from tsrnn.anomaly import TailThreshold
from tsrnn.forecasting import fitting, zero_shot
from tsrnn.forecasting.pretrained import TRUST, PretrainedNetwork
from tsrnn.sequences.audio import MFCC, LogMel

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden"


def make_golden_files():
    """Write the files that every later version must load, and what they predict.

    Run once for each format, and for what a format has learnt to hold, in tests/ by the version
    that the format begins with::

        python -c "from saving import test_golden; test_golden.make_golden_files()"

    Old files are never written again: change the numbers of the new ones.
    """
    fitted = forecaster(horizon=6, hidden_size=4, max_iter=20).fit(AIRLINE)
    _write_golden(
        fitted,
        "forecaster-1",
        lambda: {
            "index": fitted.predict().index.astype(str).tolist(),
            "forecast": fitted.predict().tolist(),
            "interval": fitted.predict_interval().to_numpy().tolist(),
        },
    )
    panel = forecaster(horizon=2, lookback=5, cell="rnn", max_iter=5, **LONG)
    panel.fit(long_frame(id=lambda frame: frame["id"].astype("category")))
    _write_golden(
        panel,
        "panel-1",
        lambda: {
            "columns": panel.predict().astype({"id": str, "t": str}).to_dict("list"),
        },
    )
    with_covariates, X, static = forecaster_with_covariates()
    with_covariates.fit(long_frame().drop(index=7), X, static)  # without a row
    _write_golden(
        with_covariates,
        "covariates-1",
        lambda: {
            "quantiles": (
                with_covariates.predict_quantiles(4).drop(columns=["id", "t"]).to_numpy().tolist()
            ),
        },
    )
    fitted = classifier(cell="gru", dtype="float64", class_weight={"up": 1.0, "down": 2.0})
    fitted.fit(X, WORDS).partial_fit(X, WORDS)
    _write_golden(
        fitted,
        "classifier-1",
        lambda: {
            "classes": fitted.classes_.tolist(),
            "probabilities": fitted.predict_proba(X[:5]).tolist(),
            "then": fitted.partial_fit(X, WORDS).predict_proba(X[:5]).tolist(),
        },
    )
    tail = TailThreshold(0.01, 0.9, depth=3)
    fitted_detector = detector(loss="gaussian", n_estimators=2, max_iter=5, threshold=tail)
    before, now, after = detector_data()
    fitted_detector.fit(before).update(now)
    _write_golden(
        fitted_detector,
        "detector-1",
        lambda: {
            "scores": fitted_detector.score_samples(before).tolist(),
            "then": fitted_detector.update(after).to_frame().to_dict("list"),
        },
    )
    make_golden_files_of_pretrained()
    for name, tokenizer in tokenizers().items():
        _write_golden(
            tokenizer,
            f"{name}-tokenizer-1",
            lambda tokenizer=tokenizer: {
                "tokens": tokenizer.tokens_,
                "ids": [ids.tolist() for ids in tokenizer.transform(TEXTS)],
            },
        )
    written = language_model().fit(TEXTS).partial_fit(TEXTS)
    _write_golden(
        written,
        "language-model-1",
        lambda: {
            "log_likelihood": written.log_likelihood(TEXTS).tolist(),
            "text": written.generate(30, TEXTS[1], random_state=0),
            "then": written.partial_fit(TEXTS).log_likelihood(TEXTS).tolist(),
        },
    )
    for name, (translator, sources) in translators().items():
        translator.fit(sources, TEXTS).partial_fit(sources, TEXTS)
        _write_golden(
            translator,
            f"{name}-1",
            lambda translator=translator, sources=sources: {
                "texts": translator.predict(sources),
                "log_likelihood": translator.log_likelihood(sources, TEXTS).tolist(),
                "then": translator.partial_fit(sources, TEXTS)
                .log_likelihood(sources, TEXTS)
                .tolist(),
            },
        )
    for name, estimator in estimators_of_tokens().items():
        estimator.fit(TOKENS, TAGS[name]).partial_fit(TOKENS, TAGS[name])
        _write_golden(
            estimator,
            f"{name}-1",
            lambda estimator=estimator, name=name: {
                "probabilities": _probabilities(estimator),
                "then": _probabilities(estimator.partial_fit(TOKENS, TAGS[name])),
            },
        )
    heard = wave_transcriber().fit(WAVES, WAVE_TEXTS).partial_fit(WAVES, WAVE_TEXTS)
    _write_golden(
        heard,
        "wave-transcriber-1",
        lambda: {
            "probabilities": [row.tolist() for row in heard.predict_proba(WAVES)],
            "then": [
                row.tolist() for row in heard.partial_fit(WAVES, WAVE_TEXTS).predict_proba(WAVES)
            ],
        },
    )
    for name, transformer in audio_transformers().items():
        _write_golden(
            transformer.fit(WAVES),
            f"{name}-1",
            lambda transformer=transformer: {
                "features": [row.tolist() for row in transformer.transform(WAVES)]
            },
        )


TOKENS = [[[3, 0.5], [1, -1.0], [0, 2.0]], [[2, 1.0], [3, 0.0]], [[1, 4.0]]]  # and numbers
TAGS = {
    "token-classifier": ["up", "down", "up"],
    "tagger": [["N", "V", None], ["N", "N"], ["V"]],
    "transcriber": ["ab", "", "b"],
}


def estimators_of_tokens():
    """A classifier, a tagger and a transcriber of tokens and numbers."""
    options = {"embedding_size": 3, "n_tokens": 5, "hidden_size": 4, "max_iter": 20}
    options |= {"bidirectional": True, "dtype": "float64"}
    return {
        "token-classifier": classifier(pooling="attention", **options),
        "tagger": RNNTagger(cell="gru", **options),
        "transcriber": RNNTranscriber(cell="gru", **options),
    }


def _probabilities(estimator):
    return [np.asarray(row).tolist() for row in estimator.predict_proba(TOKENS)]


WAVE_TEXTS = ["ab", ""]
WAVES = [np.sin(np.arange(n) ** 1.3 / 9) for n in (700, 90)]


def audio_transformers():
    """Transformers of waves, by name."""
    return {
        "log-mel": LogMel(11025, n_mels=6, deltas=1, normalize=False),
        "mfcc": MFCC(16000, 4, n_mels=12, window=0.02, hop=0.0125, f_min=50, f_max=7000),
    }


def wave_transcriber():
    """A transcriber of waves."""
    features = MFCC(8000, 4, n_mels=12, deltas=1)
    options = {"cell": "gru", "hidden_size": 4, "max_iter": 5, "dtype": "float64"}
    return RNNTranscriber(features=features, segment=2, **options)


TEXTS = [
    "The cat sat on the mat.",
    "the Dog's on  the mat\r\n",
    "caf\u00e9 \U0001f469\u200d\U0001f467 \ud800?",
]


def tokenizers():
    """Tokenizers of texts, by name."""
    return {
        "word": Tokenizer("word", lowercase=True, begin=True).fit(TEXTS),
        "subword": Tokenizer("subword", max_tokens=40, end=True).fit(TEXTS),
    }


def language_model():
    """A language model of words."""
    sizes = {"hidden_size": 4, "embedding_size": 4, "n_steps": 4, "max_iter": 20}
    tokenizer = Tokenizer("word", lowercase=True, end=True)
    return RNNLanguageModel(tokenizer, cell="gru", dtype="float64", tied=True, **sizes)


def translators():
    """A translator of words and one of numbers, with what they read."""
    sizes = {"hidden_size": 4, "embedding_size": 3, "max_iter": 20, "dtype": "float64"}
    words = Tokenizer("word", lowercase=True)
    numbers = [np.sin(np.arange(2 * n) ** 1.5).reshape(n, 2) for n in (7, 4, 5)]
    numbers[1][2] = np.nan
    return {
        "translator": (RNNTranslator("character", words, n_layers=2, tied=True, **sizes), TEXTS),
        "number-translator": (
            RNNTranslator(None, words, cell="lstm", attention="additive", **sizes),
            numbers,
        ),
    }


def detector_data():
    """A panel of two series of two channels in three parts, the last with anomalies."""
    before, new = split_rows(detector_panel(n_channels=2), 50)
    new.iloc[-3:] += 30
    return before, *split_rows(new, 3)


def forecaster_with_covariates():
    """A forecaster that reads and holds what there is to, and its covariates and static values."""
    long = long_frame()
    days = pd.date_range(long["t"].min(), periods=long["t"].nunique() + 6)
    X = pd.DataFrame({"t": days, "warm": np.sin(np.arange(len(days)))})
    X["kind"] = np.where(np.arange(len(days)) % 3, "a", "b")
    static = pd.DataFrame({"size": [1.0, 2.0, 4.0]}, index=["s0", "s1", "s2"])
    unfitted = forecaster(
        horizon=2,
        lookback=5,
        max_iter=3,
        hidden_size=4,
        scope="fine_tuned",
        n_estimators=2,
        loss="quantile",
        past_covariates=["warm"],
        calendar=["weekday", "month"],
        missing="mask",
        holidays=["2024-04-01"],
        segment=1,
        **LONG,
    )
    return unfitted, X, static


def make_golden_files_of_pretrained():
    """Write those of forecasters with a pretrained network, here a small one of random weights."""
    small = PretrainedNetwork.of_shape(4, np.random.default_rng(0))
    made = {
        "mixed-forecaster": (small, {"hidden_size": 4, "max_iter": 20}),
        "zero-shot-forecaster": (small, {"max_iter": 0}),
        "fine-tuned-forecaster": (dataclasses.replace(small, trust=0.9), {"max_iter": 0}),
    }
    for name, (network, options) in made.items():
        with pytest.MonkeyPatch.context() as patch:
            for module in (fitting, zero_shot):
                patch.setattr(module, "load_pretrained", lambda network=network: network)
            fitted = forecaster(horizon=6, **options).fit(AIRLINE[:-9])
        _write_golden(
            fitted,
            f"{name}-1",
            lambda fitted=fitted: {
                "forecast": fitted.predict().tolist(),
                "interval": fitted.predict_interval().to_numpy().tolist(),
                "samples": fitted.predict_samples(n_samples=3).to_numpy().tolist(),
                "then": fitted.update(AIRLINE[-9:]).predict(9).tolist(),
            },
        )


def _write_golden(estimator, name, predictions):
    """Write an estimator, and then what it predicts, which may change it."""
    path = GOLDEN / f"{name}.tsrnn"
    if path.exists():
        raise FileExistsError(f"{path} is golden: give the new file another number.")
    tsrnn.save(estimator, path)
    path.with_suffix(".json").write_text(json.dumps(predictions(), indent=1) + "\n")


def golden(name):
    return tsrnn.load(GOLDEN / f"{name}.tsrnn"), json.loads((GOLDEN / f"{name}.json").read_text())


# Other processors and libraries round apart in the last digits.


def test_the_forecaster_of_format_1():
    loaded, expected = golden("forecaster-1")
    assert loaded.predict().index.astype(str).tolist() == expected["index"]
    np.testing.assert_allclose(loaded.predict(), expected["forecast"], rtol=1e-6)
    np.testing.assert_allclose(loaded.predict_interval(), expected["interval"], rtol=1e-6)


def test_older_files_have_no_pretrained_network():
    for name in ("forecaster-1", "panel-1", "covariates-1"):
        loaded, _ = golden(name)
        assert loaded.pretrained is None
        assert loaded.fitted_.pretrained is None


@pytest.mark.parametrize(
    ("name", "trust"),
    [("mixed-forecaster", TRUST), ("zero-shot-forecaster", TRUST), ("fine-tuned-forecaster", 0.9)],
)
def test_the_forecasters_with_a_pretrained_network_of_format_1(name, trust):
    loaded, expected = golden(f"{name}-1")
    assert loaded.fitted_.pretrained.network.trust == trust
    np.testing.assert_allclose(loaded.predict(), expected["forecast"], rtol=1e-6)
    np.testing.assert_allclose(loaded.predict_interval(), expected["interval"], rtol=1e-6)
    samples = loaded.predict_samples(n_samples=3)
    np.testing.assert_allclose(samples, expected["samples"], rtol=1e-6)
    loaded.update(AIRLINE[-9:])
    np.testing.assert_allclose(loaded.predict(9), expected["then"], rtol=1e-6)


def test_the_panel_of_format_1():
    loaded, expected = golden("panel-1")
    update = loaded.predict()
    assert isinstance(update["id"].dtype, pd.CategoricalDtype)
    columns = expected["columns"]
    assert update[["id", "t"]].astype(str).to_dict("list") == {k: columns[k] for k in ("id", "t")}
    np.testing.assert_allclose(update["v"], columns["v"], rtol=1e-5)


def test_the_classifier_of_format_1():
    loaded, expected = golden("classifier-1")
    assert loaded.classes_.tolist() == expected["classes"]
    np.testing.assert_allclose(loaded.predict_proba(X[:5]), expected["probabilities"], rtol=1e-9)
    loaded.partial_fit(X, WORDS)
    np.testing.assert_allclose(loaded.predict_proba(X[:5]), expected["then"], rtol=1e-9)


def test_the_detector_of_format_1():
    loaded, expected = golden("detector-1")
    before, _, after = detector_data()
    np.testing.assert_allclose(loaded.score_samples(before), expected["scores"], rtol=1e-4)
    update = loaded.update(after)
    for name in ("score", "threshold"):
        np.testing.assert_allclose(getattr(update, name), expected["then"][name], rtol=1e-4)
    assert update.anomaly.tolist() == expected["then"]["anomaly"]


def test_covariates_quantiles_and_several_networks():
    loaded, expected = golden("covariates-1")
    quantiles = loaded.predict_quantiles(4).drop(columns=["id", "t"])
    np.testing.assert_allclose(quantiles, expected["quantiles"], rtol=1e-5, atol=1e-6)
    assert loaded.predict_samples(4, n_samples=3).shape == (12, 5)
    unfitted, X, static = forecaster_with_covariates()
    again = unfitted.fit(long_frame().drop(index=7), X, static)
    assert [len(group) for group in loaded.networks_] == [len(group) for group in again.networks_]


@pytest.mark.parametrize("unit", ["word", "subword"])
def test_the_tokenizers_of_format_1(unit):
    loaded, expected = golden(f"{unit}-tokenizer-1")
    assert loaded.tokens_ == expected["tokens"] == tokenizers()[unit].tokens_
    assert [ids.tolist() for ids in loaded.transform(TEXTS)] == expected["ids"]


def test_the_language_model_of_format_1():
    loaded, expected = golden("language-model-1")
    np.testing.assert_allclose(loaded.log_likelihood(TEXTS), expected["log_likelihood"], rtol=1e-9)
    assert loaded.generate(30, TEXTS[1], random_state=0) == expected["text"]
    loaded.partial_fit(TEXTS)
    np.testing.assert_allclose(loaded.log_likelihood(TEXTS), expected["then"], rtol=1e-9)


@pytest.mark.parametrize("name", ["token-classifier", "tagger", "transcriber"])
def test_the_estimators_of_tokens_of_format_1(name):
    loaded, expected = golden(f"{name}-1")
    for key in ("probabilities", "then"):
        for result, row in zip(_probabilities(loaded), expected[key], strict=True):
            np.testing.assert_allclose(result, row, rtol=1e-9)
        loaded.partial_fit(TOKENS, TAGS[name])


@pytest.mark.parametrize("name", ["log-mel", "mfcc"])
def test_the_transformers_of_waves_of_format_1(name):
    loaded, expected = golden(f"{name}-1")
    assert loaded.get_params() == audio_transformers()[name].get_params()
    for features, rows in zip(loaded.transform(WAVES), expected["features"], strict=True):
        np.testing.assert_allclose(features, rows, rtol=1e-5, atol=1e-5)


def test_the_transcriber_of_waves_of_format_1():
    loaded, expected = golden("wave-transcriber-1")
    assert loaded.features_.rate_ == 8000
    for key in ("probabilities", "then"):
        for result, row in zip(loaded.predict_proba(WAVES), expected[key], strict=True):
            np.testing.assert_allclose(result, row, rtol=1e-4, atol=1e-5)
        loaded.partial_fit(WAVES, WAVE_TEXTS)


@pytest.mark.parametrize("name", ["translator", "number-translator"])
def test_the_translators_of_format_1(name):
    loaded, expected = golden(f"{name}-1")
    _, sources = translators()[name]
    assert loaded.predict(sources) == expected["texts"]
    found = loaded.log_likelihood(sources, TEXTS)
    np.testing.assert_allclose(found, expected["log_likelihood"], rtol=1e-9)
    then = loaded.partial_fit(sources, TEXTS).log_likelihood(sources, TEXTS)
    np.testing.assert_allclose(then, expected["then"], rtol=1e-9)
