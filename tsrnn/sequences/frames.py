"""Frames: polyphonic music as a language model reads it, the notes that are on at each step."""

import dataclasses
from typing import Any, Self

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.parameters import naming


def are_frames(X: Any) -> bool:
    """Whether X is a collection of (n_steps, n_notes) arrays.

    ValueError for a single array of 0 and 1, whose rows might be frames or sequences of items.
    """
    if getattr(X, "ndim", 0) == 2:
        values = np.asarray(X)
        if values.shape[1] > 1 and np.isin(values, (0, 1)).all():
            raise ValueError(
                f"X is one array of 0 and 1, of shape {values.shape}. Give a piece of music as "
                "[X], or sequences of items as list(X)."
            )
    if hasattr(X, "ndim"):
        return X.ndim == 3
    return isinstance(X, (list, tuple)) and len(X) > 0 and _is_table(X[0])


def _is_table(values):
    """Whether values are an array of two axes, or lists in a list."""
    is_list = isinstance(values, (list, tuple)) and len(values) > 0
    return all(isinstance(row, list) for row in values) if is_list else np.ndim(values) == 2


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
    """The notes of a language model of frames, each of which is on (1) or off (0)."""

    n_notes: int

    loss = "binary_cross_entropy"

    @classmethod
    def learn(cls, X: Any) -> Self:
        """As many notes as the first piece of X has."""
        return cls(int(np.shape(X[0])[1]))

    @property
    def n_in(self) -> int:
        """Numbers that a step reads."""
        return self.n_notes

    @property
    def n_out(self) -> int:
        """Outputs of a step: the log-odds of each note."""
        return self.n_notes

    @naming("X")
    def read(self, X: Any) -> Source:
        """Pieces as a source, end to end; a step's targets are the notes of the next frame.

        Raises
        ------
        ValueError
            If X is no collection of arrays of 0 and 1 with ``n_notes`` columns, or a piece has
            fewer than two frames.
        """
        if not are_frames(X):
            raise ValueError(
                "X must be a list of (n_steps, n_notes) arrays of 0 and 1, as in fit. Give a "
                "single piece as [X]."
            )
        pieces = [self._read_piece(piece, f"Piece {k} of X") for k, piece in enumerate(X)]
        for number, piece in enumerate(pieces):
            if len(piece) < 2:
                raise ValueError(
                    f"Piece {number} of X has {len(piece)} frames: there is none to predict from "
                    "the one before. Leave it out."
                )
        values = np.concatenate(pieces)
        targets = np.concatenate([values[1:], np.full((1, self.n_notes), np.nan)])
        sizes = np.array([len(piece) for piece in pieces])
        return sequence_source(values, np.cumsum(sizes) - sizes, sizes - 1, targets)

    def log_odds(self, source: Source, windows: np.ndarray) -> np.ndarray:
        """Logarithm of each note's odds to be on in the frames that windows predict, (n_notes,).

        A network whose output bias begins there need not learn first which notes are rare.
        """
        places = zip(source.firsts[windows], source.lengths[windows], strict=True)
        frames = np.concatenate([source.targets[first : first + n] for first, n in places])
        n_on = frames.sum(axis=0)
        return portable.log((n_on + 0.5) / (len(frames) - n_on + 0.5))

    def read_prompt(self, prompt: Any, name: str = "prompt") -> np.ndarray:
        """Frames to continue, (n_steps, n_notes) float64.

        ValueError, which calls them ``name``, if there are none or they are not of 0 and 1.
        """
        with naming(name):
            if prompt is None or np.ndim(prompt) != 2 or len(prompt) == 0:
                raise ValueError(
                    f"{name} must be an (n_steps, n_notes) array of one frame or more: the network "
                    "has not learned how a piece begins. Give the first frames of one."
                )
            return self._read_piece(prompt, name)

    def losses(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Negative log-likelihood of frames, (n_steps,) float64, summed over notes."""
        scores = scores.astype(np.float64)
        softplus = np.maximum(scores, 0) + portable.log(1 + portable.exp(-np.abs(scores)))
        return (softplus - targets * scores).sum(axis=1)

    def _read_piece(self, piece, name):
        shape = np.shape(piece)
        if len(shape) != 2 or shape[1] != self.n_notes:
            raise ValueError(
                f"{name} has shape {shape}, and there are {self.n_notes} notes: give it as "
                f"(n_steps, {self.n_notes})."
            )
        frames = np.array(piece, np.float64)
        wrong = np.argwhere((frames != 0) & (frames != 1))
        if wrong.size:
            step, note = wrong[0].tolist()
            raise ValueError(
                f"{name} holds {frames[step, note]:g} at step {step}, note {note}. A note is on "
                "(1) or off (0)."
            )
        return frames
