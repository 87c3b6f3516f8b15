"""Origins between two fits, and what forecasters know there."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tsrnn.data import Collection, slice_series


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """Origins that one fit forecasts from: forecasters are fitted at the first of them.

    At later ones they read the values up to these, with what they learned before.
    """

    collection: Collection  # whole series; nothing after ``ends`` but known channels may be read
    ends: np.ndarray  # (n_series, n_origins) known values at each origin
    horizon: int
    coverages: Sequence[float] = ()
    quantiles: Sequence[float] = ()
    season: int = 1
    n_known: int = 0  # channels that are known in the future: they come first

    def histories(self) -> list[np.ndarray]:
        """Known values of each series at the last origin, missing ones filled."""
        panel = self.collection.panel
        bounds = zip(panel.indptr[:-1], self.ends[:, -1], strict=True)
        return [panel.values[first : first + n] for first, n in bounds]


def head(collection: Collection, lengths: np.ndarray) -> Collection:
    """The first ``lengths`` (n_series,) values of each series."""
    return slice_series(collection, np.zeros_like(lengths), lengths)
