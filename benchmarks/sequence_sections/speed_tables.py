"""Epochs and minibatches beside PyTorch: time, loss and memory; compile time."""

import numpy as np
from limits import compile_table
from results import Table, at_least, below

from sequence_sections.peers import peak_memory, time_epoch
from sequence_sections.tasks import TASKS

# Of each task: its row, least ratio of times, most MB of ours, whether it reads the folder.
EPOCHS = {
    "characters": ("tinyshakespeare: LSTM 256, embedding 64, 64 x 128", 1.8, None, True),
    "sentences": ("SST-2: bidirectional LSTM 64, embedding 300, maximum, 32", None, None, True),
    "chorales": ("chorales: LSTM 200 on 88 notes, 4", None, None, False),
    "sensors": ("sensors: bidirectional LSTM 32, 32 x 128", None, None, False),
}
VOCABULARIES = {
    "vocabulary": ("embedding 64, output layer of its own", 1.3, 400, False),
    "tied vocabulary": ("embedding 256, tied to the output layer", 1.3, 400, False),
}
COMPILE_SETUP = """
import numpy as np
from sklearn.pipeline import make_pipeline
from tsrnn import RNNClassifier, RNNLanguageModel, RNNTagger, RNNTranscriber, RNNTranslator
from tsrnn import Tokenizer
text = "the quick brown fox jumps over the lazy dog. " * 20
texts, labels = ["so good", "so bad"] * 9, [1, 0] * 9
tokenizer = Tokenizer("word")
classifier = RNNClassifier(embedding_size=8, bidirectional=True, pooling="max", max_iter=1)
"""
FIRST_FITS = {
    "RNNLanguageModel, lstm": "RNNLanguageModel(cell='lstm', max_iter=1).fit(text).generate(9)",
    "RNNLanguageModel, gru": "RNNLanguageModel(cell='gru', max_iter=1).fit(text).generate(9)",
    "RNNLanguageModel of frames": "RNNLanguageModel(None, max_iter=1).fit([np.eye(9)] * 9)",
    "Tokenizer and RNNClassifier": "make_pipeline(tokenizer, classifier).fit(texts, labels)",
    "RNNTagger": "RNNTagger(max_iter=1).fit(np.ones((99, 2)), np.arange(99) % 2)",
    "RNNTranslator": "RNNTranslator(max_iter=1).fit(texts, texts).predict(texts)",
    "RNNTranscriber": "RNNTranscriber(max_iter=1).fit([np.eye(9)] * 9, ['ab'] * 9)",
}


def epoch(run):
    """Print time, loss and memory of an epoch."""
    columns = ["network", "minibatches", "s an epoch", "PyTorch s", "ratio", "loss", "PyTorch loss"]
    columns += ["loss after it, held out", "PyTorch's", "apart, %", "MB", "PyTorch MB"]
    table = Table("sequences-epoch", "An epoch, the same weights and minibatches", columns)

    def cells(task, times, losses, least, memory, most):
        ours, theirs, ratio = times
        row = [task.n_minibatches, f"{ours:.2f}", _show(theirs, ".2f"), _ratio(ratio, least)]
        row += [_show(loss, ".4f") for side in (0, 1) for loss in losses[:, side]]
        apart = abs(losses[1, 1] / losses[0, 1] - 1)
        row += [None if np.isnan(apart) else below(100 * apart, 1.0)]
        return [*row, _megabytes(memory[0], most), _megabytes(memory[1], None)]

    _race(run, table, EPOCHS, cells)


def vocabulary(run):
    """Print time and memory of training steps with a large vocabulary."""
    columns = ["network", "ms", "PyTorch ms", "ratio", "MB", "PyTorch MB"]
    title = "A training step, vocabulary of 30,000, LSTM 256, 32 x 64"
    table = Table("sequences-vocabulary", title, columns)

    def cells(task, times, losses, least, memory, most):
        ours, theirs, ratio = times
        milliseconds = [1e3 * seconds / task.n_minibatches for seconds in (ours, theirs)]
        row = [_show(value, ".0f") for value in milliseconds] + [_ratio(ratio, least)]
        return [*row, _megabytes(memory[0], most), _megabytes(memory[1], None)]

    _race(run, table, VOCABULARIES, cells)


def compiling(run):
    """Print how long first fits take on an empty cache."""
    fits = dict(list(FIRST_FITS.items())[-1:]) if run.dry else FIRST_FITS
    compile_table("sequences-compile", COMPILE_SETUP, fits)


def _race(run, table, rows, cells):
    """Add a row of each task: times are medians of rounds in which the libraries take turns."""
    with run.race() as race:
        for name, (title, least, most, reads_folder) in rows.items():
            if reads_folder and run.data is None:
                continue
            arguments = name, run.data, run.dry
            task = TASKS[name](run.data, run.dry)
            results = race.turns(time_epoch, dict.fromkeys(run.libraries, arguments))
            figures = np.full((2, race.rounds, 3), np.nan)  # of ours and PyTorch's
            figures[: len(results)] = list(results.values())
            seconds = figures[:, :, 0]
            times = *np.median(seconds, axis=1), np.median(seconds[1] / seconds[0])
            memory = [*run.each(peak_memory, *arguments).values(), None][:2]
            table.row(title, *cells(task, times, figures[:, 0, 1:], least, memory, most))


def _show(value, form):
    return None if np.isnan(value) else f"{value:{form}}"


def _ratio(value, least):
    return None if np.isnan(value) else at_least(value, least, ".2f")


def _megabytes(value, most):
    return None if value is None else below(value, most, ".0f")
