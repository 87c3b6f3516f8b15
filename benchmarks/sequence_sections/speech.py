"""Speech: spoken digits by themselves and in strings, and the utterances of AN4."""

import time

import numpy as np
from results import Table, at_least, below

from sequence_sections.data import DIGITS_RATE, digit_strings, read_an4, read_digits
from sequence_sections.run import compile_fit, timed
from tsrnn import RNNClassifier, RNNLanguageModel, RNNTranscriber
from tsrnn.sequences import label_error_rate
from tsrnn.sequences.audio import MFCC

TEST_TAKES = range(5)  # of the official split, of whose takes to train on we have 5 to 14
HOP = 0.01  # seconds of a frame

WORDS = {
    "cell": "gru",
    "hidden_size": 64,
    "bidirectional": True,
    "pooling": "max",
    "segment": 2,
    "recurrent_dropout": 0.3,
    "learning_rate_init": 3e-3,
    "batch_size": 16,
    "max_iter": 20,
}
STRINGS = {
    "hidden_size": 128,
    "segment": 3,
    "recurrent_dropout": 0.5,
    "learning_rate_init": 5e-3,
    "batch_size": 16,
    "max_iter": 12,
}
N_STRINGS = 1500, 300  # to train on and to test by
# Chosen on utterances of a tenth of the speakers to train on.
AN4 = {
    "hidden_size": 128,
    "n_layers": 2,
    "segment": 3,
    "dropout": 0.4,
    "recurrent_dropout": 0.4,
    "learning_rate_init": 5e-3,
    "batch_size": 16,
    "max_iter": 40,
}
LANGUAGE = {
    "embedding_size": 32,
    "hidden_size": 128,
    "dropout": 0.2,
    "batch_size": 16,
    "max_iter": 20,
}
DECODING = {"beam_size": 16, "language_weight": 1.3, "label_bonus": 1.5}  # chosen likewise
DRY = {"hidden_size": 8, "max_iter": 1}


def speech(run):
    """Print accuracy of digits, errors of strings of them and of AN4's utterances."""
    digits = read_digits(run.data)
    _print_words(run, digits)
    _print_strings(run, digits)
    _print_an4(run)


def _print_words(run, digits):
    """Accuracy of single digits."""
    waves, labels, _, takes = digits
    X = MFCC(DIGITS_RATE).fit_transform(waves)
    is_test = np.isin(takes, TEST_TAKES)
    parts = [
        ([X[k] for k in np.flatnonzero(chosen)], labels[chosen]) for chosen in (~is_test, is_test)
    ]
    rows = []
    for seed in range(run.seeds):
        model = RNNClassifier(random_state=seed, **WORDS | (DRY if run.dry else {}))
        if seed == 0:
            compile_fit(model, *parts[0])
        seconds = timed(model.fit, *parts[0])
        rows.append([100 * model.score(*parts[1]), *seconds])
    title = f"spoken digits, {len(parts[0][0])} to train on, {len(parts[1][0])} to test by"
    columns = ["model", "accuracy in %", "lowest", "highest", "s a fit", "CPU s"]
    table = Table("sequences-digits", title, columns)
    accuracy, seconds, cpu_seconds = np.mean(rows, axis=0)
    lowest, highest = np.min(rows, axis=0)[0], np.max(rows, axis=0)[0]
    ends = f"{lowest:.1f}", f"{highest:.1f}"
    name = f"RNNClassifier, mean of {run.seeds} seeds"
    table.row(name, at_least(accuracy, 97.0), *ends, f"{seconds:.1f}", f"{cpu_seconds:.1f}")


def _print_strings(run, digits):
    """Errors of strings of digits, and of when each is said to come."""
    n_train, n_test = (20, 10) if run.dry else N_STRINGS
    others = [take for take in np.unique(digits[3]) if take not in TEST_TAKES]
    columns = ["model", "digit error rate in %", "lowest", "highest", "begins, median error in ms"]
    columns += ["s a fit", "CPU s"]
    title = f"strings of 3 to 7 digits, {n_train:,} to train on, {n_test} to test by"
    rows = []
    for seed in range(run.seeds):
        (waves, texts, _), (new_waves, new_texts, times) = (
            digit_strings(digits, takes, n, 2 * seed + k)
            for k, (takes, n) in enumerate([(others, n_train), (TEST_TAKES, n_test)])
        )
        features = MFCC(DIGITS_RATE, deltas=1)
        X, new = features.fit_transform(waves), features.transform(new_waves)
        model = RNNTranscriber(random_state=seed, **STRINGS | (DRY if run.dry else {}))
        if seed == 0:
            compile_fit(model, X, texts)
        seconds = timed(model.fit, X, texts)
        error = 1e3 * median_error(model.align(new, new_texts), times)
        rows.append([100 * (1 - model.score(new, new_texts)), error, *seconds])
    table = Table("sequences-digit-strings", title, columns)
    rate, error, seconds, cpu_seconds = np.mean(rows, axis=0)
    table.row(
        f"RNNTranscriber, mean of {run.seeds} seeds",
        below(rate, 3.0),
        *[f"{end(rows, axis=0)[0]:.2f}" for end in (np.min, np.max)],
        below(error, 60.0, ".0f"),
        f"{seconds:.0f}",
        f"{cpu_seconds:.0f}",
    )


def median_error(alignments, times):
    """Median distance in seconds between where labels and digits begin."""
    pairs = zip(alignments, times, strict=True)
    return np.median(np.abs(np.concatenate([HOP * a["start"] - b["start"] for a, b in pairs])))


def _print_an4(run):
    """Errors of AN4's utterances, by the network alone and with a language model."""
    (X, texts), (new, new_texts) = read_an4(run.data, run.dry)
    small = DRY if run.dry else {}
    language = RNNLanguageModel(**LANGUAGE | small)
    of_language = timed(language.fit, texts)[1]
    rows = {name: [] for name in ("best path", "prefix beam", "prefix beam, language model")}
    fits, beam = [], {"beam_size": DECODING["beam_size"]}
    hows = {}, beam, DECODING | {"language_model": language}
    for seed in range(run.seeds):
        model = RNNTranscriber(random_state=seed, **AN4 | small)
        if seed == 0:
            compile_fit(model, X, texts)
        fits.append(timed(model.fit, X, texts))
        for name, how in zip(rows, hows, strict=True):
            started = time.perf_counter()
            predicted = model.predict(new, **how)
            seconds = time.perf_counter() - started
            errors = error_rates(new_texts, predicted)
            rows[name].append([*(100 * errors), seconds])
    title = f"AN4, {len(X)} utterances to train on, {len(new)} to test by"
    columns = ["model", "word error rate in %", "lowest", "highest", "characters"]
    columns += ["s to decode all", "s a fit", "CPU s"]
    table = Table("sequences-an4", title, columns)
    of_fits = [f"{value:.0f}" for value in np.mean(fits, axis=0)]
    for name, figures in rows.items():
        words, characters, seconds = np.mean(figures, axis=0)
        table.row(
            f"RNNTranscriber, {name}, mean of {run.seeds} seeds",
            below(words, 20.0 if "language" in name else None, ".1f"),
            *[f"{end(figures, axis=0)[0]:.1f}" for end in (np.min, np.max)],
            f"{characters:.1f}",
            f"{seconds:.1f}",
            *of_fits,
        )
    table.note(
        f"The language model has read the {len(X)} transcripts of training, in {of_language:.0f} "
        f"CPU s: {-language.score(new_texts):.2f} nats a character of the others."
    )


def error_rates(true, predicted):
    """Share of wrong words and of wrong characters."""
    words = [[text.split() for text in texts] for texts in (true, predicted)]
    return np.array([label_error_rate(*words), label_error_rate(true, predicted)])
