"""The pretrained network, which forecasts series that it has not seen.

It was trained on simulated series alone (``tsrnn.datasets.simulate_series``), by ``training.py``:
for each series simple forecasts are made and weighted by their errors at earlier steps
(``tsrnn.kernels.simple_forecasts``), and the network corrects them and says how sure it is.
"""

from tsrnn.forecasting.pretrained.fine_tuning import FineTuner, TuningSeries
from tsrnn.forecasting.pretrained.network import (
    LEVELS,
    TRUST,
    PretrainedNetwork,
    Stretches,
    forecast_one,
    load_pretrained,
    longer_season,
)
from tsrnn.forecasting.pretrained.outputs import MixedOutputs, PretrainedOutputs
from tsrnn.forecasting.pretrained.state import LONGEST_SEASON, Pretrained

__all__ = [
    "LEVELS",
    "LONGEST_SEASON",
    "TRUST",
    "FineTuner",
    "MixedOutputs",
    "Pretrained",
    "PretrainedNetwork",
    "PretrainedOutputs",
    "Stretches",
    "TuningSeries",
    "forecast_one",
    "load_pretrained",
    "longer_season",
]
