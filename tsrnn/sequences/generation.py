"""Generation: a fitted language model writes on after a prompt."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.sampling import Sampling, draw
from tsrnn.network import Memory
from tsrnn.network.transformer import CELL
from tsrnn.sequences.language_state import FittedLanguageModel

_FIRST_BLOCK, _LARGEST_BLOCK = 64, 8192  # tokens between looks for a stop
_NEVER = -1e30  # score of what is never drawn


def generate_tokens(
    model: FittedLanguageModel,
    prompt: np.ndarray,
    n: int,
    sampling: Sampling,
    stop: Sequence,
    rng: np.random.Generator,
) -> Any:
    """Text or list of items of at most ``n`` tokens after a prompt of ids.

    It ends before the token that ends a sequence, or before the first of ``stop``.
    """
    reader: Any = model.reader
    network = model.network.like(model.network.parameters.copy())
    network.views()["head_bias"][reader.never_drawn] = _NEVER
    memory, _ = _memory_of(dataclasses.replace(model, network=network), prompt[:-1])
    ids, size = prompt[-1:], _FIRST_BLOCK
    while ids.size <= n:
        size = min(size, n + 1 - ids.size)
        uniforms = rng.random((1, size))
        ids = np.concatenate([ids, memory.generate(ids[-1:], uniforms, sampling)[0]])
        written, is_finished = _until_stop(reader, ids[1:], stop)
        if is_finished:
            return written
        size = min(2 * size, _LARGEST_BLOCK)
    return reader.decode(ids[1:])


def _until_stop(reader, ids, stop):
    """What is decoded before the end or a stop, and whether there is one."""
    ends = np.flatnonzero(ids == reader.boundary)
    if ends.size:
        ids = ids[: ends[0]]
    if not ends.size and not stop:
        return None, False
    written = reader.decode(ids)
    find = written.find if isinstance(written, str) else lambda item: _index(written, item)
    places = [place for place in map(find, stop) if place >= 0]
    return written[: min(places, default=None)], bool(ends.size or places)


def _index(items, item):
    return items.index(item) if item in items else -1


def generate_frames(
    model: FittedLanguageModel,
    prompt: np.ndarray,
    n: int,
    temperature: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Frames after those of a prompt, (n, n_notes) int8, each note drawn by its probability."""
    memory, scores = _memory_of(model, prompt)
    frames = np.empty((n, model.network.n_out), np.int8)
    for frame, uniforms in zip(frames, rng.random(frames.shape), strict=True):
        if temperature == 0:
            frame[:] = scores > 0
        else:
            with np.errstate(over="ignore"):  # to infinity at a temperature near 0
                odds = portable.exp(-scores / temperature)
            frame[:] = uniforms * (1 + odds) < 1
        scores = memory.step(frame[None])[0].astype(np.float64)
    return frames


def _memory_of(model, prompt):
    """What steps on from the end of a prompt, and the outputs for its last step."""
    if model.network.cell == CELL:
        window = _Window(model, prompt)
        return window, window.outputs()
    states = np.zeros((1, model.network.state_width), model.network.parameters.dtype)
    outputs = model.read_on(prompt, states)
    return Memory(model.network, states=states), outputs


class _Window:
    """Steps like ``Memory``, of attention: all of the last ``n_steps`` are read for each."""

    def __init__(self, model, prompt):
        self._model, self._rows = model, prompt[-model.n_steps :]

    def outputs(self) -> np.ndarray:
        """The outputs for the last step, (n_out,); NaN of an empty window."""
        network = self._model.network
        if not len(self._rows):
            return np.full(network.n_out, np.nan)
        source = self._model.prompt_source(self._rows)
        return network.predict(source, np.arange(1))[0, -network.n_out :]

    def step(self, rows: np.ndarray) -> np.ndarray:
        """The outputs for one further row, (1, n_out)."""
        self._rows = np.concatenate([self._rows, rows])[-self._model.n_steps :]
        return self.outputs()[None]

    def generate(self, tokens: np.ndarray, uniforms: np.ndarray, sampling: Sampling) -> np.ndarray:
        """Draw tokens, (1, n), each from the softmax of the outputs after the one before it."""
        drawn = [int(tokens[0])]
        n_out = self._model.network.n_out
        space = np.empty(n_out), np.empty(n_out, int)
        for uniform in uniforms[0]:
            scores = self.step(np.array(drawn[-1:]))[0]
            drawn.append(int(draw(scores, uniform, sampling, *space)))
        return np.array([drawn[1:]])
