"""The GPU's results beside the CPU's."""

import numpy as np
from results import Table

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
from tsrnn.kernels.sources import forecast_source
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Settings, train

BOUNDS = {"float32": 1e-4, "float64": 1e-10}


def parity(run):
    """Hold predictions and trainings on the GPU against the CPU's, and end if they part."""
    values = load_airline().to_numpy(float)
    n_hidden = 3 if run.dry else 48
    columns = ["network", "forecasts", "weights after two steps", "bound", "first calls s"]
    table = Table("gpu-parity", "Largest relative differences from the CPU", columns)
    for cell in ("lstm", "gru", "rnn"):
        for dtype, bound in BOUNDS.items():
            if not run.has_time_for(f"parity of {cell}, {dtype}"):
                continue
            source = forecast_source(values.astype(dtype), 12, 12, 0.1)
            found, seconds = {}, 0.0
            for device in ("cpu", "cuda"):
                call = Call(cell, dtype, n_hidden, source, device)
                seconds = run.first_call(call)  # the GPU's is the last
                found[device] = call.predictions, call.weights
            apart = [
                np.abs(there - here).max() / np.abs(here).max()
                for here, there in zip(found["cpu"], found["cuda"], strict=True)
            ]
            differences = f"{apart[0]:.1e}", f"{apart[1]:.1e}"
            table.row(f"{cell}, {dtype}", *differences, f"{bound:g}", f"{seconds:.1f}")
            if not max(apart) < bound:
                raise SystemExit(f"{cell} in {dtype} parts from the CPU: nothing else is measured.")
    if run.has_time_for("parity of AirPassengers"):
        airline(run, table)


class Call:
    """Predictions of a network, and its weights after two steps of training."""

    def __init__(self, cell, dtype, n_hidden, source, device):
        self.network = RecurrentNetwork(cell, 1, n_hidden, 12, dtype, n_layers=2)
        self.rng = np.random.default_rng(0)
        self.network.initialise(self.rng, scale=1.0)
        self.source, self.device = source, device
        self.predictions = self.weights = np.empty(0)

    def __call__(self):
        windows, none = np.arange(100), np.empty(0, int)
        workers = 1 if self.device == "cpu" else "cuda"
        self.predictions = self.network.predict(self.source, windows, workers)
        settings = Settings(max_iter=1, batch_size=50, device=self.device, dropout=0.1, n_jobs=1)
        train(self.network, self.source, windows, none, settings, self.rng)
        self.weights = self.network.parameters


def airline(run, table):
    """A whole fit and its forecast."""
    y, (epochs, n_hidden) = load_airline(), (1, 3) if run.dry else (20, 32)
    if run.dry:
        y = y[:72]
    forecasts = [
        RNNForecaster(12, hidden_size=n_hidden, max_iter=epochs, device=device, conformal=False)
        .fit(y[:-12])
        .predict()
        .to_numpy()
        for device in ("cpu", "cuda")
    ]
    apart = np.abs(forecasts[1] / forecasts[0] - 1).max()
    table.row(f"airline, {epochs} epochs", f"{apart:.1e}", None, "0.001")
    if not apart < 1e-3:
        raise SystemExit("Forecasts part from the CPU's: nothing else is measured.")
