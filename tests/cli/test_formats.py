"""How files are written: separators, decimal marks, encodings, compression, standard input."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn.cli.reading import Layout, read_series, read_static

NAMES = ["--time", "time", "--target", "y"]
COMMANDS = ["forecast", "backtest", "detect"]
DAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024", periods=80)]
VALUES = (1234.5 * np.sin(np.arange(80))).round(2)


def local(values, decimal=",", thousands=""):
    """Numbers as text with other marks."""
    marks = str.maketrans({",": thousands, ".": decimal})
    return [f"{value:,.2f}".translate(marks) for value in values]


@pytest.fixture
def wanted(write, run):
    """Forecasts of the same values in a file without marks."""
    result = run("forecast", write(DAYS, VALUES, name="plain.csv"), *NAMES)
    assert result[0] == 0
    return result


@pytest.mark.parametrize(
    ("decimal", "thousands"),
    [(",", ""), (",", "."), (".", ","), (",", " "), (",", "\u202f"), (".", "'")],
)
@pytest.mark.parametrize("separator", [";", ",", "\t"])  # cells with commas are in quotes
def test_marks_of_numbers(decimal, thousands, separator, write, run, wanted):
    path = write(DAYS, local(VALUES, decimal, thousands), sep=separator)
    mark = " " if thousands == "\u202f" else thousands
    options = ["--sep", separator, "--decimal", decimal, *(["--thousands", mark] if mark else [])]
    assert run("forecast", path, *NAMES, *options) == wanted


def test_marks_in_all_files(write, run):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"shop": np.repeat(["a", "b"], 84), "day": [*range(1, 85)] * 2})
    rows = rows.assign(sold=rng.normal(size=168).round(2), price=rng.normal(size=168).round(2))
    about = pd.DataFrame({"shop": ["a", "b"], "size": [1500.5, 2.25]})
    is_ahead, named = rows["day"] > 80, ["--id", "shop", "--time", "day", "--target", "sold"]

    def files(name, **how):
        change = local if how else list
        past = rows[~is_ahead].assign(
            sold=change(rows["sold"][~is_ahead]), price=change(rows["price"][~is_ahead])
        )
        ahead = rows[is_ahead].assign(price=change(rows["price"][is_ahead]))
        static = about.assign(size=change(about["size"]))
        return [
            write(columns=past, name=f"past{name}", **how),
            *named,
            *("--known", "price", "--horizon", "4"),
            *("--future", write(columns=ahead.drop(columns="sold"), name=f"ahead{name}", **how)),
            *("--static", write(columns=static, name=f"about{name}", **how)),
        ]

    expected = run("forecast", *files("1.csv"))
    assert expected[0] == 0
    assert run("forecast", *files("2.csv", sep=";"), "--sep", ";", "--decimal", ",") == expected


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("1.5", ["--decimal", ","], "holds '1.5' in data row 6, which is not a number"),
        (
            "1.5",
            ["--decimal", ",", "--thousands", "."],
            "holds '1.5' in data row 6, which is not a",
        ),
        ("1,5", [], "holds '1,5' in data row 6, which is not a number (see --decimal and --thous"),
        ("1 234", [], "holds '1 234' in data row 6, which is not a number (see --decimal and --th"),
        ("1.234,5", [], "'1.234,5' in data row 6, which is not a number (see --decimal and --thou"),
        ("12,34", ["--thousands", ","], "'12,34' in data row 6, which is not a number (see --deci"),
        ("low", ["--decimal", ","], "holds 'low' in data row 6, which is not a number\n"),
    ],
)
def test_numbers_with_other_marks_are_no_numbers(text, options, message, write, refused):
    path = write(DAYS, [*["1"] * 5, text, *["2"] * 74], sep=";")
    for command in COMMANDS:
        assert message in refused(command, path, *NAMES, "--sep", ";", *options)


@pytest.mark.parametrize("kind", ["--known", "--past", "--static"])
def test_numbers_with_other_marks_are_no_categories(kind, write, refused):
    if kind == "--static":
        rows = {"shop": ["a"] * 40 + ["b"] * 40, "time": DAYS[:40] * 2, "y": VALUES}
        static = write(columns={"shop": ["a", "b"], "size": ["1,5", "2,5"]}, name="about.csv")
        options = ["--id", "shop", "--static", static]
    else:
        rows = {"time": DAYS, "y": VALUES, "size": ["1,5", "2,5"] * 40}
        options = [kind, "size"]
    line = refused("forecast", write(columns=rows), *NAMES, *options)
    assert "column 'size' holds '1,5' in data row 1" in line
    assert "which is not a number (see --decimal and --thousands); " in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--decimal", ";"], "argument --decimal: invalid choice: ';'"),
        (["--thousands", "1"], "argument --thousands: '1' is not one character that groups digits"),
        (["--thousands", ",,"], "argument --thousands: ',,' is not one character that groups"),
        (["--thousands", "."], "--decimal and --thousands are both '.'"),
        (
            ["--encoding", "klingon"],
            "argument --encoding: 'klingon' is no encoding such as latin-1",
        ),
        (["--encoding", "base64"], "argument --encoding: 'base64' is no encoding such as latin-1"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_options(command, options, message, write, refused):
    assert message in refused(command, write(), *NAMES, *options)


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_separator_is_named(command, separator, write, refused):
    given = ";" if separator == "," else ","
    line = refused(command, write(DAYS, local(VALUES), sep=separator), *NAMES, "--sep", given)
    mark = "\\t" if separator == "\t" else separator
    assert f"columns are not separated by '{given}' there: give --sep \"{mark}\"\n" in line


def test_the_separator_of_static_values_is_named(write, refused):
    rows = {"shop": ["a"] * 40 + ["b"] * 40, "time": DAYS[:40] * 2, "y": VALUES}
    static = write(columns={"shop": ["a", "b"], "size": [1, 2]}, name="about.csv", sep=";")
    line = refused("forecast", write(columns=rows), *NAMES, "--id", "shop", "--static", static)
    assert f"{static}: columns are not separated by ',' there: give --sep \";\"\n" in line


@pytest.mark.parametrize("header", ["time, y", " time , y ", '"time", "y"', "time ,y"])
def test_blanks_around_names(header, tmp_path, run, wanted):
    path = tmp_path / "data.csv"
    rows = [f"{day}, {y}" for day, y in zip(DAYS, VALUES, strict=True)]
    path.write_text("\n".join([header, *rows]))
    assert run("forecast", path, *NAMES) == wanted


def test_a_name_with_a_blank_is_still_one(write):
    path = write(columns={" y": VALUES, "time": DAYS})
    np.testing.assert_array_equal(read_series(path, Layout([" y"], "time"))[0], VALUES)


def test_blanks_in_a_file_of_static_values(tmp_path):
    path = tmp_path / "about.csv"
    path.write_text("shop, size, kind\na, 1, big\nb, 2, small\n")
    static = read_static(str(path), "shop", pd.Index(["a", "b"]))
    assert static.to_dict("list") == {"size": [1, 2], "kind": ["big", "small"]}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8", "cp1252", "utf-8-sig"])
@pytest.mark.parametrize("files", [["--id", "Geschäft"], ["--holidays"]])
def test_encodings(encoding, files, write, run, tmp_path):
    rows = {"Geschäft": ["Käse"] * 80, "time": DAYS, "y": VALUES}
    options = ["--id", "Geschäft", "--encoding", encoding, "--horizon", "1"]
    if files == ["--holidays"]:
        dates = tmp_path / "dates.txt"
        dates.write_bytes("2024-01-05\n2024-02-06\n".encode(encoding))
        options += ["--holidays", str(dates)]
    code, out, err = run("forecast", write(columns=rows, encoding=encoding), *NAMES, *options)
    assert (code, err) == (0, "")
    assert out.splitlines()[1].startswith("Käse,2024-03-21,")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_encoding_that_is_not_told(command, write, refused):
    path = write(columns={"time": DAYS, "y": VALUES, "ä": "ö"}, encoding="latin-1")
    line = refused(command, path, *NAMES)
    assert f"{path}: no csv file that can be read: 'utf-8' codec can't decode" in line
    assert line.endswith(" (see --encoding)\n")


COMPRESSED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("ending", [*COMPRESSED, ".csv"])  # told by content
def test_compressed_files(ending, write, tmp_path, run, wanted):
    path = tmp_path / f"data.csv{ending}"
    compress = COMPRESSED.get(ending, gzip.compress)
    path.write_bytes(compress(Path(write(DAYS, VALUES)).read_bytes()))
    assert run("forecast", path, *NAMES) == wanted


@pytest.mark.parametrize("ending", COMPRESSED)
def test_a_compressed_file_that_is_cut(ending, write, tmp_path, refused):
    path = tmp_path / f"data.csv{ending}"
    path.write_bytes(COMPRESSED[ending](Path(write()).read_bytes())[:60])
    assert f"{path}: no compressed file that can be read: " in refused("forecast", path, *NAMES)


def given(content, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_standard_input(compress, write, run, wanted, monkeypatch):
    given(compress(Path(write(DAYS, VALUES)).read_bytes()), monkeypatch)
    assert run("forecast", "-", *NAMES, "--out", "-") == wanted


@pytest.mark.parametrize("command", COMMANDS)
def test_errors_of_standard_input(command, monkeypatch, refused):
    given(b"time,y\n2024-01-01,low\n", monkeypatch)
    line = refused(command, "-", *NAMES)
    assert "error: standard input: column 'y' holds 'low' in data row 1, which is not a n" in line
    given(b"time;y\n2024-01-01;1,5\n", monkeypatch)
    assert "error: standard input: columns are not separated by ',' there: give --sep \";\"" in (
        refused(command, "-", *NAMES)
    )


def test_standard_input_is_read_once(refused):
    options = ["--known", "price", "--future", "-"]
    line = refused("forecast", "-", *NAMES, *options)
    assert line == "tsrnn forecast: error: standard input (-) can be read as one file only\n"


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *(("forecast", option) for option in ("--plot", "--save")),
        *(("backtest", option) for option in ("--plot", "--out", "--metrics")),
        *(("detect", option) for option in ("--plot", "--out", "--scores", "--save")),
    ],
)
def test_only_forecasts_go_to_standard_output(command, option, write, refused):
    assert "cannot write -: name a file\n" in refused(command, write(), *NAMES, option, "-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_a_pipe_is_read_like_a_file(write, tmp_path):
    pipe, path = tmp_path / "pipe", write(DAYS, VALUES)
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", path, pipe]) as writer:
        y = read_series(str(pipe), Layout(["y"], "time"))[0]
    assert writer.returncode == 0
    np.testing.assert_array_equal(y, VALUES)
