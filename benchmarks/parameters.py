"""What each parameter of ``RNNForecaster`` costs: seconds of ``fit`` and ``predict`` as ratios.

Run it with ``python benchmarks/parameters.py --results``. A forecaster whose fit is short (one
epoch of 50 minibatches, no pretrained network, no ``refit``) is fitted to a panel of 50 series of
400 daily counts, then with one parameter changed at a time; with ``scope`` and ``pretrained`` a
usual one to 20 of them. So few series and minibatches are in the same proportion as 200 series and
the usual 200 minibatches. Seconds are those of the processor, in one thread, so that other work on
the machine counts little; the unchanged forecaster takes its turn before every fourth change, and
each change is fitted once before it is measured, so that kernels are compiled. The table is kept in
``results/parameters.json`` and written into ``docs/reference/parameters.md``, by ``--page`` without
measuring; ``--only`` measures some parameters and keeps the rows of others.
"""

import argparse
import json
import re
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from results import FOLDER, Table, parse_arguments

from tsrnn import RNNForecaster

RESULTS = FOLDER / "parameters.json"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "parameters.md"
BEGIN, END = "<!-- measured by benchmarks/parameters.py -->", "<!-- end of measured -->"
N_SERIES, N_DAYS, FEW = 50, 400, 20
ALL = {"horizon": 14, "n_jobs": 1, "pretrained": None, "refit": False}
SHORT = ALL | {"max_iter": 1, "batches_per_epoch": 50, "recurrent_dropout": 0.0}
CHANGES = {
    "horizon": [28],
    "season": [1, [7, 28]],
    "lookback": [112],
    "loss": ["quantile", "negative_binomial"],
    "missing": ["mask"],
    "n_ahead": [7],
    "conformal": [False],
    "errors": ["skip"],
    "past_covariates": [("promotion",)],
    "calendar": [("weekday", "month")],
    "hidden_size": [64, 256],
    "n_layers": [2],
    "max_iter": [2],
    "n_sample": [25],
    "bidirectional": [True],
    "residual": [True],
    "head_size": [64],
    "segment": [1],
    "dropout": [0.2],
    "recurrent_dropout": [0.25],
    "n_estimators": [3],
    "batches_per_epoch": [100],
    "batch_size": [32, 128],
    "solver": ["sgd"],
    "averaging": [0.99],
    "early_stopping": [False],
    "cell": ["gru", "rnn", "attention"],
    "dtype": ["float64"],
    "scope": ["local", "fine_tuned"],
    "pretrained": ["auto"],
}
USUAL = "scope", "pretrained"  # changed in a fit of usual length, to few series


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=list(CHANGES), default=list(CHANGES))
    parser.add_argument("--rounds", type=int, default=3, help="of which medians count")
    parser.add_argument("--page", action="store_true", help="write the page, measure nothing")
    options = parse_arguments(parser)
    if not options.page:
        rows = {} if not RESULTS.exists() else rows_of(json.loads(RESULTS.read_text("utf-8")))
        rows |= measure(options.only, options.rounds)
        table = Table(
            "parameters",
            "Time with a parameter changed, as a multiple of that with the defaults",
            ["parameter", "value", "fit", "predict"],
            f"Medians of {options.rounds}: seconds of the processor, one thread; pretrained=None.",
        )
        for name in CHANGES:
            for value, *ratios in rows.get(name, []):
                table.row(f"`{name}`", f"`{value}`", *ratios)
    if options.page or options.results:
        write_page(json.loads(RESULTS.read_text("utf-8")))


def rows_of(content):
    """Values and ratios of each parameter of a table."""
    rows = {}
    for name, value, *ratios in content["rows"]:
        rows.setdefault(name.strip("`"), []).append([value.strip("`"), *ratios])
    return rows


def measure(names, rounds):
    """Values and ratios of these parameters' changes."""
    warnings.simplefilter("ignore")  # of so little training
    y, X = panel()
    changes = [(name, value) for name in names for value in CHANGES[name]]
    ratios = [([], []) for _ in changes]
    few = y.iloc[:, :FEW]
    tiny = SHORT | {"batches_per_epoch": 1}
    seconds_of(few, X, tiny)  # compile
    whole = seconds_of(y, X, SHORT)
    for k in range(rounds):
        for number, (name, value) in enumerate(changes):
            if k == 0:
                seconds_of(few, X, tiny | {name: value})  # compile
            if name in USUAL:
                base = seconds_of(few, X, ALL)
                measured = seconds_of(few, X, ALL | {name: value})
            else:
                whole = seconds_of(y, X, SHORT) if number % 4 == 0 else whole
                base, measured = whole, seconds_of(y, X, SHORT | {name: value})
            for values, new, old in zip(ratios[number], measured, base, strict=True):
                values.append(new / old)
            print(k, name, value, *(values[-1] for values in ratios[number]), file=sys.stderr)
    rows = {}
    for (name, value), kept in zip(changes, ratios, strict=True):
        texts = [f"{statistics.median(values):.2g}" for values in kept]
        rows.setdefault(name, []).append([repr(value).replace("'", '"'), *texts])
    return rows


def panel():
    """Daily counts with a week, and a covariate."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=N_DAYS)
    phase = 2 * np.pi * (np.arange(N_DAYS)[:, None] + rng.integers(0, 7, N_SERIES)) / 7
    level = rng.uniform(20, 200, N_SERIES) * np.exp(rng.normal(0, 0.02, (N_DAYS, 1)).cumsum(axis=0))
    counts = rng.poisson(level * (1 + 0.3 * np.sin(phase))).astype(float)
    y = pd.DataFrame(counts, days, [f"series {k}" for k in range(N_SERIES)])
    return y, pd.DataFrame({"promotion": rng.random(N_DAYS) < 0.2}, days)


def seconds_of(y, X, parameters):
    """Seconds of the processor that a fit and five predictions take."""
    forecaster = RNNForecaster(**parameters)
    if parameters.get("missing") == "mask":
        y = y.mask(np.random.default_rng(1).random(y.shape) < 0.05)
    covariates = (X,) if "past_covariates" in parameters else ()
    began = time.process_time()
    forecaster.fit(y, *covariates)
    fitted = time.process_time()
    for _ in range(5):
        forecaster.predict()
    return fitted - began, time.process_time() - fitted


def write_page(content):
    """Fill the last column of the page's tables, and say where it was measured."""
    cells = {
        name: "; ".join(f"`{value}`: {', '.join(ratios)}" for value, *ratios in rows)
        for name, rows in rows_of(content).items()
    }

    def filled(line):
        return f"{line[1]}| {cells.get(line[2], '')} |".replace("|  |", "| |")

    text = PAGE.read_text("utf-8")
    text = re.sub(r"^(\| `(\w+)` (?:\|[^|\n]*){3})\|[^|\n]*\|$", filled, text, flags=re.M)
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    place = content["machine"]["processor"], content["machine"]["date"]
    PAGE.write_text(f"{before}{BEGIN}\nMeasured on {', '.join(place)}.\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
