"""What a fitted forecaster takes: many origins in one pass against one by one; an update.

Run it with ``python benchmarks/forecasting.py``. Medians; half-hourly taxi demand,
10,000 values, and for updates Melbourne's daily temperature too.
"""

import time

import numpy as np

from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_melbourne, load_nyc_taxi


def seconds_of(call, n_times):
    """Median time of a call."""
    seconds = []
    for _ in range(n_times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def origins():
    """Print the time of 200 origins by a backtest, its fit apart, and by 200 predicts."""
    y = load_nyc_taxi().astype(float)
    settings = {"horizon": 48, "max_iter": 2}
    forecaster = RNNForecaster(**settings).fit(y[:-247])

    class Ready(RNNForecaster):
        """One that was fitted before, so that the rest of a backtest is what is timed."""

        def fit(self, y, X=None, static=None):
            vars(self).update(vars(forecaster))
            return self

    ends = range(len(y) - 247, len(y) - 47)
    one_by_one = [forecaster.predict(y=y[:end]).to_numpy() for end in ends]
    separate = seconds_of(lambda: [forecaster.predict(y=y[:end]) for end in ends], 3)

    def run():
        return backtest(Ready(**settings), y, n_windows=200, step=1, refit=False)

    found = run().forecasts["RNNForecaster"].to_numpy().reshape(200, 48)
    together = seconds_of(run, 15)
    apart = np.abs(found / one_by_one - 1).max()
    print("| 200 origins of 48 steps | s |\n|---|---|")
    print(f"| backtest(refit=False) but for its fit | {together:.3f} |")
    print(f"| 200 predicts | {separate:.3f} |")
    print(f"| ratio {separate / together:.0f}, largest relative difference {apart:.0e} | |")


def updates(y):
    """Print the time of an update by one value, and of the forecast that follows."""
    forecaster = RNNForecaster(horizon=12, max_iter=1).fit(y[:-1000])
    rows = (y[k : k + 1] for k in range(len(y) - 1000, len(y)))
    forecaster.update(next(rows)).predict()
    update = seconds_of(lambda: forecaster.update(next(rows)), 300)
    predict = seconds_of(forecaster.predict, 300)
    both = seconds_of(lambda: forecaster.update(next(rows)).predict(), 300)
    print(f"\n| one new value of {y.name}, lookback {forecaster.lookback_} | us |\n|---|---|")
    print(f"| update | {1e6 * update:.0f} |\n| predict | {1e6 * predict:.0f} |")
    print(f"| both | {1e6 * both:.0f} |")


if __name__ == "__main__":
    origins()
    updates(load_melbourne().astype(float))
    updates(load_nyc_taxi().astype(float))
