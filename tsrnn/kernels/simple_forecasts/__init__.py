"""Simple forecasts of a series, and what a pretrained network reads of them.

``seasons.py`` estimates seasonal patterns, ``smoothing.py`` levels and trends. From these
``candidates.py`` makes forecasts of several kinds, at the end of a series and at earlier steps,
whose errors are known; ``inputs.py`` weights them by these errors, and writes the inputs of the
network, which corrects the result and says how sure it is. ``filling.py`` does so for many series.
"""
