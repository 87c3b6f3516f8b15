"""Slow, plain NumPy loops written from the equations: what every kernel is held against.

Imports nothing from tsrnn. All in float64, one window and one unit of time after another.
"""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def lstm(weights, x):
    """Hidden and cell states of one sequence x (n_time, n_in), each (n_time, n_hidden).

    Hochreiter & Schmidhuber (1997) with forget gates; weights by name, gates i, f, g, o.
    """
    n_hidden = weights["weight_hidden"].shape[1]
    h, c = np.zeros(n_hidden), np.zeros(n_hidden)
    hidden, cell = [], []
    for x_t in x:
        i, f, g, o = (
            w_h @ h + b + w_x @ x_t
            for w_h, b, w_x in zip(
                weights["weight_hidden"], weights["bias"], weights["weight_input"], strict=True
            )
        )
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        hidden.append(h)
        cell.append(c)
    return np.array(hidden), np.array(cell)


def gru(weights, x):
    """Hidden states of one sequence; Cho et al. (2014), reset after the product, as in PyTorch.

    Blocks: reset, update, the hidden state's part of the new content, the input's part of it.
    """
    hidden_weights, biases, input_weights = (
        weights[name] for name in ("weight_hidden", "bias", "weight_input")
    )
    h = np.zeros(hidden_weights.shape[1])
    hidden = []
    for x_t in x:
        r = sigmoid(hidden_weights[0] @ h + biases[0] + input_weights[0] @ x_t)
        u = sigmoid(hidden_weights[1] @ h + biases[1] + input_weights[1] @ x_t)
        n = np.tanh(biases[3] + input_weights[3] @ x_t + r * (hidden_weights[2] @ h + biases[2]))
        h = (1 - u) * n + u * h
        hidden.append(h)
    return np.array(hidden), None


def rnn(weights, x, activation=np.tanh):
    """Hidden states of one sequence; Elman (1990)."""
    h = np.zeros(weights["weight_hidden"].shape[1])
    hidden = []
    for x_t in x:
        z = weights["weight_hidden"][0] @ h + weights["bias"][0] + weights["weight_input"][0] @ x_t
        h = activation(z)
        hidden.append(h)
    return np.array(hidden), None


def rnn_relu(weights, x):
    return rnn(weights, x, lambda z: np.maximum(z, 0.0))


CELLS = {"lstm": lstm, "gru": gru, "rnn": rnn, "rnn_relu": rnn_relu}


def window(values, start, lookback, horizon, season, n_in=1):
    """Scaled inputs (n_time, n_in), scaled targets, and (naive forecast, scale) of one window."""
    past = values[start : start + lookback]
    future = values[start + lookback : start + lookback + horizon]
    scale = past.std() if past.std() > 1e-12 * abs(past[-1]) else 1.0
    naive = np.array([past[lookback - season + k % season] for k in range(horizon)])
    inputs = ((past - past[-1]) / scale).reshape(-1, n_in)
    targets = (future - naive[: future.size]) / scale
    return inputs, targets, naive, scale


def output(cell, weights, inputs):
    """What the linear head says of the last hidden state."""
    hidden, _ = CELLS[cell](weights, inputs)
    return weights["head_weight"] @ hidden[-1] + weights["head_bias"]


LOSSES = {
    "absolute_error": lambda output, target: np.abs(output - target),
    "squared_error": lambda output, target: (output - target) ** 2,
}


def mean_loss(cell, weights, values, starts, lookback, horizon, season, loss, n_in=1):
    """Mean over windows and steps ahead."""
    total = 0.0
    for start in starts:
        inputs, targets, _, _ = window(values, start, lookback, horizon, season, n_in)
        total += LOSSES[loss](output(cell, weights, inputs), targets).mean()
    return total / len(starts)


def forecast(cell, weights, values, start, lookback, horizon, season, n_in=1):
    """The seasonal naive forecast plus what the network says, in the unit of the values."""
    inputs, _, naive, scale = window(values, start, lookback, horizon, season, n_in)
    return naive + scale * output(cell, weights, inputs)


def adam(parameters, gradients, rates, beta1=0.9, beta2=0.999, epsilon=1e-8, max_norm=1.0):
    """Parameters after one step for each gradient, clipped by its norm (Kingma & Ba 2015)."""
    parameters = parameters.copy()
    first, second = np.zeros_like(parameters), np.zeros_like(parameters)
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        norm = np.sqrt(np.sum(gradient**2))
        gradient = gradient * min(1.0, max_norm / norm)
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        corrected = first / (1 - beta1**t), second / (1 - beta2**t)
        parameters -= rate * corrected[0] / (np.sqrt(corrected[1]) + epsilon)
    return parameters
