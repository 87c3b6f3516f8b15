"""Series drawn from processes with random parameters.

A series is a sum of parts, each with parameters of its own: trends (``trends.py``), seasons
(``seasons.py``), noise (``noise.py``) and events (``events.py``); or it is a seasonal ARIMA
(``arima.py``). ``values.py`` turns the sum into values on a scale, counts or intermittent demand,
``series.py`` says how often there is what, and ``filling.py`` fills an array. Every random number
is a hash of the series' key and of how many numbers were drawn before it (``draws.py``).

A part is written in units of the level: 0.1 is a tenth of it. Steps are counted in ``pace``, the
steps of a season: what changes by the year changes less in a month.
"""
