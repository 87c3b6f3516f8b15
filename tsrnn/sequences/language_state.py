"""FittedLanguageModel: a network with its vocabulary, which evaluates and continues sequences."""

import dataclasses
import math
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.kernels.targets import claim
from tsrnn.network import Network
from tsrnn.network.transformer import CELL
from tsrnn.parameters.types import UnitName
from tsrnn.sequences.frames import Frames, are_frames
from tsrnn.sequences.streams import evaluate_carried, evaluate_windows
from tsrnn.sequences.tokenizer import Tokenizer
from tsrnn.sequences.tokens import Tokens

_PROMPT_STEPS = 256  # that are read at once


def learn_reader(unit: UnitName | Tokenizer | None, X: Any) -> Tokens | Frames:
    """What reads sequences like those of X: pieces of music, or what ``unit`` says."""
    return Frames.learn(X) if unit is None and are_frames(X) else Tokens.learn(unit, X)


@dataclasses.dataclass(frozen=True, eq=False)
class FittedLanguageModel:
    """The fitted state of a language model."""

    network: Network
    reader: Tokens | Frames
    n_steps: int  # that attention reads

    def read(self, X: Any) -> Source:
        """Sequences as a source; ValueError if X is not like what was fitted."""
        return self.reader.read(X)

    def step_losses(self, source: Source, n_jobs: int | None = None) -> list[np.ndarray]:
        """Negative log-likelihood of each predicted step of sequences in nats, float64 arrays.

        The state is carried from the beginning of a sequence to its end. Attention reads up to
        ``n_steps`` before a step, and half as many at least.
        """
        reader = self.reader
        if isinstance(reader, Tokens):
            return self._evaluate(source, n_jobs, self._token_losses, ())
        return [
            reader.losses(scores, source.targets[first : first + len(scores)])
            for first, scores in zip(source.firsts, self._step_scores(source, n_jobs), strict=True)
        ]

    def step_probabilities(self, source: Source, n_jobs: int | None = None) -> list[np.ndarray]:
        """Probabilities of each token or note at each predicted step, (n_steps, n_out) arrays."""
        scores = self._step_scores(source, n_jobs)
        if isinstance(self.reader, Tokens):
            return [softmax(of_sequence, axis=1) for of_sequence in scores]
        return [expit(of_piece) for of_piece in scores]

    def _step_scores(self, source, n_jobs):
        """Outputs for each step of sequences, (n_steps, n_out) float64 arrays."""
        return self._evaluate(source, n_jobs, self.network.predict, (self.network.n_out,))

    def _token_losses(self, source, windows, workers, states):
        return self.network.step_losses(source, windows, self.reader.loss, workers, states)

    def _evaluate(self, source, n_jobs, evaluate, shape_of_step) -> list[np.ndarray]:
        """What a method of the network says of each step of sequences."""
        network, places = self.network, (source.firsts, source.lengths)
        n_outputs = math.prod(shape_of_step)
        n_threads = network.threads_for(n_jobs, source, source.firsts.size)
        with claim("cpu", n_threads) as workers:

            def run(firsts, lengths, states=None):
                part = source._replace(firsts=firsts, lengths=lengths)
                values = evaluate(part, np.arange(firsts.size), workers, states)
                return values.reshape(firsts.size, -1, *shape_of_step)

            if network.cell == CELL:
                return evaluate_windows(*places, self.n_steps, run, n_outputs)
            state = network.state_width, network.parameters.dtype
            return evaluate_carried(*places, *state, run, n_outputs)

    def prompt_source(self, prompt: np.ndarray) -> Source:
        """A source of the steps of a prompt, as the reader's ``read_prompt`` returns it."""
        window = np.arange(1), np.array([len(prompt)])
        if isinstance(self.reader, Frames):
            return sequence_source(prompt, *window)
        return sequence_source(np.empty((len(prompt), 0)), *window, tokens=prompt)

    def read_on(self, prompt: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Carry states (1, state_width), which are overwritten, over the steps of a prompt.

        Returns the outputs for the last step, (n_out,); NaN of an empty prompt.
        """
        outputs, source = np.full(self.network.n_out, np.nan), self.prompt_source(prompt)
        for first in range(0, len(prompt), _PROMPT_STEPS):
            n = min(_PROMPT_STEPS, len(prompt) - first)
            part = source._replace(firsts=np.array([first]), lengths=np.array([n]))
            outputs = self.network.predict(part, np.arange(1), 1, states)[0]
        return outputs[-self.network.n_out :]
