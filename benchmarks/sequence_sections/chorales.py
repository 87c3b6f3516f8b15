"""Polyphonic music: negative log-likelihood of Bach's chorales."""

import time

import numpy as np
from results import Table, below

from sequence_sections.data import read_chorales
from tsrnn import RNNLanguageModel

# The pieces for validation choose the epoch; they chose the setting of the LSTM, and from it the
# learning rates of the others.
SETTING = {
    "hidden_size": 200,
    "dropout": 0.2,
    "recurrent_dropout": 0.4,
    "n_steps": 200,  # longer than any piece: none is cut
    "batch_size": 4,
    "learning_rate": "one_cycle",
    "max_iter": 30,
}
# By the cell: learning rate, nats a frame to be below.
CELLS = {"lstm": (1e-2, 8.45), "gru": (5e-3, None), "rnn": (2e-3, None)}
PUBLISHED = {"LSTM": 8.45, "GRU": 8.43, "TCN": 8.10, "tanh network": 8.91}


def chorales(run):
    """Print nats a frame on the test pieces."""
    train, validation, test = read_chorales(run.dry)
    n = len(validation)
    share = (n - 0.5) / (len(train) + n)  # the last n pieces
    columns = ["model", "validation", "test", "lowest", "highest"]
    columns += ["test, mean of pieces", "s a fit"]
    table = Table("sequences-chorales", "JSB chorales, nats a frame", columns)
    for cell, (rate, most) in CELLS.items():
        rows = []
        for seed in range(run.seeds):
            small = {"hidden_size": 8, "max_iter": 2} if run.dry else {}
            model = RNNLanguageModel(
                None,
                cell=cell,
                early_stopping=True,
                validation_fraction=share,
                learning_rate_init=rate,
                random_state=seed,
                **SETTING | small,
            )
            started = time.perf_counter()
            model.fit([*train, *validation])
            seconds = time.perf_counter() - started
            by_piece = -np.mean([values.mean() for values in model.step_log_likelihood(test)])
            rows.append((-model.score(validation), -model.score(test), by_piece, seconds))
        on_validation, on_test, by_piece, seconds = np.mean(rows, axis=0)
        ends = [f"{end(rows, axis=0)[1]:.2f}" for end in (np.min, np.max)]
        table.row(
            f"RNNLanguageModel, {cell}, mean of {run.seeds} seeds",
            f"{on_validation:.2f}",
            below(on_test, most),
            *ends,
            f"{by_piece:.2f}",
            f"{seconds:.1f}",
        )
    for name, nats in PUBLISHED.items():
        table.row(f"{name} (published with the TCN)", None, f"{nats:.2f}")
    table.note(
        "Sums over the 88 notes of a frame, means over all frames of all pieces but the first of "
        "each, as published with the TCN; beside it the mean of the pieces' means."
    )
