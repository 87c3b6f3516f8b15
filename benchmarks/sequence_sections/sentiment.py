"""Sentiment of movie sentences: RNNClassifier beside TF-IDF with logistic regression."""

import time

import numpy as np
from results import Table, at_least
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sequence_sections.data import read_sentences
from tsrnn import RNNClassifier, Tokenizer

# Chosen by the mean accuracy on the 872 sentences of the dev set alone.
TOKENS = {"unit": "word", "min_frequency": 2}
SETTING = {
    "embedding_size": 300,
    "hidden_size": 64,
    "bidirectional": True,
    "pooling": "max",
    "batch_size": 32,
    "max_iter": 4,
}


def sentiment(run):
    """Print accuracies on SST-2, trained on its sentences alone."""
    train, dev, test = (
        read_sentences(run.data, part, run.dry) for part in ("train", "dev", "test")
    )
    small = {"embedding_size": 8, "hidden_size": 8, "max_iter": 1} if run.dry else {}
    columns = ["model", "dev", "test", "lowest", "highest", "s a fit"]
    table = Table("sequences-sentiment", "SST-2, accuracy in %", columns)
    accuracies, seconds = [], []
    for seed in range(run.seeds):
        classifier = RNNClassifier(**SETTING | small, random_state=seed)
        started = time.perf_counter()
        model = make_pipeline(Tokenizer(**TOKENS), classifier).fit(*train)
        seconds.append(time.perf_counter() - started)
        accuracies.append([100 * model.score(*dev), 100 * model.score(*test)])
    (on_dev, on_test), lowest, highest = (
        np.mean(accuracies, axis=0),
        np.min(accuracies, axis=0)[1],
        np.max(accuracies, axis=0)[1],
    )
    table.row(
        f"RNNClassifier, mean of {run.seeds} seeds",
        f"{on_dev:.1f}",
        at_least(on_test, 80.5),
        f"{lowest:.1f}",
        f"{highest:.1f}",
        f"{np.mean(seconds):.1f}",
    )
    for name, model in baselines(train, dev).items():
        started = time.perf_counter()
        model.fit(*train)
        taken = time.perf_counter() - started
        figures = [f"{100 * model.score(*part):.1f}" for part in (dev, test)]
        table.row(f"TF-IDF, logistic regression, {name}", *figures, None, None, f"{taken:.1f}")
    table.row("CNN from random vectors, trained on phrases too (published)", None, 83.5)


def baselines(train, dev):
    """TF-IDF with logistic regression: as it comes, and the best of twelve on the dev set."""
    models = [
        make_pipeline(
            TfidfVectorizer(ngram_range=(1, n), token_pattern=r"\S+", sublinear_tf=sublinear),
            LogisticRegression(C=C, max_iter=1000),
        ).fit(*train)
        for n in (1, 2)
        for sublinear in (False, True)
        for C in (1, 3, 10)
    ]
    return {
        "defaults": make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000)),
        "best of 12 settings on dev": max(models, key=lambda model: model.score(*dev)),
    }
