"""How the pretrained network is made: on series that are simulated while it trains.

    python -m tsrnn.forecasting.pretrained.training FOLDER

writes ``network.npz``, ``card.json``, ``log.csv`` with the loss of each round, and ``state.npz``,
from which an interrupted training goes on. A round simulates windows that no other has, and trains
on each once. Results depend on the seed alone, not on threads, interruptions or the processor.
"""

import argparse
import dataclasses
import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tsrnn.forecasting.pretrained.network import (
    LEVELS,
    PretrainedNetwork,
    Stretches,
    checksum,
    prepare,
)
from tsrnn.kernels import portable
from tsrnn.kernels.jit.threads import claim_threads
from tsrnn.kernels.simple_forecasts.filling import Filled
from tsrnn.kernels.simple_forecasts.inputs import N_INPUTS
from tsrnn.kernels.simulation.filling import fill_series, shares_of
from tsrnn.kernels.simulation.series import KINDS
from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.network import Network
from tsrnn.training import Moments, Settings, train

_LARGEST = 30.0  # target, in units of a window's scale
_TESTED_FROM = 0.95  # of the rounds: the state after these is written for a test of the rest

LIMITS = (
    "It reads values alone, no covariates, calendars or names.",
    "Steps further than 96 ahead were not trained on.",
    "One season, the week of steps of a day, and the year of days.",
    "Trends that pause are continued with caution: of AirPassengers it is too low 24 months ahead.",
    "Whole numbers and zeros were trained on, but quantiles are not whole.",
    "An outlier at the very end may be taken for a new level.",
)


@dataclasses.dataclass(frozen=True)
class Task:
    """Series of a season to forecast, and how often they are trained on."""

    seasons: tuple[int, ...]
    horizons: tuple[int, int]  # least and most
    lengths: tuple[int, int]
    share: float


TASKS = (
    Task((1,), (4, 24), (4, 160), 0.25),
    Task((4,), (4, 16), (4, 100), 0.17),
    Task((12,), (6, 24), (4, 160), 0.25),
    Task((24, 168), (12, 96), (30, 750), 0.08),
    Task((24,), (12, 48), (30, 300), 0.05),
    Task((7,), (7, 35), (6, 250), 0.07),
    Task((7, 364), (7, 35), (250, 1500), 0.03),
    Task((52,), (4, 30), (20, 400), 0.1),
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """A training."""

    seed: int = 0
    n_rounds: int = 100
    n_windows: int = 10_000  # of a round
    hidden_size: int = 128
    batch_size: int = 128
    learning_rate: float = 3e-3

    def rate(self, number: int) -> float:
        """Learning rate of a round: a cosine, after a first round at half of it."""
        warm_up = 0.5 if number == 0 else 1.0
        return self.learning_rate * warm_up * (1 + math.cos(math.pi * number / self.n_rounds)) / 2


def simulate_stretches(
    task: Task, n: int, rng: np.random.Generator, n_jobs: int | None = None
) -> tuple[Stretches, np.ndarray]:
    """Simulated series up to a step of each, and horizons whose values follow."""
    (shortest, longest), (nearest, farthest) = task.lengths, task.horizons
    values = np.empty((n, longest + farthest))
    seed = int(rng.integers(2**60))
    with claim_threads(n_jobs) as n_tasks:
        seasons = np.array([task.seasons], np.int64)
        fill_series(values, seed, 0, seasons, shares_of(KINDS), n_tasks)
    low, high = portable.log(np.array([shortest, longest + 1.0])).tolist()
    lengths = portable.exp(rng.uniform(low, high, n)).astype(np.int64)
    lengths = np.clip(lengths, shortest, longest)  # whatever was rounded
    horizons = rng.integers(nearest, farthest + 1, n)
    firsts = np.arange(n) * values.shape[1] + longest - lengths
    return Stretches(values.ravel(), firsts, lengths, task.seasons[0]), horizons


def windows_of(
    stretches: Stretches,
    horizons: np.ndarray,
    n_jobs: int | None = None,
    truth: np.ndarray | None = None,
) -> tuple[Filled, np.ndarray]:
    """Inputs and targets of stretches whose futures follow them; rows of the past have none.

    ``truth`` are the values, with NaN in place of those that are no targets.
    """
    filled, exponents, offsets = prepare(stretches, horizons, n_jobs)
    targets = np.full((len(filled.inputs), 1), np.nan, np.float32)
    steps = np.arange(horizons.sum()) - np.repeat(np.cumsum(horizons) - horizons, horizons)
    rows = np.repeat(filled.firsts + filled.n_read, horizons) + steps
    places = np.repeat(stretches.firsts + stretches.lengths, horizons) + steps
    truth = (stretches.values if truth is None else truth)[places] - np.repeat(offsets, horizons)
    truth = np.ldexp(truth, -np.repeat(exponents, horizons))
    scales = np.repeat(np.where(filled.scales > 0, filled.scales, np.nan), horizons)
    errors = (truth - filled.base[rows]) / scales
    targets[rows, 0] = np.clip(errors, -_LARGEST, _LARGEST)
    return filled, targets


def simulate_windows(plan: Plan, number: int, n_jobs: int | None = None) -> Source:
    """The windows of a round."""
    rng = np.random.default_rng([plan.seed, number])
    parts = []
    for task in TASKS:
        n = round(plan.n_windows * task.share)
        parts.append(windows_of(*simulate_stretches(task, n, rng, n_jobs), n_jobs))
    return joined(parts, sum(len(targets) for _, targets in parts))


def joined(parts: Iterable[tuple[Filled, np.ndarray]], n_most: int) -> Source:
    """The source of several lots of windows, of ``n_most`` rows or fewer.

    Each lot may be let go of when it is copied; memory is taken for the rows that there are.
    """
    inputs, targets = np.empty((n_most, N_INPUTS)), np.empty((n_most, 1))
    lengths, n_rows = [], 0
    for filled, of_part in parts:
        rows = slice(n_rows, n_rows + len(of_part))
        inputs[rows], targets[rows], n_rows = filled.inputs, of_part, rows.stop
        lengths.append(filled.lengths)
    n = np.concatenate(lengths)
    return sequence_source(inputs[:n_rows], np.cumsum(n) - n, n, targets[:n_rows])


def settings_of(plan: Plan, rate: float, n_jobs: int | None = None) -> Settings:
    """Settings of an epoch at a constant rate."""
    return Settings(
        loss="quantile",
        loss_params=LEVELS,
        max_iter=1,
        batch_size=plan.batch_size,
        learning_rate="constant",
        learning_rate_init=rate,
        n_jobs=n_jobs,
    )


def train_round(
    plan: Plan, number: int, network: Network, moments: Moments, n_jobs: int | None = None
) -> float:
    """Train for a round in place; the mean loss."""
    source = simulate_windows(plan, number, n_jobs)
    settings = settings_of(plan, plan.rate(number), n_jobs)
    windows, rng = np.arange(source.firsts.size), np.random.default_rng([plan.seed, number])
    history = train(network, source, windows, windows[:0], settings, rng, moments=moments)
    return history.loss_curve[-1]


def pretrain(folder: Path, plan: Plan, n_jobs: int | None = None) -> Network:
    """Train, or go on where a training in that folder was interrupted, and write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    network = PretrainedNetwork.of_shape(plan.hidden_size, np.random.default_rng(plan.seed)).network
    moments, losses, state = Moments(network), [], folder / "state.npz"
    if state.exists():
        losses = read_state(state, plan, network, moments)
    n_before_test = round(_TESTED_FROM * plan.n_rounds)
    for number in range(len(losses), plan.n_rounds):
        losses.append(train_round(plan, number, network, moments, n_jobs))
        print(f"round {number + 1} of {plan.n_rounds}: loss {losses[-1]:.5f}", flush=True)
        write_state(state, plan, network, moments, losses)
        if number + 1 == n_before_test:
            write_state(folder / "kept.npz", plan, network, moments, losses)
    write_network(folder, plan, network, losses)
    return network


def write_state(path, plan, network, moments, losses):
    """Write all that the training goes on from."""
    temporary = path.with_suffix(".part.npz")
    np.savez(
        temporary,
        plan=json.dumps(dataclasses.asdict(plan)),
        parameters=network.parameters,
        moments=moments.values,
        steps=moments.steps,
        losses=np.array(losses),
    )
    temporary.replace(path)


def read_state(path, plan, network, moments):
    """Set network and moments as they were written; the losses so far."""
    with np.load(path, allow_pickle=False) as file:
        if json.loads(str(file["plan"])) != dataclasses.asdict(plan):
            raise ValueError(f"{path} is of another training. Give another folder, or remove it.")
        network.parameters[:], moments.values[:] = file["parameters"], file["moments"]
        moments.steps = int(file["steps"])
        return file["losses"].tolist()


def write_network(folder, plan, network, losses):
    """Write the network, its card, and the loss of each round."""
    np.savez(folder / "network.npz", parameters=network.parameters)
    card = {
        "version": 1,
        "sha256": checksum(network.parameters),
        "n_parameters": network.parameters.size,
        **dataclasses.asdict(plan),
        "trained_on": "simulated series alone, see tsrnn.datasets.simulate_series; none is real",
        "limits": LIMITS,
        "tasks": [dataclasses.asdict(task) for task in TASKS],
        "loss": losses[-1],
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    rows = [f"{k + 1},{loss:.6f}" for k, loss in enumerate(losses)]
    (folder / "log.csv").write_text("\n".join(["round,loss", *rows]) + "\n", encoding="utf-8")


def main() -> None:
    """Train by the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    for field in dataclasses.fields(Plan):
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(option, type=type(field.default), default=field.default)
    parser.add_argument("--jobs", type=int)
    options = vars(parser.parse_args())
    folder, n_jobs = options.pop("folder"), options.pop("jobs")
    pretrain(folder, Plan(**options), n_jobs)


if __name__ == "__main__":
    main()
