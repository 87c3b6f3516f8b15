"""Searches for parameters: settings to try, what was tried, and successive halving."""

from tsrnn.forecasting.searching.candidates import SpaceOptions, draw_candidates
from tsrnn.forecasting.searching.halving import Halving, TimeIsUp
from tsrnn.forecasting.searching.record import Evaluation, Record, fingerprint

__all__ = [
    "Evaluation",
    "Halving",
    "Record",
    "SpaceOptions",
    "TimeIsUp",
    "draw_candidates",
    "fingerprint",
]
