"""How long Ctrl-C takes: signals at random moments of long calls, and what each call does then.

Each call runs in a process of its own, once to compile its kernels, and then again and again until
a signal comes. Run it with ``python benchmarks/interrupt.py [SIGNALS] [NAME ...]``.
"""

import argparse
import copy
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import pandas as pd
from results import Table, parse_arguments
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

import tsrnn
from tsrnn import RNNAnomalyDetector, RNNClassifier, RNNForecaster, RNNRegressor
from tsrnn.anomaly import baselines
from tsrnn.inspection import diagnose, gradient_flow, states

RNG = np.random.default_rng(0)


def walks(n_steps, n_series, freq):
    """Random walks as the columns of a frame."""
    index = pd.date_range("2000-01-01", periods=n_steps, freq=freq)
    return pd.DataFrame(RNG.normal(size=(n_steps, n_series)).cumsum(axis=0), index)


def forecaster_fit(y, **options):
    """A long fit, and its check: kept weights must forecast."""

    def call():
        return RNNForecaster(max_iter=1000, **options).fit(y)

    def check(fitted):
        assert fitted is None or np.isfinite(np.asarray(fitted.predict_interval())).all()

    return call, check, RNNForecaster(max_iter=1, **options).fit(y)


def rows_fit(estimator, X, y):
    def check(fitted):
        assert fitted is None or len(fitted.predict(X[:10])) == 10

    return lambda: estimator.fit(X, y), check


def unchanged(call, predict):
    """A call after which ``predict`` gives what it gave before, unless it came to its end."""
    before = []

    def predict_and_call():
        before.clear()
        before.append(np.asarray(predict()))
        return call()

    def check(result):
        if result is None and before:
            np.testing.assert_array_equal(predict(), before[0])

    return predict_and_call, check


def update(n_rows):
    """A detector that takes in many rows."""
    y = walks(n_rows + 2000, 1, "h")[0]
    fitted, used = RNNAnomalyDetector(online=True).fit(y[:2000]), []

    def call():
        used[:] = [copy.deepcopy(fitted)]
        return used[0].update(y[2000:])

    def check(result):
        if result is None:
            assert used[0].cutoff_ == y.index[1999]

    return call, check


def partial_fit(estimator, predict, *new):
    """A copy of a fitted estimator that learns from many rows."""
    expected, used = np.asarray(predict(estimator)), []

    def call():
        used[:] = [copy.deepcopy(estimator)]
        return used[0].partial_fit(*new)

    def check(result):
        if result is None and used:
            np.testing.assert_array_equal(predict(used[0]), expected)

    return call, check


def forecaster_partial_fit():
    y = walks(60_000, 1, "h")[0]
    forecaster = RNNForecaster(max_iter=1).fit(y[:1000])
    return partial_fit(forecaster, RNNForecaster.predict, y[1000:])


def regressor_partial_fit():
    X = RNG.normal(size=(20_000, 100))
    regressor = RNNRegressor(max_iter=1).partial_fit(X[:100], X[:100].mean(axis=1))
    return partial_fit(regressor, lambda fitted: fitted.predict(X[:9]), X, X.mean(axis=1))


def prediction(fitted, call):
    return unchanged(lambda: call(fitted), fitted.predict)


def of_rows(call, **options):
    X = RNG.normal(size=(20_000, 200))
    fitted = RNNRegressor(max_iter=1, **options).fit(X[:200], X[:200].mean(axis=1))
    return unchanged(lambda: call(fitted, X), lambda: fitted.predict(X[:9]))


def of_detector(call, n=100_000, **options):
    y = walks(n, 1, "h")[0]
    detector = RNNAnomalyDetector(**options).fit(y[:2000])
    return unchanged(lambda: call(detector, y), lambda: detector.score_samples(y[:500]))


def loop(call):
    return call, lambda result: None


HOURS, DAYS = 20_000, 300
SEARCH = {"hidden_size": [8, 16, 32, 64]}
CALLS = {
    "fit, one series": lambda: forecaster_fit(walks(HOURS, 1, "h")[0])[:2],
    "fit, 256 units": lambda: forecaster_fit(walks(HOURS, 1, "h")[0], hidden_size=256)[:2],
    "fit, ensemble": lambda: forecaster_fit(walks(2000, 1, "h")[0], n_estimators=20)[:2],
    "fit, panel": lambda: forecaster_fit(walks(DAYS, 1000, "D"))[:2],
    "fit, local": lambda: forecaster_fit(walks(DAYS, 1000, "D"), scope="local")[:2],
    "fit, fine_tuned": lambda: forecaster_fit(walks(DAYS, 300, "D"), scope="fine_tuned")[:2],
    "fit, attention": lambda: forecaster_fit(walks(5000, 1, "h")[0], cell="attention")[:2],
    "fit, regressor": lambda: rows_fit(
        RNNRegressor(max_iter=1000), RNG.normal(size=(2000, 500)), np.arange(2000.0)
    ),
    "fit, classifier": lambda: rows_fit(
        RNNClassifier(max_iter=1000), RNG.normal(size=(2000, 500)), np.arange(2000) % 3
    ),
    "fit, detector": lambda: of_detector(lambda detector, y: detector.fit(y)),
    "fit, online detector": lambda: of_detector(lambda detector, y: detector.fit(y), online=True),
    "fit, reconstruction": lambda: of_detector(
        lambda detector, y: detector.fit(y), 20_000, method="reconstruction"
    ),
    "fit, baselines": lambda: loop(lambda: [each().fit(BASELINE) for each in BASELINES]),
    "partial_fit, forecaster": forecaster_partial_fit,
    "partial_fit, regressor": regressor_partial_fit,
    "update, detector": lambda: update(30_000),
    "backtest": lambda: loop(
        lambda: tsrnn.backtest(RNNForecaster(), walks(3000, 1, "h")[0], n_windows=5)
    ),
    "backtest, fine_tuned": lambda: loop(
        lambda: tsrnn.backtest(
            RNNForecaster(scope="fine_tuned"), walks(200, 50, "D"), n_windows=3, step=5
        )
    ),
    "backtest without refit": lambda: loop(
        lambda: tsrnn.backtest(
            RNNForecaster(max_iter=2), walks(DAYS, 500, "D"), n_windows=50, step=1, refit=False
        )
    ),
    "grid search": lambda: loop(
        lambda: GridSearchCV(RNNForecaster(), SEARCH, cv=TimeSeriesSplit(2)).fit(
            walks(3000, 1, "h")[0]
        )
    ),
    "cross-validation": lambda: loop(
        lambda: cross_val_score(RNNRegressor(), RNG.normal(size=(3000, 50)), np.arange(3000.0))
    ),
    "predict, 20,000 rows": lambda: of_rows(lambda fitted, X: fitted.predict(X)),
    "predict, 256 units": lambda: of_rows(lambda fitted, X: fitted.predict(X), hidden_size=256),
    "predict, local": lambda: prediction(
        forecaster_fit(walks(100, 2000, "D"), scope="local")[2],
        lambda fitted: fitted.predict(horizon=500),
    ),
    "predict_samples": lambda: prediction(
        forecaster_fit(walks(3000, 1, "h")[0])[2],
        lambda fitted: fitted.predict_samples(horizon=200, n_samples=20_000),
    ),
    "score_samples": lambda: of_detector(lambda detector, y: detector.score_samples(y)),
    "detect": lambda: of_detector(lambda detector, y: detector.detect(y)),
    "score_samples, reconstruction": lambda: of_detector(
        lambda detector, y: detector.score_samples(y), method="reconstruction"
    ),
    "states": lambda: of_rows(lambda fitted, X: states(fitted, X[:1000])),
    "gradient_flow": lambda: of_rows(
        lambda fitted, X: gradient_flow(fitted, X[:4000], X[:4000, 0])
    ),
    "diagnose": lambda: of_rows(lambda fitted, X: diagnose(fitted, X[:2000], X[:2000, 0])),
}
BASELINE = walks(20_000, 1, "h")[0]
BASELINES = baselines.GaussianDetector, baselines.PCADetector, baselines.PolynomialDetector


def run_calls(name):
    """In a process of its own: run a call for each line on standard input, until a signal comes."""
    warnings.simplefilter("ignore")
    call, check = CALLS[name]()
    for _ in range(2):
        started = time.time()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.alarm(8)  # of a fit of many minutes
        try:
            check(call())
        except KeyboardInterrupt:
            check(None)
        signal.alarm(0)
    print(time.time() - started, flush=True)
    for _ in sys.stdin:
        result = None
        print("begin", flush=True)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result, outcome = call(), "came first"
            ended, used = time.time(), time.process_time()
            if any("interrupted" in str(warning.message) for warning in caught):
                outcome = "warning"
            if outcome == "came first":
                time.sleep(60)
        except KeyboardInterrupt:
            if result is None:
                ended, used, outcome = time.time(), time.process_time(), "KeyboardInterrupt"
        check(result)
        print(ended, used, outcome, flush=True)


def seconds_used(pid):
    """Processor time of a process so far, to a hundredth; NaN where there is no /proc."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return float("nan")
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def press(name, n):
    """Delays of ``n`` signals at random moments of a call, in seconds and in processor time."""
    delays, outcomes = [], {}
    command = [sys.executable, __file__, "--run", name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        seconds = min(float(process.stdout.readline()), 10.0)
        for _ in range(n):
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
            time.sleep(random.uniform(0, 0.95 * seconds))
            sent, used_before = time.time(), seconds_used(process.pid)
            process.send_signal(signal.SIGINT)
            ended, used, outcome = process.stdout.readline().strip().split(maxsplit=2)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if outcome != "came first":
                delays.append((float(ended) - sent, float(used) - used_before))
        process.stdin.close()
    return seconds, delays, outcomes


def press_command(n):
    """The same of ``tsrnn forecast``, which must end with status 130 and write nothing."""
    delays, outcomes = [], {}
    with tempfile.TemporaryDirectory() as folder:
        data, out = os.path.join(folder, "data.csv"), os.path.join(folder, "out.csv")
        walks(100_000, 1, "h").set_axis(["y"], axis=1).to_csv(data, index_label="time")
        command = [sys.executable, "-m", "tsrnn", "forecast", data, "--time", "time"]
        command += ["--target", "y", "--out", out, "--max-iter", "1000"]
        for _ in range(n):
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
                time.sleep(random.uniform(4, 10))
                sent = time.time()
                process.send_signal(signal.SIGINT)
                process.wait()
                delays.append((time.time() - sent, float("nan")))
            outcome = f"exit status {process.returncode}"
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if os.path.exists(out):
                raise RuntimeError("a file was written")
    return 10.0, delays, outcomes


def main():
    """Print the table; processor time shows how much of a delay is the call's on a busy machine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("signals", type=int, nargs="?", default=10, help="to a call (default 10)")
    parser.add_argument("names", nargs="*", help="calls, all by default")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parse_arguments(parser)
    if arguments.run:
        run_calls(arguments.run)
        return
    n = arguments.signals
    columns = ["call", "seconds", "signals", "longest delay", "processor", "outcomes"]
    table = Table("interrupt", f"Ctrl-C at {n} random moments of a call: seconds", columns)
    for name in arguments.names or [*CALLS, "tsrnn forecast"]:
        seconds, delays, outcomes = press_command(n) if name == "tsrnn forecast" else press(name, n)
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        longest = [f"{max(column):.2f}" for column in zip(*delays, strict=True)] or ["-", "-"]
        table.row(name, f"{seconds:.1f}", len(delays), *longest, told)


if __name__ == "__main__":
    main()
