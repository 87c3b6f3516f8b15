"""Real and synthetic series, sequences, music, speech and text for examples and tests."""

from tsrnn.datasets.dates import make_dates
from tsrnn.datasets.generate import (
    make_adding_problem,
    make_copy_memory,
    make_lorenz,
    make_mackey_glass,
)
from tsrnn.datasets.load import (
    load_airline,
    load_co2,
    load_machine_temperature,
    load_melbourne,
    load_nile,
    load_nyc_taxi,
    load_seattle_weather,
    load_sp500,
    load_sunspots,
)
from tsrnn.datasets.sentences import make_sentences
from tsrnn.datasets.sequences import (
    load_chorales,
    load_japanese_vowels,
    load_review_sentences,
    load_shakespeare,
)
from tsrnn.datasets.simulate import simulate_series
from tsrnn.datasets.speech import load_spoken_digits

__all__ = [
    "load_airline",
    "load_chorales",
    "load_co2",
    "load_japanese_vowels",
    "load_machine_temperature",
    "load_melbourne",
    "load_nile",
    "load_nyc_taxi",
    "load_review_sentences",
    "load_seattle_weather",
    "load_shakespeare",
    "load_sp500",
    "load_spoken_digits",
    "load_sunspots",
    "make_adding_problem",
    "make_copy_memory",
    "make_dates",
    "make_lorenz",
    "make_mackey_glass",
    "make_sentences",
    "simulate_series",
]
