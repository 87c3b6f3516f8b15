"""From pandas to flat arrays: the first layer that knows a frame or an index."""

from tsrnn.windowing.panel import Panel
from tsrnn.windowing.series import TimeAxis, panel_from_series

__all__ = ["Panel", "TimeAxis", "panel_from_series"]
