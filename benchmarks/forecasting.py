"""What a fitted forecaster takes: many origins in one pass against one by one; an update.

Run it with ``python benchmarks/forecasting.py``. Medians, seconds of the processor; half-hourly
taxi demand, 10,000 values, and for updates Melbourne's daily temperature too.
"""

import argparse
import time

import numpy as np
from results import Table, parse_arguments

from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_melbourne, load_nyc_taxi


def seconds_of(call, n_times):
    """Median time of a call, of the processor: other work on the machine is not in it."""
    seconds = []
    for _ in range(n_times):
        started = time.process_time()
        call()
        seconds.append(time.process_time() - started)
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

    found = run().forecasts["Ready"].to_numpy().reshape(200, 48)
    together = seconds_of(run, 15)
    apart = np.abs(found / one_by_one - 1).max()
    columns = ["taxi demand, 48 steps ahead", "s", "ratio", "largest relative difference"]
    table = Table("backtest-origins", "Forecasts at 200 origins", columns)
    table.row("`backtest(refit=False)`, but for its fit", f"{together:.3f}")
    table.row(
        "200 calls of `predict`", f"{separate:.3f}", f"{separate / together:.0f}", f"{apart:.0e}"
    )


def updates(y, table):
    """Add rows: the time of an update by one value, and of the forecast that follows."""
    for name, options in (("both", {}), ("own", {"pretrained": None})):
        forecaster = RNNForecaster(horizon=12, max_iter=1, **options).fit(y[:-1000])
        time_updates(forecaster, name, y, table)


def time_updates(forecaster, name, y, table):
    """Add a row: medians of some of the last thousand values, one by one."""
    rows = (y[k : k + 1] for k in range(len(y) - 1000, len(y)))
    forecaster.update(next(rows)).predict()
    update = seconds_of(lambda: forecaster.update(next(rows)), 300)
    predict = seconds_of(forecaster.predict, 300)
    both = seconds_of(lambda: forecaster.update(next(rows)).predict(), 300)
    microseconds = [f"{1e6 * seconds:.0f}" for seconds in (update, predict, both)]
    table.row(y.name, name, forecaster.lookback_, *microseconds)


def main():
    """Print the tables."""
    parse_arguments(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    origins()
    columns = ["series", "networks", "lookback", "update us", "predict us", "update and predict us"]
    note = (
        'Networks: "both" are its own and the pretrained one, the default; "own" pretrained=None.'
    )
    table = Table("update", "One new value, and the forecast after it", columns, note)
    updates(load_melbourne().astype(float), table)
    updates(load_nyc_taxi().astype(float), table)


if __name__ == "__main__":
    main()
