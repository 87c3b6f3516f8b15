"""``tsrnn compile`` and ``tsrnn kernels``."""

import json
import os
import re

import numba
import pytest

from tsrnn.cli import main
from tsrnn.cli.kernels_options import ESTIMATORS
from tsrnn.kernels.jit import levels, listing
from tsrnn.kernels.jit.cache import SOURCES
from tsrnn.warming import ESTIMATORS as RECIPES


def test_the_estimators_are_those_of_warm_up():
    assert tuple(RECIPES) == ESTIMATORS


@pytest.mark.slow
def test_compile_in_processes(capsys):
    command = ["compile", "--cells", "rnn", "--estimators", "classifier", "--n-jobs", "2"]
    for n_new in (r"\d", "0"):
        assert main(command) == 0
        (folder,) = re.fullmatch(
            rf"compiled {n_new} kernels in \d+\.\d s, in (\S+?)(?:; \d were there)?\n",
            capsys.readouterr().out,
        ).groups()
    assert os.path.isdir(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cells", "lsmt"], "argument --cells: invalid choice: 'lsmt' (choose from 'gru', "),
        (["--estimators", "tagger"], "argument --estimators: invalid choice: 'tagger'"),
        (["--n-jobs", "0"], "argument --n-jobs: '0' is not a whole number from 1"),
        (["--all", "--cells", "gru"], "--all means all cells: leave out --cells"),
    ],
)
def test_wrong_options(options, message, capsys):
    assert main(["compile", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"tsrnn compile: error: {message}")
    assert err.count("\n") == 1


def test_compile_says_that_nothing_can_be_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "tsrnn").write_text("in the way")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert main(["compile", "--cells", "rnn"]) == 2
    error = f"tsrnn compile: error: {tmp_path / 'tsrnn'}: File exists\n"
    assert capsys.readouterr() == ("", error)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A wheel's folder with two kernels."""
    folder = tmp_path / "compiled"
    folder.mkdir()
    files = {}
    for digest, level in [("a" * 24, "x86-64-v3"), ("b" * 24, "x86-64-v4")]:
        name = f"tsrnn-lstm-train-serial-{SOURCES[:12]}-{digest}.nbc"
        (folder / name).write_bytes(bytes(4000))
        files[name] = level
    manifest = json.dumps(listing.manifest_of(folder, files))
    (folder / listing.MANIFEST).write_text(manifest, encoding="utf-8")
    monkeypatch.setattr(listing, "SHIPPED", folder)
    return folder


def test_kernels_of_the_wheel_and_of_the_cache(tmp_path, monkeypatch, capsys, shipped):
    monkeypatch.setattr(levels.platform, "machine", lambda: "x86_64")
    cache = tmp_path / "cache" / "tsrnn"
    cache.mkdir(parents=True)
    for digest in ("a" * 24, "b" * 24):
        name = f"tsrnn-gru-pools-predict-parallel-{SOURCES[:12]}-{digest}.nbc"
        (cache / name).write_bytes(bytes(2500))
    (cache / f"tsrnn-rnn-step-serial-{'0' * 12}-{'a' * 24}.nbc").write_bytes(b"of other sources")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(cache.parent))
    assert main(["kernels"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"levels of this processor: .* \(of x86-64-v4, x86-64-v3\)", first)
    assert [line.split() for line in lines if line.startswith("  ")] == [
        ["lstm-train-serial", "x86-64-v3", "4", "KB"],
        ["lstm-train-serial", "x86-64-v4", "4", "KB"],
        ["2", "files,", "0.0", "MB"],
        ["gru-pools-predict-parallel", "5", "KB", "(2", "files)"],
        ["2", "files,", "0.0", "MB"],
    ]
    assert f"compiled here, in {cache}:" in lines


def test_kernels_made_for_other_versions(shipped, capsys):
    path = shipped / listing.MANIFEST
    path.write_text(path.read_text().replace(numba.__version__, "0.1.2"))
    assert main(["kernels"]) == 0
    assert f"not used, as they are made for Numba 0.1.2 (here {numba.__version__})" in (
        capsys.readouterr().out
    )


def test_a_checkout_brings_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(listing, "SHIPPED", tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    (tmp_path / "tsrnn").mkdir()
    assert main(["kernels"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "the wheel brings none, or this is a checkout",
        f"compiled here, in {tmp_path / 'tsrnn'}: none",
    ]
