"""Initial weights of a recurrent network."""

import numpy as np

from tsrnn.kernels.portable import log, orthonormal_rows


def orthogonal(n: int, rng: np.random.Generator) -> np.ndarray:
    """A random orthogonal (n, n) matrix, which keeps a gradient's length (Saxe et al. 2014)."""
    return orthonormal_rows(np.ascontiguousarray(rng.standard_normal((n, n)).T)).T


def glorot(n_out: int, n_in: int, rng: np.random.Generator) -> np.ndarray:
    """A (n_out, n_in) matrix uniform within the bound of Glorot & Bengio (2010)."""
    bound = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_out, n_in))


def chrono(n: int, memory: int, rng: np.random.Generator) -> np.ndarray:
    """Biases (n,) of gates that keep for 1 to ``memory`` steps (Tallec & Ollivier 2018).

    A bias is the logarithm of a uniformly drawn span in steps.
    """
    return log(rng.uniform(1, max(memory - 1, 2), n))


def token_embedding(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Rows of tokens, (n_tokens, n_embedding), of length one on average."""
    return rng.standard_normal(shape) / np.sqrt(shape[1])
