"""M4 Hourly from end to end on either device."""

import time

import numpy as np
import pandas as pd
from results import Table

from tsrnn import RNNForecaster
from tsrnn.forecasting import mase, seasonal_scale


def m4(run):
    """Print a row for each device, the GPU first."""
    if run.data is None and not run.dry:
        print("M4 Hourly needs --data FOLDER, see benchmarks/README.md.\n", flush=True)
        return
    histories, actual, season = generated() if run.dry else read(run.data)
    settings = {"horizon": actual.shape[1], "season": season}
    if run.dry:
        settings |= {"hidden_size": 3, "lookback": 8, "max_iter": 1, "n_estimators": 1}
    y = pd.concat(
        pd.DataFrame({"unique_id": k, "ds": np.arange(values.size), "y": values})
        for k, values in enumerate(histories)
    )
    scales = np.array([seasonal_scale(values, season) for values in histories])
    columns = ["device", "MASE", "fit s", "predict s", "first fit, of one epoch, s"]
    table = Table("gpu-m4", "M4 Hourly, defaults", columns)
    for device in ("cuda", "cpu"):
        if not run.has_time_for(f"M4 Hourly on {device}"):
            continue
        one_epoch = RNNForecaster(**settings | {"device": device, "max_iter": 1})
        first = run.first_call(lambda one_epoch=one_epoch: one_epoch.fit(y).predict())
        started = time.perf_counter()
        forecaster = RNNForecaster(**settings, device=device).fit(y)
        fitted = time.perf_counter()
        forecasts = forecaster.predict()["y"].to_numpy().reshape(actual.shape)
        seconds = f"{fitted - started:.1f}", f"{time.perf_counter() - fitted:.2f}", f"{first:.1f}"
        table.row(device, f"{mase(actual, forecasts, scales).mean():.3f}", *seconds)


def read(folder):
    """Histories, what followed, and the season."""
    histories, actual = (
        pd.read_csv(folder / f"m4/Hourly-{part}.csv", index_col=0).to_numpy(float)
        for part in ("train", "test")
    )
    return [row[~np.isnan(row)] for row in histories], actual, 24


def generated():
    """As ``read``, of three short series."""
    values = np.random.default_rng(0).normal(size=(3, 44)).cumsum(axis=1) + 50
    return list(values[:, :40]), values[:, 40:], 4
