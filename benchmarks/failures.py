"""What a lost worker and bad series change on Dask, Ray and Spark, at real sizes.

``lost`` runs each job twice, the second time with the busiest worker killed (SIGKILL) in the middle
of it: forecasts of 20,000 series, a network of each of 400, and rounds on 400. ``bad`` forecasts
20,000 series, their values a column of text, of which 1 % cannot be forecast (a gap, "n/a", a day
twice, too short), with ``errors="skip"``. Both say whether results are the same to the bit.
"""

import argparse
import contextlib
import os
import signal
import tempfile
import threading
import time
import warnings

import numpy as np
import psutil
from engines import ENGINES, N_VALUES, make_series, write
from results import Table, parse_arguments, processor_name

from tsrnn import RNNForecaster


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("section", choices=["lost", "bad"])
    parser.add_argument("--engines", nargs="+", default=["dask", "ray", "spark"])
    parser.add_argument("--series", type=int, default=20_000)
    arguments = parse_arguments(parser, peers=("dask", "ray", "pyspark"))
    print(f"On {processor_name()}", flush=True)
    warnings.simplefilter("ignore")  # of engines about pandas
    {"lost": lost, "bad": bad}[arguments.section](arguments)


def lost(arguments):
    """Print seconds of each job with and without a lost worker, and whether results agree."""
    y = make_series(arguments.series, N_VALUES)
    some = y[: 400 * N_VALUES]
    forecaster = RNNForecaster(horizon=14).fit(some)
    local = RNNForecaster(horizon=14, season=7, scope="local", pretrained=None, max_iter=20)
    rounds = RNNForecaster(horizon=14, season=7, pretrained=None, max_iter=6)
    columns = ["engine", "job", "s", "s with a lost worker", "same bits"]
    table = Table("failures-lost", "A worker killed in the middle of a job", columns)
    for engine in arguments.engines:
        with held_frames(engine, y, some) as (all_series, few, to_pandas):
            jobs = {
                f"forecasts of {arguments.series:,}": lambda: forecaster.predict(y=all_series),
                "400 networks": lambda: local.fit(few).predict(),
                "rounds": lambda: rounds.fit(few).predict(y=few),
            }
            for name, job in jobs.items():
                timed(job, to_pandas)  # loads kernels
                seconds, expected = timed(job, to_pandas)
                killer = Killer(engine, after=seconds * 0.5)
                killer.start()
                longer, found = timed(job, to_pandas)
                in_time = not killer.is_alive()
                killer.join()
                same = "yes" if np.array_equal(found, expected) else "NO"
                same = same if in_time else "ended before"
                table.row(engine, name, f"{seconds:.1f}", f"{longer:.1f}", same)


def bad(arguments):
    """Print what becomes of series that cannot be forecast, and of the others."""
    y = make_series(arguments.series, N_VALUES)
    forecaster = RNNForecaster(horizon=14, errors="skip", short="raise").fit(y[: 400 * N_VALUES])
    started = time.perf_counter()
    expected = forecaster.predict(y=y)
    seconds = time.perf_counter() - started
    spoilt, labels = spoil(y)
    expected = expected[~expected["unique_id"].isin(labels)]["y"].to_numpy()
    columns = ["by", "predict, s", "check_series, s", "named", "same bits of the others"]
    title = f"Forecasts of {arguments.series:,} series, {len(labels)} of them bad"
    table = Table("failures-bad", title, columns)
    table.row("one process, all of them good", f"{seconds:.1f}")
    for engine in arguments.engines:
        with held_frames(engine, spoilt, spoilt[:N_VALUES]) as (frame, _, to_pandas):
            started = time.perf_counter()
            _, found = timed(lambda frame=frame: forecaster.predict(y=frame), to_pandas)
            ended = time.perf_counter()
            found_bad = to_pandas(forecaster.check_series(frame))
            checked = time.perf_counter() - ended
            named = len(labels & set(found_bad["unique_id"]))
            same = "yes" if np.array_equal(found, expected) else "NO"
            names = f"{named} of {len(labels)}, {len(found_bad) - named} others"
            table.row(engine, f"{ended - started:.1f}", f"{checked:.1f}", names, same)


def spoil(y):
    """The frame with 1 % of its series spoilt in four ways, and the ids of these."""
    ids = y["unique_id"].unique()
    labels = np.random.default_rng(1).choice(ids, len(ids) // 100, replace=False)
    rows = {label: np.flatnonzero(y["unique_id"] == label) for label in labels}
    y, dropped, twice = y.astype({"y": "str"}), [], []
    for k, label in enumerate(labels):
        of_series = rows[label]
        if k % 4 == 0:
            dropped.append(of_series[50:60])
        elif k % 4 == 1:
            y.loc[of_series[100], "y"] = "n/a"
        elif k % 4 == 2:
            twice.append(of_series[70:71])
        else:
            dropped.append(of_series[3:])
    kept = np.setdiff1d(np.arange(len(y)), np.concatenate(dropped))
    order = np.sort(np.concatenate([kept, *twice]))
    return y.iloc[order].reset_index(drop=True), set(labels)


class Killer(threading.Thread):
    """Kills the worker of an engine that has computed most, some seconds from now."""

    def __init__(self, engine, after):
        super().__init__(daemon=True)
        self.engine, self.after = engine, after

    def run(self):
        before = {process.pid: busy(process) for process in workers(self.engine)}
        time.sleep(self.after)
        found = workers(self.engine)
        most = max(found, key=lambda process: busy(process) - before.get(process.pid, 0))
        most.send_signal(signal.SIGKILL)


def workers(engine):
    """Processes that run tasks."""
    if engine == "dask":
        from distributed import default_client

        return [psutil.Process(pid) for pid in default_client().run(os.getpid).values()]
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            command = " ".join(process.cmdline())
            daemon = "pyspark.daemon" in command and "daemon" in " ".join(
                process.parent().cmdline()
            )
        except psutil.Error:
            continue
        if daemon or (engine == "ray" and command.startswith("ray::")):
            found.append(process)
    return found


def busy(process):
    """Seconds of the processor that a process has had."""
    try:
        return sum(process.cpu_times()[:2])
    except psutil.Error:
        return 0.0


def timed(job, to_pandas):
    """Seconds of a job, and its forecasts."""
    started = time.perf_counter()
    forecasts = to_pandas(job())
    seconds = time.perf_counter() - started
    return seconds, forecasts.sort_values(["unique_id", "ds"])["y"].to_numpy(float)


@contextlib.contextmanager
def held_frames(engine, *frames):
    """Frames in the memory of an engine, and what brings one of its frames here."""
    with contextlib.ExitStack() as stack:
        reader, hold, to_pandas = stack.enter_context(ENGINES[engine]())
        held = []
        for frame in frames:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            write(frame, folder)
            held.append(hold(reader(folder)))
        yield *held, to_pandas


if __name__ == "__main__":
    main()
