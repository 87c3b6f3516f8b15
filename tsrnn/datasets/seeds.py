"""Random numbers of the generators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsrnn.parameters import is_integer

if TYPE_CHECKING:
    import numpy as np


def random_generator(random_state: int | np.random.Generator | None) -> np.random.Generator:
    """Generator of a seed, of None for a new one each time, or the generator given.

    Raises
    ------
    ValueError
        If ``random_state`` is none of these.
    """
    import numpy as np

    is_seed = is_integer(random_state)
    if isinstance(random_state, np.random.Generator) or random_state is None:
        return np.random.default_rng(random_state)
    if is_seed and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise ValueError(
        "random_state must be None, an integer of at least 0 or a numpy.random.Generator, "
        f"got {random_state!r}."
    )
