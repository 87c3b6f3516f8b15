"""Types of constructors' parameters, for editors and type checkers; constraints check the values.

Cells and losses are files that may be added: their types list those of tsrnn and take any text.
"""

from typing import Literal, TypeAlias

import numpy as np

Auto: TypeAlias = Literal["auto"]
RandomStateLike: TypeAlias = int | np.random.RandomState | None
Dtype: TypeAlias = Literal["float32", "float64"]
Device: TypeAlias = Literal["cpu", "cuda"]
Missing: TypeAlias = Literal["raise", "mask"]
Pooling: TypeAlias = Literal["last", "mean", "max", "attention"]
Solver: TypeAlias = Literal["adam", "adamw", "sgd", "rmsprop"]
Schedule: TypeAlias = Literal["one_cycle", "constant", "cosine", "adaptive"]
RecurrentCell: TypeAlias = Literal["lstm", "gru", "rnn", "rnn_relu"] | str
Cell: TypeAlias = Literal["lstm", "gru", "rnn", "rnn_relu", "attention"] | str
Loss: TypeAlias = (
    Literal[
        "absolute_error",
        "squared_error",
        "huber",
        "quantile",
        "gaussian",
        "student_t",
        "poisson",
        "negative_binomial",
        "tweedie",
    ]
    | str
)
UnitName: TypeAlias = Literal["character", "word", "subword"]
