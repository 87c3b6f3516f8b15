"""The pretrained network as a part of a fitted forecaster."""

import dataclasses

import numpy as np

from tsrnn.forecasting.pretrained.network import PretrainedNetwork, longer_season
from tsrnn.kernels.simple_forecasts.filling import longest_needed

LONGEST_SEASON = 1_000_000  # steps


@dataclasses.dataclass(frozen=True, eq=False)
class Pretrained:
    """The pretrained network, the season it takes, and its share of the forecasts."""

    network: PretrainedNetwork
    season: int
    share: float  # 1 without a network of its own

    @property
    def n_read(self) -> int:
        """Most values of a series that a forecast depends on."""
        season, long = np.array([self.season]), np.array([longer_season(self.season)])
        return int(longest_needed(season, long)[0])
