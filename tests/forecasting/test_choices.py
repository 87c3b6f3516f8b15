"""What a fit chose by itself is logged, and shown of fitted estimators in notebooks."""

import logging
import re

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNAnomalyDetector, RNNForecaster, RNNRegressor
from tsrnn.anomaly.streaming import Update
from tsrnn.datasets import load_airline

AIRLINE = load_airline()


def lines_of(caplog, estimator, y):
    with caplog.at_level(logging.INFO, logger="tsrnn"):
        estimator.fit(y)
    return [record.getMessage() for record in caplog.records if record.name == "tsrnn"]


def table_of(estimator):
    """The rows of the table that is shown in a notebook, by their names."""
    html = estimator._repr_html_().partition('<div class="tsrnn-network">')[2]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    return dict(zip(cells[::2], cells[1::2], strict=True))


def test_values_of_parameters_left_open_are_logged_and_shown(caplog):
    forecaster = RNNForecaster(horizon=12, max_iter=1, refit=False, batch_size=16)
    lines = lines_of(caplog, forecaster, AIRLINE)
    for parameter, value in {
        "season": 12,
        "transform": "log",
        "lookback": 36,
        "n_ahead": 12,
        "segment": 1,
        "hidden_size": 32,
        "recurrent_dropout": 0.0,
    }.items():
        assert f"RNNForecaster chose {parameter}={value!r}" in lines
    assert not any("batch_size" in line or "max_iter" in line for line in lines)
    (training,) = [line for line in lines if line.startswith("training")]
    n = forecaster.network_.parameters.size
    start = f"training 1 network(s) (lstm, {n} parameters, float32) for at most 1 epochs on "
    assert training.startswith(start)
    assert re.fullmatch(r"[1-9]\d* thread\(s\)", training.removeprefix(start))
    table = table_of(forecaster)
    assert float(table["seconds of fit"]) == pytest.approx(forecaster.fit_time_, abs=0.051)
    share = forecaster.fitted_.pretrained.share
    assert {name: table[name] for name in list(table)[:7]} == {
        "series": "1",
        "season": "12",
        "transform": "log",
        "lookback": "36",
        "segment": "1",
        "steps at once": "12",
        "pretrained network": f"{share:.0%} of the forecast",
    }
    assert f"RNNForecaster chose a share of {share:.2f} for the pretrained network" in lines


def test_values_that_were_given_are_not_logged(caplog):
    given = {"season": 1, "transform": None, "lookback": 5, "n_ahead": 2, "segment": 1}
    given |= {"hidden_size": 4, "batch_size": 16, "recurrent_dropout": 0.0, "pretrained": None}
    lines = lines_of(caplog, RNNForecaster(horizon=2, max_iter=1, refit=False, **given), AIRLINE)
    assert [line for line in lines if "chose" in line] == []
    assert (
        table_of(RNNForecaster(horizon=2, max_iter=1, refit=False, **given).fit(AIRLINE))[
            "pretrained network"
        ]
        == "not used"
    )


@pytest.mark.parametrize(
    ("y", "max_iter", "reason"),
    [
        (AIRLINE, 0, "max_iter=0"),
        (AIRLINE[:9], "auto", "has 9 observations"),
        (AIRLINE.to_frame().assign(other=AIRLINE), "auto", "the panel's series are short"),
    ],
    ids=["no epochs", "short series", "short panel"],
)
def test_why_the_pretrained_network_forecasts_alone(caplog, y, max_iter, reason):
    forecaster = RNNForecaster(horizon=12, max_iter=max_iter)
    (line,) = [line for line in lines_of(caplog, forecaster, y) if "zero-shot" in line]
    assert "by the pretrained network alone: " in line
    assert reason in line
    table = table_of(forecaster)
    assert table["pretrained network"] == "alone (zero-shot)"
    assert table["epochs"] == "none"
    assert "lookback" not in table


def test_seasons_of_a_detector_and_its_threshold(caplog):
    index = pd.date_range("2024", periods=400, freq="h")
    y = pd.Series(np.sin(np.arange(400) * np.pi / 12), index)
    detector = RNNAnomalyDetector(stretch=10, max_iter=1, contamination=0.1)
    lines = lines_of(caplog, detector, y)
    assert "RNNAnomalyDetector chose season=(24, 168)" in lines
    table = table_of(detector)
    assert table["seasons"] == "24, 168"
    assert table["threshold"] == f"QuantileThreshold, {detector.threshold_.threshold_:.3g}"


def test_nothing_is_shown_before_a_fit_nor_printed_by_default(capfd):
    assert "tsrnn-network" not in RNNForecaster()._repr_html_()
    assert "tsrnn-network" not in RNNAnomalyDetector()._repr_html_()
    RNNForecaster(horizon=12, max_iter=0).fit(AIRLINE)
    assert capfd.readouterr() == ("", "")


def test_seconds_of_a_fit_are_those_of_the_last_one():
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    regressor = RNNRegressor(max_iter=1).fit(X, y)
    first = regressor.fit_time_
    assert first > 0
    with pytest.raises(ValueError, match="infinity"):
        regressor.fit(X, np.full(20, np.inf))
    assert regressor.fit_time_ == first


def update_of(anomaly):
    score, index = np.arange(len(anomaly)) + 0.5, pd.RangeIndex(100, 100 + len(anomaly))
    return Update(score, np.full(len(anomaly), 3.0), np.array(anomaly, bool), index)


def rows_of(html):
    return [int(label) for label in re.findall(r"<th>(\d+)</th>", html)]


def test_an_update_shows_all_of_few_rows_and_the_anomalous_ones_of_many():
    few = update_of([False, True])._repr_html_()
    assert "2 observations, 1 anomalous<" in few
    assert rows_of(few) == [100, 101]
    many = update_of([False] * 8 + [True] * 3)._repr_html_()
    assert "11 observations, 3 anomalous<" in many
    assert rows_of(many) == [108, 109, 110]
    alarms = update_of([False] * 5 + [True] * 15)._repr_html_()
    assert "20 observations, 15 anomalous; the last 10 of these<" in alarms
    assert rows_of(alarms) == list(range(110, 120))
    quiet = update_of([False] * 12)._repr_html_()
    assert "12 observations, 0 anomalous; the last 10 of them<" in quiet
    assert "1 observation, 0 anomalous<" in update_of([False])._repr_html_()
