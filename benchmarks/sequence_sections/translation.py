"""Translation: Multi30k from German to English, and dates."""

import importlib.util
import time

import numpy as np
from results import Table, at_least, below

from sequence_sections.data import read_pairs
from sequence_sections.run import compile_fit, timed
from sequence_sections.translation_peers import SETTING, WORDS
from tsrnn import RNNTranslator, Tokenizer
from tsrnn.datasets import make_dates
from tsrnn.sequences import bleu_score

# By the minutes of two cores that they are to take: the setting, and BLEU of beam 5 to reach.
SCHEDULE = {"learning_rate": "cosine", "learning_rate_init": 2e-3}
SETTINGS = {
    5: (SETTING | SCHEDULE | {"max_iter": 4}, None),
    60: (SETTING | SCHEDULE | {"max_iter": 11}, 33.0),
}
BEAMS = 1, 5
PUBLISHED = {  # perplexity of the test set and BLEU, by the notebooks of bentrevett/pytorch-seq2seq
    "LSTM of two layers without attention (published)": (43.8, 13.8),
    "GRU without attention (published)": (37.5, 20.6),
    "GRU with additive attention (published)": (25.6, 28.3),
    "Transformer (published)": (None, 36.5),
}
DATES = {"embedding_size": 64, "hidden_size": 128, "max_iter": 3}
DRY = {"embedding_size": 4, "hidden_size": 8, "max_iter": 1}


def translation(run):
    """Print BLEU of Multi30k by the minutes of training."""
    train, validation, test = (
        read_pairs(run.data, split, run.dry) for split in ("train", "val", "test_2016_flickr")
    )
    columns = ["model", "parameters", "epochs", "minutes", "CPU minutes"]
    columns += ["perplexity, validation", "test"]
    columns += [f"BLEU, beam {n}" for n in BEAMS] + [f"sacrebleu, beam {BEAMS[-1]}"]
    title = "Multi30k, German to English, test_2016_flickr"
    table = Table("sequences-translation", title, columns)
    n = len(validation[0])
    X, y = (train[k] + validation[k] for k in (0, 1))
    for minutes in sorted(set(run.minutes) & set(SETTINGS)):
        setting, least = SETTINGS[minutes]
        model = RNNTranslator(
            Tokenizer(**WORDS),
            Tokenizer(**WORDS),
            early_stopping=True,
            validation_fraction=(n - 0.5) / len(X),  # the last n pairs
            **setting | (DRY if run.dry else {}),
        )
        seconds, cpu_seconds = timed(model.fit, X, y)
        predicted = [model.predict(test[0], beam_size) for beam_size in BEAMS]
        scores = [bleu_score([text.lower() for text in test[1]], texts) for texts in predicted]
        table.row(
            f"RNNTranslator, setting of {minutes} minutes",
            f"{model.network_.parameters.size:,}",
            f"{model.n_iter_}, best {model.best_iter_}",
            below(seconds / 60, minutes, ".1f"),
            f"{cpu_seconds / 60:.1f}",
            f"{perplexity(model, *validation):.2f}",
            f"{perplexity(model, *test):.2f}",
            *[f"{score:.2f}" for score in scores[:-1]],
            at_least(scores[-1], least, ".2f"),
            _score_by_sacrebleu(test[1], predicted[-1]),
        )
    for name, (of_test, bleu) in PUBLISHED.items():
        table.row(name, *[None] * 5, of_test, None, bleu, None)
    table.note(
        "Words and marks by Tokenizer('word'), lower case, words of training that occur twice; "
        "BLEU is bleu_score of such tokens in lower case, unknown words of the reference as they "
        "are. Beside it sacrebleu by its own tokens (13a) with lowercase=True. Perplexities by our "
        "tokens, an unknown one among them. Published ones split words by spaCy, so that "
        "perplexities compare roughly."
    )


def perplexity(model, X, y):
    """Perplexity of targets by token, with those of their ends."""
    n_tokens = sum(ids.size - 1 for ids in model.target_tokenizer_.transform(y))
    return float(np.exp(-model.log_likelihood(X, y).sum() / n_tokens))


def dates(run):
    """Print how many dates in ten styles are written as in ISO 8601 without an error."""
    n = 200 if run.dry else 20_000
    n_new = n // 10
    columns = ["model", "exact matches in %, beam 1", "beam 5", "lowest"]
    columns += ["s a fit", "CPU s", "s of beam 5"]
    title = f"Dates in 10 styles, {n:,} pairs, {n_new:,} new ones, mean of {run.seeds} seeds"
    table = Table("sequences-dates", title, columns)
    rows = []
    for seed in range(run.seeds):
        X, y = make_dates(n + n_new, random_state=seed)
        setting = DATES | (DRY if run.dry else {})
        model = RNNTranslator("character", "character", random_state=seed, **setting)
        if seed == 0:
            compile_fit(model, X[:n], y[:n])
        fitting = timed(model.fit, X[:n], y[:n])
        shares, seconds = [], 0.0
        for beam_size in BEAMS:
            started = time.perf_counter()
            predicted = model.predict(X[n:], beam_size)
            seconds = time.perf_counter() - started
            shares.append(100 * np.mean(np.array(predicted) == np.array(y[n:])))
        rows.append((*shares, *fitting, seconds))
    greedy, by_beam, seconds, cpu_seconds, of_beam = np.mean(rows, axis=0)
    table.row(
        "RNNTranslator",
        f"{greedy:.2f}",
        at_least(by_beam, 99.0, ".2f"),
        f"{np.min(rows, axis=0)[1]:.2f}",
        below(seconds, 120.0, ".0f"),
        f"{cpu_seconds:.0f}",
        f"{of_beam:.1f}",
    )


def _score_by_sacrebleu(references, translations):
    """BLEU by sacrebleu, without regard to case; None if it is not installed."""
    if importlib.util.find_spec("sacrebleu") is None:
        return None
    from sacrebleu import corpus_bleu

    score = corpus_bleu(translations, [references], lowercase=True).score
    return f"{score:.2f}"
