"""How far a series is from what networks forecast of it, one step ahead and many, as it goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsrnn.kernels.losses import LOSSES, find_loss
from tsrnn.kernels.windows import Source, sequence_source
from tsrnn.network import Memory, RecurrentNetwork

# Those with one output for each target, the forecast, or two, with its scale.
DETECTOR_LOSSES = tuple(name for name in LOSSES if find_loss(name).outputs_per_target in (1, 2))
MOST_READ = 20.0  # deviations: beyond, a network reads no further


@dataclasses.dataclass(frozen=True)
class ForecastErrors:
    """How a series is read and what is said of it.

    At each step networks read the channels in their deviations from the mean; where there is a
    season, also those a season before the next step, and whether these are known; and where in
    its seasons the step stands. They say what the channels will be ``leads`` steps later.

    Attributes
    ----------
    n_channels : int
    leads : tuple of int
        Rising, from 1 on.
    seasons : tuple of int
        In steps; the first is the one that is looked back by.
    lookback : int
        Steps that are learnt from at once.
    loss : str
        As kernels know it: "gaussian" says a spread with each forecast.
    """

    n_channels: int
    leads: tuple[int, ...]
    seasons: tuple[int, ...]
    lookback: int
    loss: str

    @property
    def n_forecasts(self) -> int:
        """Of each point: one by each lead, and the mean."""
        return len(self.leads) + 1

    def shape(self) -> dict:
        """Inputs, outputs and head of a network, as RecurrentNetwork has them."""
        lagged = self.n_channels + 1 if self.seasons else 0
        return {
            "n_in": self.n_channels + lagged + 2 * len(self.seasons),
            "n_out": find_loss(self.loss).n_outputs(self.n_channels * len(self.leads)),
            "head": "every",
        }

    def source(
        self, series: Sequence[np.ndarray], phases: Sequence[np.ndarray], dtype: str
    ) -> tuple[Source, np.ndarray]:
        """Windows to learn from, of all series.

        Where they look back by a season, each series also stands there without that, as the first
        season of any is read.
        """
        inputs, targets, firsts, lengths, n = [], [], [], [], 0
        for z, phase in zip(series, phases, strict=True):
            length = min(self.lookback, len(z) // 2)
            for looks_back in (True, False) if self.seasons else (False,):
                first = min(self.season, len(z) - length) - 1 if looks_back else 0
                inputs.append(self._inputs(z, phase, looks_back))
                targets.append(self._targets(z))
                firsts.append(n + np.arange(first, len(z) - length))
                lengths.append(np.full(firsts[-1].size, length))
                n += len(z)
        values, targets = (np.concatenate(part).astype(dtype) for part in (inputs, targets))
        firsts, lengths = np.concatenate(firsts), np.concatenate(lengths)
        return sequence_source(values, firsts, lengths, targets), np.arange(firsts.size)

    def judge(
        self, networks: Sequence[RecurrentNetwork], z: np.ndarray, phases: np.ndarray, online: bool
    ) -> tuple[np.ndarray, np.ndarray, ForecastStream]:
        """Errors of a series, what was expected of it, and the networks' memory of it.

        Returns
        -------
        (n, n_forecasts, n_channels) and (n, n_channels) arrays, ForecastStream
            Absolute errors, of a loss that says a spread in units of it; and the next step's
            forecasts. NaN where there is none.
        """
        outputs, memories = scan(networks, self._inputs(z, phases, True))
        middle, spread = self.said(outputs)
        errors = np.full((len(z), self.n_forecasts, self.n_channels), np.nan)
        for k, lead in enumerate(self.leads):
            errors[lead:, k] = np.abs(z[lead:] - middle[: len(z[lead:]), k])
            if spread is not None:
                errors[lead:, k] /= spread[: len(z[lead:]), k]
        errors[:, -1] = np.abs(z)
        expected = np.full_like(z, np.nan)
        expected[1:] = middle[:-1, 0]
        return errors, expected, ForecastStream(self, memories, z, outputs)

    @property
    def season(self) -> int:
        """The season that is looked back by; 1 for none."""
        return self.seasons[0] if self.seasons else 1

    def said(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Forecasts (..., n_leads, n_channels) and their spread, if it is said, of outputs."""
        shape = (*outputs.shape[:-1], len(self.leads), self.n_channels)
        loss = find_loss(self.loss)
        outputs = outputs.reshape(*outputs.shape[:-1], loss.outputs_per_target, -1)
        scale = loss.scale(outputs)
        return outputs[..., 0, :].reshape(shape), None if scale is None else scale.reshape(shape)

    def _inputs(self, z, phases, looks_back):
        z = np.clip(z, -MOST_READ, MOST_READ)
        if not self.seasons:
            return z
        before, known = np.zeros_like(z), np.zeros((len(z), 1))
        if looks_back and len(z) >= self.season:
            past = z[: len(z) - self.season + 1]
            there = ~np.isnan(past).any(axis=1, keepdims=True)
            before[self.season - 1 :] = np.where(there, past, 0)
            known[self.season - 1 :] = there
        return np.hstack([z, before, known, phases])

    def _targets(self, z):
        targets = np.full((len(z), len(self.leads), self.n_channels), np.nan)
        for k, lead in enumerate(self.leads):
            targets[: max(len(z) - lead, 0), k] = z[lead:]
        return np.clip(targets, -MOST_READ, MOST_READ).reshape(len(z), -1)


def scan(
    networks: Sequence[RecurrentNetwork], inputs: np.ndarray
) -> tuple[np.ndarray, list[Memory]]:
    """What networks say at each step of a series, on average, the state carried along from zeros.

    Parameters
    ----------
    networks : sequence of RecurrentNetwork
        Of one shape.
    inputs : (n, n_in) array
        A step with a missing value (NaN) is left out.

    Returns
    -------
    (n, n_out) float64 array, list of Memory
        NaN at steps that were left out; and the networks' states after the last.
    """
    outputs = np.zeros((len(inputs), networks[0].n_out))
    memories = [Memory(network) for network in networks]
    for memory in memories:
        for x, out in zip(inputs, outputs, strict=True):
            out += memory.step(x)[0]
    outputs /= len(networks)
    outputs[np.isnan(inputs).any(axis=1)] = np.nan
    return outputs, memories


class ForecastStream:
    """The state that networks read a series with, and what they said last.

    Parameters
    ----------
    reading : ForecastErrors
    memories : sequence of Memory
        After the last value of the series.
    z, outputs : (n, n_channels) and (n, n_out) arrays
        The series so far, scaled, and what was said at each step.
    """

    def __init__(
        self, reading: ForecastErrors, memories: Sequence[Memory], z: np.ndarray,
        outputs: np.ndarray,
    ):  # fmt: skip
        self.reading, self.memories, self.n_seen = reading, memories, len(z)
        z = np.clip(z, -MOST_READ, MOST_READ)
        self.said, self.seen = _ring(outputs, reading.leads[-1]), _ring(z, reading.season)
        self._leads, self._each = np.array(reading.leads), np.arange(len(reading.leads))
        self._input = np.zeros((1, reading.shape()["n_in"]))

    def step(self, z: np.ndarray, phases: np.ndarray) -> np.ndarray:
        """Errors of the next observation, (n_forecasts, n_channels), which is then read."""
        before = self.said[(self.n_seen - self._leads) % len(self.said)]
        middle, spread = self.reading.said(before)
        errors = np.empty((self.reading.n_forecasts, z.size))
        errors[:-1] = z - middle[self._each, self._each]
        if spread is not None:
            errors[:-1] /= spread[self._each, self._each]
        errors[-1] = z
        self._read(z, phases)
        return np.abs(errors)

    def _read(self, z, phases):
        n, n_channels, row = self.n_seen, z.size, self._input[0]
        row[:n_channels] = np.minimum(np.maximum(z, -MOST_READ), MOST_READ)
        if self.reading.seasons:
            season = len(self.seen)
            self.seen[n % season] = row[:n_channels]
            before = self.seen[(n + 1) % season]
            known = not np.isnan(before.sum())
            row[n_channels : 2 * n_channels] = before if known else 0
            row[2 * n_channels] = known
            row[2 * n_channels + 1 :] = phases
        outputs = self.said[n % len(self.said)]
        if np.isnan(z.sum()):
            outputs[:] = np.nan
        else:
            outputs[:] = self.memories[0].step(self._input)[0]
            for memory in self.memories[1:]:
                outputs += memory.step(self._input)[0]
            outputs /= len(self.memories)
        self.n_seen = n + 1


def _ring(values, size):
    """The last ``size`` rows, that of step t at t modulo ``size``; NaN where there are fewer."""
    ring = np.full((size, values.shape[1]), np.nan)
    steps = np.arange(max(len(values) - size, 0), len(values))
    ring[steps % size] = values[steps]
    return ring
