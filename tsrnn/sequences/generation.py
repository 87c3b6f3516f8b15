"""Generation: a fitted language model writes on after a prompt."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.sampling import Sampling
from tsrnn.network import Context, Memory
from tsrnn.network.transformer import CELL
from tsrnn.sequences.language_state import FittedLanguageModel

_FIRST_BLOCK, _LARGEST_BLOCK = 64, 1024  # tokens between looks for a stop, or for Ctrl-C
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
    network, outputs = model.network, np.full(model.network.n_out, np.nan)
    if network.cell == CELL:
        context = Context(network, model.n_steps, n_jobs=1)
        n_read = Context.n_needed(len(prompt), model.n_steps)
        for row in prompt[len(prompt) - n_read :]:
            outputs = context.step(row if network.n_tokens == 0 else network.embed(row))[0]
        return context, outputs.astype(np.float64)
    states = np.zeros((1, network.state_width), network.parameters.dtype)
    outputs = model.read_on(prompt, states)
    return Memory(network, states=states), outputs
