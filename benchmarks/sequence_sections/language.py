"""Language models of characters: how well they predict, and how fast they write."""

import time

import numpy as np
from results import Table, at_least, below

from sequence_sections.data import read_shakespeare
from tsrnn import RNNLanguageModel
from tsrnn.datasets import load_shakespeare
from tsrnn.kernels.jit.threads import available_threads
from tsrnn.kernels.sampling import Sampling, draw
from tsrnn.network import Memory

# By the minutes of two cores that they are to take: the setting, and nats to be below.
SETTINGS = {
    3: (
        {
            "cell": "gru",
            "hidden_size": 256,
            "batch_size": 32,
            "n_steps": 64,
            "learning_rate": "cosine",
            "learning_rate_init": 5e-3,
            "max_iter": 8,
        },
        1.70,
    ),
    30: (
        {
            "cell": "gru",
            "hidden_size": 512,
            "n_layers": 2,
            "dropout": 0.4,
            "recurrent_dropout": 0.2,
            "batch_size": 32,
            "n_steps": 64,
            "learning_rate": "cosine",
            "learning_rate_init": 1.5e-3,
            "max_iter": 14,
        },
        1.52,
    ),
}
PUBLISHED = {  # by nanoGPT
    "GPT of .8 million parameters, about 3 minutes of a CPU (published)": 1.88,
    "GPT of 10.7 million parameters, 3 minutes of an A100 (published)": 1.47,
}
SECONDS = 1.0  # of a round of generation


def shakespeare(run):
    """Print nats a character of tinyshakespeare's last tenth, by the minutes of training."""
    text, held_out = read_shakespeare(run.data, run.dry)
    columns = ["model", "parameters", "epochs", "minutes", "nats in training"]
    columns += ["nats on the last tenth"]
    table = Table("sequences-shakespeare", "tinyshakespeare, characters", columns)
    for minutes in sorted(set(run.minutes) & set(SETTINGS)):
        setting, most = SETTINGS[minutes]
        small = {"hidden_size": 8, "max_iter": 1} if run.dry else {}
        started = time.perf_counter()
        model = RNNLanguageModel(**setting | small).fit(text)
        taken = (time.perf_counter() - started) / 60
        table.row(
            f"RNNLanguageModel, setting of {minutes} minutes",
            f"{model.network_.parameters.size:,}",
            model.n_iter_,
            below(taken, minutes, ".1f"),
            f"{model.loss_curve_[-1]:.3f}",
            below(-model.score(held_out), most, ".3f"),
        )
    for name, nats in PUBLISHED.items():
        table.row(name, None, None, None, None, nats)


def generation(run):
    """Print characters a second of one stream; end where they differ from those of single steps."""
    n_hidden = 8 if run.dry else 256
    columns = ["cell", "characters a second", "by single steps, the same bits"]
    columns += ["PyTorch, single cells", "ratio"]
    title = f"One stream of characters, hidden {n_hidden}"
    table = Table("sequences-generation", title, columns)
    with run.race() as race:
        for cell in ("lstm", "gru"):
            arguments = cell, n_hidden, run.dry
            results = race.turns(write, dict.fromkeys(run.libraries, arguments))
            ours, by_hand = np.median(results["tsrnn"], axis=0)
            theirs = ratio = None
            if "PyTorch" in results:
                ratios = np.array(results["tsrnn"])[:, 0] / results["PyTorch"]
                theirs, ratio = f"{np.median(results['PyTorch']):,.0f}", f"{np.median(ratios):.1f}"
            table.row(cell, at_least(ours, 20_000, ",.0f"), f"{by_hand:,.0f}", theirs, ratio)


def write(library, cell, n_hidden, dry):
    """Characters a second; of ours also those drawn one by one; run in a worker."""
    seconds = 0.01 if dry else SECONDS
    if library == "PyTorch":
        return _write_by_pytorch(cell, n_hidden, seconds)
    text = load_shakespeare()[: 2_000 if dry else 40_000]
    model = RNNLanguageModel(cell=cell, hidden_size=n_hidden, max_iter=1).fit(text)
    speed = _per_second(lambda n: model.generate(n, random_state=0), seconds)
    network, n = model.network_, 100 if dry else 5000
    uniforms = np.random.default_rng(0).random(n)
    at_once, by_hand = Memory(network), Memory(network)
    drawn = at_once.generate(np.array([1]), uniforms[None], Sampling())[0]
    _draw_one_by_one(Memory(network), network, uniforms[:2])
    started = time.perf_counter()
    single = _draw_one_by_one(by_hand, network, uniforms)
    taken = time.perf_counter() - started
    assert drawn.tolist() == single, "Characters differ from those drawn one by one."
    assert at_once.states.tobytes() == by_hand.states.tobytes(), "States differ."
    return speed, n / taken


def _draw_one_by_one(memory, network, uniforms):
    """Tokens after token 1, each drawn in Python from the outputs of a step."""
    drawn, space = [1], (np.empty(network.n_out), np.empty(network.n_out, int))
    for uniform in uniforms:
        scores = memory.step(network.embed(drawn[-1:]))[0]
        drawn.append(int(draw(scores, uniform, Sampling(), *space)))
    return drawn[1:]


def _write_by_pytorch(cell, n_hidden, seconds, n_tokens=63):
    import torch

    torch.set_num_threads(available_threads())
    embedding, head = torch.nn.Embedding(n_tokens, 64), torch.nn.Linear(n_hidden, n_tokens)
    layer = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}[cell](64, n_hidden)

    def generate(n):
        token, state = torch.ones(1, dtype=torch.int64), None
        for _ in range(n):
            state = layer(embedding(token), state)
            scores = head(state[0] if cell == "lstm" else state)
            token = torch.multinomial(scores.softmax(1), 1)[0]

    with torch.inference_mode():
        return _per_second(generate, seconds)


def _per_second(call, seconds):
    """Units of work a second of ``call(n)``, over about so many seconds."""
    n = 100
    call(n)
    started = time.perf_counter()
    call(n)
    n = max(n, int(n * seconds / (time.perf_counter() - started)))
    started = time.perf_counter()
    call(n)
    return n / (time.perf_counter() - started)
