"""Code blocks of all pages: Python runs, in tiny trainings, and options of commands exist.

Printed results on a page must have the digest of the page's code. Some short pages are also run as
they are, and print what the page says. The tutorial of a daily job has a test of its own
(``tests/cli/test_daily_job.py``).
"""

import importlib
import importlib.util
import re
import shlex

import matplotlib
import pytest
from conftest import ROOT
from pages import DOCS, PAGES, blocks, name_of

import tsrnn.datasets
from tsrnn.cli.options import parser
from tsrnn.training import Settings

matplotlib.use("Agg")
TUTORIAL = DOCS / "how-to" / "daily-job.md"
TEXTS = [ROOT / "README.md", *PAGES]
MOST = 100  # sequences, or pairs of them
EVERY = 25  # spoken digit
# Pages of seconds, in the folder how-to, that need no library but this one.
SHORT = ["anomalies", "label-steps", "many-series", "missing-values", "update", "zero-shot"]
with_python = [path for path in TEXTS if blocks(path, "python") and path != TUTORIAL]
with_commands = [path for path in TEXTS if any("tsrnn " in text for text in blocks(path, ""))]


@pytest.fixture
def quick(monkeypatch):
    """One epoch of few minibatches, and less data: pages say what is right for real work."""
    make = Settings.__init__

    def make_quick(self, *args, **kwargs):
        make(self, *args, **kwargs)
        object.__setattr__(self, "max_iter", 1)
        if self.n_batches is not None:  # None goes through all windows, or all of a stream
            object.__setattr__(self, "n_batches", 2)

    monkeypatch.setattr(Settings, "__init__", make_quick)
    warming = importlib.import_module("tsrnn.warming.warm_up")  # by the name of its function
    monkeypatch.setattr(warming, "compile_call", lambda call: None)

    search = tsrnn.search  # which takes all the time that it has
    monkeypatch.setattr(
        tsrnn, "search", lambda *args, **options: search(*args, **(options | {"max_seconds": 3}))
    )
    fit, transcribe = tsrnn.RNNLanguageModel.fit, tsrnn.RNNTranscriber.fit
    monkeypatch.setattr(tsrnn.RNNLanguageModel, "fit", lambda self, X: fit(self, shortened(X)))
    monkeypatch.setattr(
        tsrnn.RNNTranscriber, "fit", lambda self, X, y: transcribe(self, X[:MOST], y[:MOST])
    )
    datasets = tsrnn.datasets
    days, digits = datasets.load_seattle_weather, datasets.load_spoken_digits
    pairs, sentences = datasets.make_dates, datasets.make_sentences
    monkeypatch.setattr(datasets, "load_seattle_weather", lambda: days()[-400:])
    monkeypatch.setattr(
        datasets, "load_spoken_digits", lambda *split: [part[::EVERY] for part in digits(*split)]
    )
    monkeypatch.setattr(datasets, "make_dates", lambda n, **seed: pairs(MOST, **seed))
    monkeypatch.setattr(datasets, "make_sentences", lambda n, **seed: sentences(MOST, **seed))


def shortened(X):
    """All characters of a text, and its beginning; some of other sequences."""
    return "".join(dict.fromkeys(X)) + X[:3000] if isinstance(X, str) else X[:MOST]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # of so little training
@pytest.mark.parametrize("path", with_python, ids=name_of)
def test_python_runs(path, quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets").symlink_to(ROOT / "datasets", target_is_directory=True)
    names = {"__name__": "__main__"}
    for code in blocks(path, "python"):
        exec(compile(code, name_of(path), "exec"), names)


@pytest.fixture(scope="module")
def run_pages():
    """The script that runs pages and keeps what they print."""
    spec = importlib.util.spec_from_file_location("run_pages", DOCS / "run_pages.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize("path", [path for path in with_python if path in PAGES], ids=name_of)
def test_printed_results_are_of_this_code(path, run_pages):
    for block in run_pages.blocks_of(path.read_text(encoding="utf-8")):
        if block.printed is not None or (block.prints and path not in run_pages.LEFT):
            assert block.kept_digest == block.digest, f"run docs/run_pages.py {name_of(path)}"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SHORT)
def test_printed_results_are_what_is_printed(name, run_pages):
    """Real sizes, and the same figures on any machine."""
    path = DOCS / "how-to" / f"{name}.md"
    kept = [block.printed or "" for block in run_pages.blocks_of(path.read_text(encoding="utf-8"))]
    assert run_pages.run(path) == kept


@pytest.mark.parametrize("path", with_commands, ids=name_of)
def test_commands_have_these_options(path):
    text = "".join(blocks(path, "")).replace("\\\n", "")
    lines = [line for line in text.splitlines() if re.match(r"(\w+ .* \| )?tsrnn ", line)]
    assert lines
    for line in lines:
        words = shlex.split(line.rpartition("| ")[2], comments=True)[1:]
        parser().parse_args(words)
