"""HTML summary of a fitted estimator for notebooks: what was chosen, layers, epochs, losses."""

import html
from typing import Any

import numpy as np

from tsrnn.network import EncoderDecoder

_WIDTH, _HEIGHT = 260, 70


def network_html(estimator: Any, chosen: dict[str, str]) -> str:
    """HTML with what a fit chose, layers, parameters, epochs, seconds and loss curve."""
    network = estimator.network_
    rows = {name: html.escape(value) for name, value in chosen.items()}
    rows |= _pair_rows(network) if isinstance(network, EncoderDecoder) else _rows(network)
    used = int(np.count_nonzero(network.used()))
    epochs = f"{estimator.n_iter_} (weights of epoch {estimator.best_iter_})"
    rows |= {
        "parameters": f"{used:,} ({network.parameters.dtype})",
        "epochs": epochs if estimator.n_iter_ else "none",
    }
    if (seconds := getattr(estimator, "fit_time_", None)) is not None:
        rows["seconds of fit"] = f"{seconds:.1f}"
    cells = "".join(
        f'<tr><td style="text-align:left">{name}</td><td style="text-align:left">{value}</td></tr>'
        for name, value in rows.items()
    )
    return f'<div class="tsrnn-network"><table>{cells}</table>{_curves_svg(estimator)}</div>'


def _rows(network):
    """What a network reads, its layers and its head."""
    pooling = {"mean": "mean of steps &rarr; ", "max": "maximum of steps &rarr; "}
    pooling["attend"] = "attention over steps &rarr; "
    return {
        "input of a step": _inputs(network),
        "recurrent": _layers(network),
        "head": pooling.get(network.head, "")
        + (f"{network.n_head} &rarr; " if network.n_head else "")
        + f"{network.n_out}",
    }


def _pair_rows(network):
    """What an encoder and a decoder read, their layers, and the attention between them."""
    encoder, decoder = network.encoder, network.decoder
    return {
        "input of a step": _inputs(encoder),
        "encoder": _layers(encoder),
        "attention": network.attention or "none",
        "decoder": f"{_inputs(decoder)} &rarr; {_layers(decoder)}",
        "head": f"{decoder.n_out}",
    }


def _inputs(network):
    if not network.n_tokens:
        return f"{network.n_in}"
    n_numbers = network.n_in - network.n_embedding
    inputs = f"one of {network.n_tokens:,} tokens &rarr; {network.n_embedding}"
    return inputs + (f", and {n_numbers} numbers" if n_numbers else "")


def _layers(network):
    directions = "two directions" if network.bidirectional else "one direction"
    return f"{network.n_layers} &times; {network.cell}, {network.n_hidden} units, {directions}"


def _curves_svg(estimator):
    """Training and validation loss as lines of an SVG without axes."""
    scores = estimator.validation_scores_
    curves = {"#0072b2": np.asarray(estimator.loss_curve_, float)}
    if scores is not None:
        curves["#d55e00"] = -np.asarray(scores, float)
    values = np.concatenate(list(curves.values()))
    if values.size == 0:
        return ""
    positive = bool((values > 0).all())
    low, high = (np.log if positive else np.asarray)([values.min(), values.max()])
    lines = []
    for color, curve in curves.items():
        heights = np.log(curve) if positive else curve
        x = np.linspace(2, _WIDTH - 2, max(curve.size, 2))[: curve.size]
        y = 2 + (_HEIGHT - 4) * (high - heights) / max(high - low, 1e-12)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img">'
        f"<title>loss by epoch: training blue, held out orange</title>{''.join(lines)}</svg>"
    )
