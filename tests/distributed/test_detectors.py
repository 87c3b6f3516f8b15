"""Scores and events of detectors on frames of Dask, Ray and Spark."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNAnomalyDetector

pytestmark = pytest.mark.filterwarnings("ignore")


def panel(n_series=6, n=200):
    """Sines with an anomaly in every second one."""
    rng, hours = np.random.default_rng(0), pd.date_range("2024-01-01", periods=n, freq="h")
    values = np.sin(np.arange(n) / 3) + rng.normal(0, 0.1, (n_series, n))
    values[::2, 150:160] += 4
    ids = np.repeat([f"s{k}" for k in range(n_series)], n)
    rows = {"unique_id": ids, "ds": np.tile(hours, n_series), "load": values.ravel()}
    return pd.DataFrame(rows).sample(frac=1, random_state=0).reset_index(drop=True)


def test_detectors(cluster):
    """What is usual of a series is told by its rows: as if all were fitted."""
    y = panel()
    columns = {"id_column": "unique_id", "time_column": "ds"}
    settings = {"horizon": 4, "lookback": 16, "stretch": 10, "hidden_size": 4, "max_iter": 1}
    detector = RNNAnomalyDetector(n_sample=4, **settings, **columns)
    assert detector.fit(cluster.frame(y, 2)) is detector
    fitted = y[y["unique_id"].isin(list(detector.fitted_.labels))]
    assert fitted["unique_id"].nunique() == 4
    scores = cluster.to_pandas(detector.score_samples(cluster.frame(y, 3)))
    assert len(scores) == len(y)
    of_fitted = fitted[["unique_id", "ds"]].assign(score=detector.score_samples(fitted))
    of_fitted = of_fitted.sort_values(["unique_id", "ds"])
    scores = scores[scores["unique_id"].isin(of_fitted["unique_id"])]
    scores = scores.sort_values(["unique_id", "ds"])
    assert scores["score"].to_numpy(float).tolist() == of_fitted["score"].tolist()
    events = cluster.to_pandas(detector.detect(cluster.frame(y, 2)))
    assert {"s0", "s2", "s4"} <= set(events["unique_id"])
    with pytest.raises(ValueError, match="n_most is of all series"):
        detector.detect(cluster.frame(y, 2), n_most=3)
