"""A grid search over small networks, one process against two: the same answer in half the time?

Run it with ``python benchmarks/search.py``. The first search by two processes also starts them, and
each imports the library and loads its kernels; the second finds them running.
"""

import argparse
import time

import numpy as np
from results import Table, at_least, parse_arguments
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import RNNRegressor
from tsrnn.datasets import load_airline

LOOKBACK = 36
GRID = {"cell": ["lstm", "gru"], "hidden_size": [16, 32, 48], "learning_rate_init": [3e-3, 1e-2]}


def search(n_jobs, max_iter):
    """Seconds of a search, and what it found."""
    y = np.log(load_airline().to_numpy(float))
    windows = np.lib.stride_tricks.sliding_window_view(y, LOOKBACK)[:-1]
    regressor = RNNRegressor(max_iter=max_iter)
    found = GridSearchCV(regressor, GRID, cv=TimeSeriesSplit(3), n_jobs=n_jobs)
    started = time.perf_counter()
    found.fit(windows - windows[:, -1:], y[LOOKBACK:] - windows[:, -1])
    return time.perf_counter() - started, found


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-iter", type=int, default=800, help="epochs of each network")
    arguments = parse_arguments(parser, peers=("scikit-learn", "joblib"))
    for cell in GRID["cell"]:  # compile
        search_once = RNNRegressor(cell=cell, max_iter=1).fit(np.zeros((9, LOOKBACK)), np.arange(9))
        assert search_once.n_iter_ == 1
    alone, one = search(1, arguments.max_iter)
    title = "A grid search: 12 candidates, 3 folds of AirPassengers"
    table = Table("search", title, ["search", "s", "ratio", "same scores, same best"])
    table.row("one process", f"{alone:.1f}")
    for name in ("two processes, starting them", "two processes, running"):
        seconds, two = search(2, arguments.max_iter)
        scores = [search.cv_results_["mean_test_score"] for search in (one, two)]
        same = np.array_equal(*scores) and one.best_params_ == two.best_params_
        ratio = at_least(alone / seconds, 1.6, ".2f")
        table.row(name, f"{seconds:.1f}", ratio, "yes" if same else "NO")


if __name__ == "__main__":
    main()
