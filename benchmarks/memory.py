"""Who remembers how long? Four tasks that only memory solves, at growing spans.

Run it with ``python benchmarks/memory.py --out results.json``; what the file already holds is not
run again, so that a run may be cut short, or split by ``--tasks``, ``--spans``, ``--models`` and
``--seeds``. ``--table results.json`` prints its table, and ``--plot memory.png`` draws it.

* *adding* (Hochreiter & Schmidhuber 1997): the sum of two marked values among ``span``;
* *recall*: a number, marked among the first ten, after ``span`` more that distract;
* *copy* (Arjovsky, Shah & Bengio 2016): ten of eight symbols, to be repeated after ``span`` blanks,
  judged at every step;
* *digits*: scikit-learn's, 8 by 8 pixels, read pixel by pixel; 450 of them held out.

What is learnt from is drawn anew for each epoch of 100 minibatches of 32, so that nothing can be
learnt by heart; 500 more sequences, the same in all epochs, say when to stop, namely at three
quarters of the threshold, and 2,000 others are the test. The digits are always the same 1,347, and
all epochs are run. Every model of a task has the same number of hidden units and may take the same
number of minibatches, by Adam with a cosine schedule. Its highest learning rate alone is its own:
that of ``--search``, which tries several on seed 100, which is none of the five, at one or two
spans of each task, and of the digits on 300 of those to learn from. Chrono is the initialisation of
Tallec & Ollivier (2018), for twice the steps of the task.

Learnt is a mean squared error below .01, of recall below .01 of the variance, a cross-entropy below
.01, and 95 % of the digits. Seconds are those that one core trains until the sequences to judge by
first say so. A network whose training stops being finite has failed, and is tested with the weights
of the last epoch before.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import math
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
from results import Table, parse_arguments

from tsrnn.datasets import make_adding_problem, make_copy_memory
from tsrnn.kernels.sources import sequence_source
from tsrnn.network import RecurrentNetwork, Transformer
from tsrnn.training import Moments, Settings, train

BATCH, BATCHES = 32, 100  # sequences of a minibatch, minibatches of an epoch
N_JUDGED, N_TESTED = 500, 2000
MARGIN = 0.75  # of the threshold, where training ends
SEARCH_SEED = 100
BEST, WORST = 6e-4, 1.3  # of a guess, in the plot: beyond, errors stand at its edges


@dataclasses.dataclass(frozen=True)
class Model:
    """A cell, how it starts and learns, and the colour and mark it is drawn in."""

    title: str
    cell: str
    colour: str
    mark: str
    chrono: bool = False
    shape: dict = dataclasses.field(default_factory=dict)  # of the network
    settings: dict = dataclasses.field(default_factory=dict)  # of Settings
    warm_up: int = 0  # epochs in which the learning rate rises
    rates: tuple = (1e-3, 3e-3, 1e-2, 2e-2)  # that a search tries


MODELS = {
    "rnn": Model("RNN", "rnn", "#999999", "o", rates=(3e-4, 1e-3, 3e-3, 1e-2)),
    "irnn": Model("IRNN", "rnn_relu", "#E69F00", "s", rates=(3e-4, 1e-3, 3e-3, 1e-2)),
    "gru": Model("GRU", "gru", "#56B4E9", "^"),
    "lstm": Model("LSTM", "lstm", "#CC79A7", "v"),
    "gru_chrono": Model("GRU, chrono", "gru", "#0072B2", "D", chrono=True),
    "lstm_chrono": Model("LSTM, chrono", "lstm", "#D55E00", "X", chrono=True),
    "transformer": Model(
        "Transformer",
        "attention",
        "#009E73",
        "*",
        shape={"n_heads": 4},
        warm_up=3,
        rates=(1e-3, 3e-3, 1e-2),
    ),
}


@dataclasses.dataclass(frozen=True)
class Task:
    """What is learnt, by how large a network, for how long, and what counts as learnt."""

    title: str
    spans: tuple
    hidden: int
    n_epochs: int
    threshold: float
    rates: dict
    searched: tuple  # the spans of the search
    entropy: bool = False
    n_out: int = 1
    every: bool = False  # a target at every step
    settings: dict = dataclasses.field(default_factory=dict)  # of Settings

    def guess(self, span):
        """The measure of the best guess without memory."""
        return {
            "adding": 1 / 6,
            "recall": 1 / 3,
            "copy": 10 * math.log(8) / (span + 20),
            "digits": 0.9,
        }[self.title]


TASKS = {
    "adding": Task(
        "adding",
        (50, 100, 200, 400),
        32,
        50,
        0.01,
        {
            "rnn": 3e-4,
            "irnn": 1e-3,
            "gru": 2e-2,
            "lstm": 2e-2,
            "gru_chrono": 2e-2,
            "lstm_chrono": 2e-2,
            "transformer": 3e-3,
        },
        (50, 200),
    ),
    "recall": Task(
        "recall",
        (20, 50, 100, 200),
        32,
        50,
        0.01 / 3,
        {
            "rnn": 1e-3,
            "irnn": 1e-3,
            "gru": 2e-2,
            "lstm": 1e-3,
            "gru_chrono": 2e-2,
            "lstm_chrono": 2e-2,
            "transformer": 3e-3,
        },
        (20, 100),
    ),
    "copy": Task(
        "copy",
        (20, 50, 100),
        96,
        60,
        0.01,
        {
            "rnn": 3e-3,
            "irnn": 1e-3,
            "gru": 2e-2,
            "lstm": 2e-2,
            "gru_chrono": 2e-2,
            "lstm_chrono": 2e-2,
            "transformer": 3e-3,
        },
        (20,),
        entropy=True,
        n_out=9,
        every=True,
        # Of a mean over all steps the gradient is small; this keeps its late bursts from undoing
        # what is learnt.
        settings={"max_grad_norm": 5e-4, "beta_2": 0.99},
    ),
    "digits": Task(
        "digits",
        (64,),
        64,
        60,
        0.05,
        {
            "rnn": 3e-3,
            "irnn": 3e-3,
            "gru": 2e-2,
            "lstm": 2e-2,
            "gru_chrono": 2e-2,
            "lstm_chrono": 2e-2,
            "transformer": 3e-3,
        },
        (64,),
        entropy=True,
        n_out=10,
    ),
}


def draw(task, span, n, rng):
    """``n`` sequences of a task, (n, steps, channels), and their targets, in rows."""
    if task == "adding":
        x, y = make_adding_problem(n, span, random_state=rng)
        return x, y[:, None] - 1
    if task == "copy":
        x, y = make_copy_memory(n, span, random_state=rng)
        return np.eye(10)[x], y.reshape(-1, 1)
    x, which = np.zeros((n, 10 + span, 2)), rng.integers(0, 10, n)
    x[..., 0] = rng.uniform(-1, 1, x.shape[:2])
    x[np.arange(n), which, 1] = 1
    return x, x[np.arange(n), which, :1]


def digits(seed):
    """The digits to learn from and those held out; of a search, both from among the former."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = x[:, :, None] / 16
    own, held, y_own, y_held = train_test_split(x, y, test_size=450, stratify=y, random_state=0)
    if seed == SEARCH_SEED:
        own, held, y_own, y_held = train_test_split(own, y_own, test_size=300, random_state=0)
    return (own, y_own[:, None]), (held, y_held[:, None])


def source_of(x, y):
    """Sequences as kernels read them."""
    n, length, channels = x.shape
    values = x.reshape(-1, channels).astype(np.float32)
    return sequence_source(values, np.arange(n) * length, np.full(n, length), y)


def measured(task, network, source):
    """What a network is judged by: the loss, or of the digits the share of errors."""
    windows = np.arange(source.firsts.size)
    if task.title == "digits":
        said = network.predict(source, windows).argmax(axis=1)
        return float((said != source.targets[:, 0]).mean())
    return network.mean_loss(source, windows, loss_of(task))


def loss_of(task):
    """The loss of a task."""
    return "cross_entropy" if task.entropy else "squared_error"


def run(name, span, model_name, seed, rate=None):
    """Train one network; what came of it, a row of the results."""
    task, model, rng = TASKS[name], MODELS[model_name], np.random.default_rng(seed)
    fixed = name == "digits"
    if fixed:
        learnt, judged = (source_of(*part) for part in digits(seed))
        tested = judged
    else:
        judged, tested = (source_of(*draw(name, span, n, rng)) for n in (N_JUDGED, N_TESTED))
    n_steps, n_in = int(judged.lengths[0]), judged.values.shape[1]
    sizes = n_in, task.hidden, task.n_out
    how = model.shape | {"head": "every" if task.every else "last"}
    attends = model.cell == "attention"
    network = Transformer(*sizes, **how) if attends else RecurrentNetwork(model.cell, *sizes, **how)
    network.initialise(rng, memory=2 * n_steps if model.chrono else None)
    settings = Settings(
        loss=loss_of(task),
        max_iter=1,
        batch_size=BATCH,
        learning_rate="constant",
        n_jobs=1,
        **(task.settings | model.settings),
    )
    rate = rate or task.rates[model_name]
    none, moments = np.empty(0, int), Moments(network)
    train(  # compile
        network.like(network.parameters.copy()),
        tested,
        np.arange(BATCH),
        none,
        settings,
        rng,
    )
    row = {
        "task": name,
        "span": span,
        "model": model_name,
        "seed": seed,
        "rate": rate,
        "seconds": None,
        "epochs": None,
        "diverged": False,
    }
    curve, seconds = [], 0.0
    for epoch in range(task.n_epochs):
        if not fixed:
            learnt = source_of(*draw(name, span, BATCH * BATCHES, rng))
        # Cosine by epochs, as each is a training of its own.
        now = rate * (1 + math.cos(math.pi * epoch / task.n_epochs)) / 2
        now *= min(1, (epoch + 1) / (model.warm_up + 1))
        settings = dataclasses.replace(settings, learning_rate_init=now)
        started = time.process_time()
        try:
            train(
                network, learnt, np.arange(learnt.firsts.size), none, settings, rng, moments=moments
            )
        except ValueError:
            row["diverged"] = True
            break
        seconds += time.process_time() - started
        curve.append(measured(task, network, judged))
        if curve[-1] < task.threshold and row["epochs"] is None:
            row |= {"seconds": round(seconds, 2), "epochs": epoch + 1}
        if curve[-1] < MARGIN * task.threshold and not fixed:
            break
    return row | {
        "error": measured(task, network, tested),
        "seconds_per_epoch": round(seconds / max(len(curve), 1), 4),
        "curve": [float(f"{value:.4g}") for value in curve],
    }


def key(row):
    """What makes a row one of its kind."""
    return row["task"], row["span"], row["model"], row["seed"]


def passed(row):
    """Whether a network has learnt its task."""
    return not row["diverged"] and row["error"] < TASKS[row["task"]].threshold


def run_all(wanted, path, jobs):
    """Run what the file does not hold, and write each result to it."""
    rows = json.loads(path.read_text()) if path.exists() else []
    done = {key(row) for row in rows}
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        runs = [pool.submit(run, *each) for each in wanted if each not in done]
        for future in concurrent.futures.as_completed(runs):
            row = future.result()
            rows.append(row)
            path.with_suffix(".part").write_text(
                "[\n" + ",\n".join(json.dumps(each) for each in rows) + "\n]\n"
            )
            path.with_suffix(".part").replace(path)
            print(*key(row), f"{row['error']:.4f}", row["seconds"], row["epochs"], flush=True)


def search(names, spans, model_names, jobs):
    """Print what each learning rate comes to, at some spans of each task."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        runs = [
            pool.submit(run, name, span, model, SEARCH_SEED, rate)
            for name in names
            for model in model_names
            for rate in MODELS[model].rates
            for span in spans or TASKS[name].searched
        ]
        for future in concurrent.futures.as_completed(runs):
            row = future.result()
            print(*key(row)[:3], row["rate"], error(row["error"]), row["epochs"], flush=True)


def grouped(rows):
    """Rows by task, span and model, in the order of the tables, and of seeds."""
    groups = {
        (name, span, model): [] for name in TASKS for span in TASKS[name].spans for model in MODELS
    }
    for row in sorted(rows, key=lambda row: row["seed"]):
        groups[key(row)[:3]].append(row)
    return {each: some for each, some in groups.items() if some}


def short(value):
    """A number as tables have it."""
    return "" if value is None else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def error(value):
    """An error as tables have it: .0041."""
    if not value < 10:  # nor NaN
        return "diverged"
    return (f"{value:.4f}" if value < 0.01 else f"{value:.3f}").lstrip("0")


def print_tables(rows):
    """Print of each model the median error, how many have learnt it, and how soon; then epochs."""
    groups = grouped(rows)
    models = [name for name in MODELS if any(name == each[2] for each in groups)]
    heads = [MODELS[name].title for name in models]
    errors = Table(
        "memory-errors", "Errors, seeds that learnt it, and how soon", ["", "guess", *heads]
    )
    for name, span in dict.fromkeys(each[:2] for each in groups):
        cells = [result_of(groups.get((name, span, model), [])) for model in models]
        errors.row(f"{name} {span}", error(TASKS[name].guess(span)), *cells)
    epochs = Table("memory-epochs", "Seconds an epoch", ["", *heads])
    for name, span in dict.fromkeys(each[:2] for each in groups):
        cells = [seconds_of(groups.get((name, span, model), [])) for model in models]
        epochs.row(f"{name} {span}", *cells)


def result_of(rows):
    """Median error of some rows, how many have learnt it, and the seconds that these took."""
    if not rows:
        return ""
    n = sum(map(passed, rows))
    said = f"{error(np.median([row['error'] for row in rows]))}, {n}/{len(rows)}"
    if n:
        said += f", {short(np.median([row['seconds'] for row in rows if passed(row)]))} s"
    return f"**{said}**" if n > len(rows) / 2 else said


def seconds_of(rows):
    """Median seconds of an epoch."""
    return short(np.median([row["seconds_per_epoch"] for row in rows])) if rows else ""


def print_all(rows):
    """Print a table of every task and model, with all seeds."""
    print("| task | model | rate | median | all seeds | learnt | s | epochs | s an epoch |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (name, span, model), some in grouped(rows).items():
        every = ", ".join(error(row["error"]) + "!" * row["diverged"] for row in some)
        good = [row for row in some if passed(row)]
        median = error(np.median([row["error"] for row in some]))
        soon = [
            np.median([row[k] for row in good]) if good else None for k in ("seconds", "epochs")
        ]
        each = np.median([row["seconds_per_epoch"] for row in some])
        print(
            f"| {name} {span} | {MODELS[model].title} | {some[0]['rate']:g} | {median} | {every} "
            f"| {len(good)}/{len(some)} | {short(soon[0])} | {short(soon[1])} | {each:.3f} |"
        )


def draw_plot(rows, path):
    """Draw errors, and minibatches until learnt, against spans; of digits the accuracy."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    groups = grouped(rows)
    models = [name for name in MODELS if any(name == each[2] for each in groups)]
    names = [name for name in TASKS if any(name == each[0] for each in groups)]
    figure = plt.figure(figsize=(3.2 * len(names), 5.6), layout="constrained")
    grid = figure.add_gridspec(2, len(names))
    for column, name in enumerate(names):
        if name == "digits":
            axes = [figure.add_subplot(grid[:, column])]
            draw_digits(axes[0], groups, models)
        else:
            axes = [figure.add_subplot(grid[k, column]) for k in range(2)]
            draw_errors(axes[0], name, groups, models)
            draw_minibatches(axes[1], name, groups, models)
            if not column:
                axes[0].set_ylabel("test error (a guess has 1)")
                axes[1].set_ylabel("minibatches until learnt")
                handles, labels = axes[0].get_legend_handles_labels()
                figure.legend(
                    handles, labels, loc="outside lower center", ncols=len(models), frameon=False
                )
        axes[0].set_title(name)
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Who remembers how long?  Lines: medians of five seeds; small marks: each seed")
    figure.savefig(path, dpi=150)


def draw_lines(ax, name, groups, models, value):
    """Lines of medians and a mark for each seed, of what ``value`` makes of a row, by span."""
    spans = np.array(TASKS[name].spans)
    for place, model in enumerate(models):
        look = MODELS[model]
        own = {
            span: [value(row) for row in groups[name, span, model]]
            for span in TASKS[name].spans
            if (name, span, model) in groups
        }
        if not own:
            continue
        x = np.array(list(own)) * 2 ** (0.07 * (place - (len(models) - 1) / 2))
        for at, some in zip(x, own.values(), strict=True):
            ax.plot([at] * len(some), some, look.mark, color=look.colour, ms=3, mew=0, alpha=0.55)
        ax.plot(
            x,
            [np.median(some) for some in own.values()],
            look.mark + "-",
            color=look.colour,
            ms=6.5,
            lw=1.6,
            mew=0.7,
            mec="white",
            label=look.title,
        )
    ends = spans[[0, -1]] * [0.75, 4 / 3]
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set(xticks=spans, xticklabels=spans, xlim=ends)
    ax.minorticks_off()
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)
    return ends


def draw_errors(ax, name, groups, models):
    """One task's errors, relative to a guess, and where they count as learnt."""
    task = TASKS[name]

    def value(row):
        ratio = row["error"] / task.guess(row["span"])
        return max(ratio, BEST) if ratio < WORST else WORST  # nor NaN

    ends = draw_lines(ax, name, groups, models, value)
    line = np.interp(ends, task.spans, [task.threshold / task.guess(span) for span in task.spans])
    ax.fill_between(ends, 1e-4, line, color="0.93", lw=0, zorder=0)
    ax.text(0.03, 0.03, "learnt", color="0.3", transform=ax.transAxes)
    ticks = [1, 0.1, 0.01]
    ax.set(ylim=(3e-4, 1.6), yticks=ticks, yticklabels=map(str, ticks))


def draw_minibatches(ax, name, groups, models):
    """How many minibatches one task took, and on top who has never learnt it."""
    most = TASKS[name].n_epochs * BATCHES

    def value(row):
        return row["epochs"] * BATCHES if passed(row) else 1.7 * most

    ends = draw_lines(ax, name, groups, models, value)
    ax.fill_between(ends, 1.2 * most, 3 * most, color="#F7E3D8", lw=0, zorder=0)
    ticks = [n for n in (100, 300, 1000, 3000) if n < most]
    ax.set(
        xlabel="span in steps",
        ylim=(80, 2.4 * most),
        yticks=[*ticks, 1.7 * most],
        yticklabels=[*(f"{n:,}" for n in ticks), "never"],
    )


def draw_digits(ax, groups, models):
    """Test accuracy of each model, in percent."""
    for place, model in enumerate(models):
        look = MODELS[model]
        own = np.array([100 - 100 * row["error"] for row in groups.get(("digits", 64, model), [])])
        if own.size:
            ax.plot(
                own, np.full(own.size, place), look.mark, color=look.colour, ms=4, mew=0, alpha=0.6
            )
            ax.plot(np.median(own), place, look.mark, color=look.colour, ms=9, mew=0.7, mec="white")
            ax.text(101, place, f"{np.median(own):.1f} %", va="center", clip_on=False)
    ax.axvline(95, color="0.3", ls="--", lw=1)
    ax.set(
        xlabel="test accuracy, %",
        yticks=range(len(models)),
        yticklabels=[MODELS[model].title for model in models],
        ylim=(len(models) - 0.5, -0.5),
    )
    ax.tick_params(axis="y", length=0)


def main():
    """Run, print or draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--spans", nargs="+", type=int, help="those spans alone")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(5)))
    parser.add_argument("--jobs", type=int, default=2, help="networks trained at once")
    parser.add_argument("--out", type=Path, default=Path("memory.json"), help="to add results to")
    parser.add_argument("--search", action="store_true", help="try learning rates, and no more")
    parser.add_argument("--table", type=Path, nargs="+", help="print these results, and no more")
    parser.add_argument("--all", action="store_true", help="of the table every model and seed")
    parser.add_argument("--plot", type=Path, help="draw the results to this file")
    arguments = parse_arguments(parser)
    if arguments.table and arguments.results:
        parser.error("--table does not know when and where its results were measured")
    if arguments.search:
        search(arguments.tasks, arguments.spans, arguments.models, arguments.jobs)
        return
    if not arguments.table:
        wanted = [
            (name, span, model, seed)
            for name in arguments.tasks
            for seed in arguments.seeds
            for span in reversed(TASKS[name].spans)
            for model in arguments.models
            if not arguments.spans or span in arguments.spans
        ]
        run_all(wanted, arguments.out, arguments.jobs)
    # Of results that several files hold the last file's count.
    rows = {
        key(row): row
        for path in arguments.table or [arguments.out]
        for row in json.loads(path.read_text())
    }.values()
    (print_all if arguments.all else print_tables)(rows)
    if arguments.plot:
        draw_plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
