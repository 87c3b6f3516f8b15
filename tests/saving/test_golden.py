"""Files of all versions so far."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from saving.conftest import AIRLINE, LONG, WORDS, X, classifier, forecaster, long_frame

import tsrnn

GOLDEN = Path(__file__).parents[1] / "golden"


def make_golden_files():
    """Write the files that every later version must load, and what they predict.

    Run once for each format, and for what a format has learnt to hold, in tests/ by the version
    that the format begins with::

        python -c "from saving import test_golden; test_golden.make_golden_files()"

    Old files are never written again: change the numbers of the new ones.
    """
    made = forecaster(horizon=6, hidden_size=4, max_iter=20).fit(AIRLINE)
    _write_golden(made, "forecaster-1", lambda: {
        "index": made.predict().index.astype(str).tolist(),
        "forecast": made.predict().tolist(),
        "interval": made.predict_interval().to_numpy().tolist(),
    })  # fmt: skip
    panel = forecaster(horizon=2, lookback=5, cell="rnn", max_iter=5, **LONG)
    panel.fit(long_frame(id=lambda frame: frame["id"].astype("category")))
    _write_golden(panel, "panel-1", lambda: {
        "columns": panel.predict().astype({"id": str, "t": str}).to_dict("list"),
    })  # fmt: skip
    told = classifier(cell="gru", dtype="float64", class_weight={"up": 1.0, "down": 2.0})
    told.fit(X, WORDS).partial_fit(X, WORDS)
    _write_golden(told, "classifier-1", lambda: {
        "classes": told.classes_.tolist(),
        "probabilities": told.predict_proba(X[:5]).tolist(),
        "then": told.partial_fit(X, WORDS).predict_proba(X[:5]).tolist(),
    })  # fmt: skip


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
    loaded, told = golden("forecaster-1")
    assert loaded.predict().index.astype(str).tolist() == told["index"]
    np.testing.assert_allclose(loaded.predict(), told["forecast"], rtol=1e-6)
    np.testing.assert_allclose(loaded.predict_interval(), told["interval"], rtol=1e-6)


def test_the_panel_of_format_1():
    loaded, told = golden("panel-1")
    found = loaded.predict()
    assert isinstance(found["id"].dtype, pd.CategoricalDtype)
    columns = told["columns"]
    assert found[["id", "t"]].astype(str).to_dict("list") == {k: columns[k] for k in ("id", "t")}
    np.testing.assert_allclose(found["v"], columns["v"], rtol=1e-5)


def test_the_classifier_of_format_1():
    loaded, told = golden("classifier-1")
    assert loaded.classes_.tolist() == told["classes"]
    np.testing.assert_allclose(loaded.predict_proba(X[:5]), told["probabilities"], rtol=1e-9)
    loaded.partial_fit(X, WORDS)
    np.testing.assert_allclose(loaded.predict_proba(X[:5]), told["then"], rtol=1e-9)
