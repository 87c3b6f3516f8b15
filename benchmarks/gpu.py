"""The CUDA target on one GPU: parity, then speed against cuDNN by PyTorch and against our CPU.

Parity comes first, in float32 and float64, and nothing is timed without it. Then training steps and
predictions beside PyTorch's nn.LSTM and nn.GRU on the same GPU, by CUDA events, medians of rounds
in which the two take turns: cuDNN in float32 without TF32, and under autocast to bfloat16. The
share of the ceiling is the matrix products' operations over the whole time of a step, against the
fastest large float32 product measured in the same run. Then thousands of local models against our
CPU and against a loop over PyTorch's, and with ``--data`` M4 Hourly from end to end.

``--dry-run`` goes through all of it at small sizes, without a GPU in Numba's simulator
(NUMBA_ENABLE_CUDASIM=1), and its times mean nothing.
"""

import argparse
import contextlib
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from peers import LOCAL, Ours, PyTorch
from speed import bar, operations

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
from tsrnn.forecasting import mase, seasonal_scale
from tsrnn.kernels.jit.threads import available_threads
from tsrnn.kernels.sources import forecast_source
from tsrnn.kernels.targets import claim
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Settings, train, train_many

# batch, steps, inputs, hidden: least ratio of training steps
SIZES = {(4096, 96, 1, 32): 1.0, (4096, 96, 1, 64): 1.0, (512, 168, 7, 128): 0.7}
DRY_SIZES = {(8, 4, 1, 4): None, (5, 3, 2, 3): None}
LEAST_PREDICTION, LEAST_OF_CPU = 1.0, 10.0
SECONDS = 0.4  # of a round


class Clock:
    """Milliseconds of a call by CUDA events, or by the clock where there is no GPU."""

    def __init__(self, dry):
        import torch

        self.torch = None if dry else torch

    def __call__(self, call):
        if self.torch is None:
            started = time.perf_counter()
            call()
            return (time.perf_counter() - started) * 1e3
        first, last = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.torch.cuda.synchronize()
        first.record()
        call()
        last.record()
        self.torch.cuda.synchronize()
        return first.elapsed_time(last)

    def each(self, call, most=50):
        """Milliseconds a step of ``call(n_steps)``, for about a round's time."""
        call(1)
        once = self(lambda: call(2)) / 2
        n = int(np.clip(SECONDS * 1e3 / once, 2, most))
        return self(lambda: call(n)) / n


def parity(dry):
    """Hold predictions and trainings on the GPU against the CPU's, and end if they part."""
    values = load_airline().to_numpy(float)
    n_hidden = 3 if dry else 48
    print(
        "| parity with the CPU | forecasts | weights after two steps | bound |\n|---|---|---|---|"
    )
    for cell in ("lstm", "gru", "rnn"):
        for dtype, bound in {"float32": 1e-4, "float64": 1e-10}.items():
            source = forecast_source(values.astype(dtype), 12, 12, 0.1)
            said, weights = {}, {}
            for device in ("cpu", "cuda"):
                rng = np.random.default_rng(0)
                network = RecurrentNetwork(cell, 1, n_hidden, 12, dtype, n_layers=2)
                network.initialise(rng, scale=1.0)
                workers = 1 if device == "cpu" else "cuda"
                said[device] = network.predict(source, np.arange(100), workers)
                how = Settings(max_iter=1, batch_size=50, device=device, dropout=0.1, n_jobs=1)
                train(network, source, np.arange(100), np.empty(0, int), how, rng)
                weights[device] = network.parameters
            apart = [
                np.abs(found["cuda"] - found["cpu"]).max() / np.abs(found["cpu"]).max()
                for found in (said, weights)
            ]
            print(f"| {cell}, {dtype} | {apart[0]:.1e} | {apart[1]:.1e} | {bound:g} |", flush=True)
            if not max(apart) < bound:
                raise SystemExit(f"{cell} in {dtype} parts from the CPU: nothing else is measured.")
    y = load_airline()
    epochs, n_hidden = (2, 3) if dry else (20, 32)
    forecasts = [
        RNNForecaster(12, hidden_size=n_hidden, max_iter=epochs, device=device, conformal=False)
        .fit(y[:-12])
        .predict()
        .to_numpy()
        for device in ("cpu", "cuda")
    ]
    apart = np.abs(forecasts[1] / forecasts[0] - 1).max()
    print(f"| airline, {epochs} epochs | {apart:.1e} | | 0.001 |\n", flush=True)
    if not apart < 1e-3:
        raise SystemExit("Forecasts part from the CPU's: nothing else is measured.")


def ceilings(dry):
    """TFLOP/s of a large float32 product and GB/s of a copy, the best of several."""
    import torch

    device, n = ("cpu", 256) if dry else ("cuda", 8192)
    clock = Clock(dry)
    a = torch.randn(n, n, device=device)
    out = torch.empty_like(a)
    product = min(clock(lambda: torch.mm(a, a, out=out)) for _ in range(8))
    source = torch.empty(2**16 if dry else 2**28, device=device)
    target = torch.empty_like(source)
    copy = min(clock(lambda: target.copy_(source)) for _ in range(8))
    return 2 * n**3 / product / 1e9, 2 * source.nbytes / copy / 1e6


def steps_table(sizes, dry, rounds):
    """Training steps and predictions against PyTorch on the same device."""
    import torch

    tflops, gigabytes = ceilings(dry)
    print(
        f"Ceilings here: {tflops:.1f} TFLOP/s in a float32 product, {gigabytes:.0f} GB/s in a "
        "copy.\n"
    )
    print(
        "| cell | batch, steps, inputs, hidden | step ms | cuDNN ms | ratio | of ceiling "
        "| bf16 ms | predict ms | cuDNN ms | ratio |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    clock, device = Clock(dry), "cpu" if dry else "cuda"
    for cell in ("lstm", "gru"):
        for size, least in sizes.items():
            ours, theirs = Ours(cell, size, "cuda"), PyTorch(cell, size, 1, device)
            if dry:
                ours.windows %= 20
            times = []
            for _ in range(rounds):
                row = [clock.each(ours.train), clock.each(theirs.train)]
                with torch.autocast(device, torch.bfloat16):
                    row.append(clock.each(theirs.train))
                row += [clock.each(ours.predict), clock.each(theirs.predict)]
                times.append(row)
            times = np.array(times)
            step, torch_step, half, answer, torch_answer = np.median(times, axis=0)
            ratio = np.median(times[:, 1] / times[:, 0])
            answers = np.median(times[:, 4] / times[:, 3])
            share = operations(cell, size) / step / 1e9 / tflops
            asked = None if least is None else LEAST_PREDICTION
            print(
                f"| {cell} | {', '.join(map(str, size))} | {step:.3f} | {torch_step:.3f} "
                f"| {bar(ratio, least)} | {share:.0%} | {half:.3f} | {answer:.3f} "
                f"| {torch_answer:.3f} | {bar(answers, asked)} |",
                flush=True,
            )


def local_seconds(n_models, device, shape):
    """Seconds to train as many local LSTMs."""
    n_hidden, n_time, n_windows, n_batch, n_epochs = shape
    rng = np.random.default_rng(0)
    length = n_time + n_windows
    values = rng.normal(size=(n_models, length)).cumsum(axis=1).astype(np.float32)
    source = forecast_source(values.ravel(), n_time, 1, 0.1)
    networks = [RecurrentNetwork("lstm", 1, n_hidden, 1).initialise(rng) for _ in range(n_models)]
    windows = [k * length + np.arange(n_windows) for k in range(n_models)]
    how = Settings(max_iter=n_epochs, batch_size=n_batch, device=device)
    rngs = [np.random.default_rng(k) for k in range(n_models)]
    started = time.perf_counter()
    train_many(networks, source, windows, [np.empty(0, int)] * n_models, [how] * n_models, rngs)
    return time.perf_counter() - started


def locals_table(dry):
    """Thousands of local models: the GPU, our CPU on all cores, and a loop over PyTorch's."""
    shape = (3, 4, 8, 4, 1) if dry else LOCAL
    n_hidden, n_time, n_windows, n_batch, n_epochs = shape
    n_models, n_cpu, n_torch = (3, 2, 1) if dry else (4096, 512, 4)
    for device in ("cpu", "cuda"):  # compile
        local_seconds(2, device, (*shape[:-1], 1))
    gpu = local_seconds(n_models, "cuda", shape)
    cpu = local_seconds(n_cpu, "cpu", shape) * n_models / n_cpu
    n_steps = n_torch * n_epochs * -(-n_windows // n_batch)
    size = n_batch, n_time, 1, n_hidden
    torch_model = PyTorch("lstm", size, 1, "cpu" if dry else "cuda")
    torch_model.train(2)
    loop = Clock(dry)(lambda: torch_model.train(n_steps)) / 1e3 * n_models / n_torch
    print(
        f"\n| {n_models} local LSTMs, hidden {n_hidden}, {n_windows} windows of {n_time}, "
        f"{n_epochs} epochs | GPU s | CPU s ({available_threads()} threads, from {n_cpu}) "
        f"| ratio | loop over PyTorch's s (from {n_torch}) | ratio |\n|---|---|---|---|---|---|\n"
        f"| | {gpu:.1f} | {cpu:.1f} | {bar(cpu / gpu, None if dry else LEAST_OF_CPU)} "
        f"| {loop:.0f} | {loop / gpu:.0f} |",
        flush=True,
    )


def hourly_table(folder):
    """M4 Hourly with the defaults on either device."""
    tables = (
        pd.read_csv(folder / f"m4/Hourly-{part}.csv", index_col=0).to_numpy(float)
        for part in ("train", "test")
    )
    histories, actual = tables
    histories = [row[~np.isnan(row)] for row in histories]
    y = pd.concat(
        pd.DataFrame({"unique_id": k, "ds": np.arange(own.size), "y": own})
        for k, own in enumerate(histories)
    )
    scales = np.array([seasonal_scale(own, 24) for own in histories])
    print("\n| M4 Hourly, defaults | MASE | fit s | predict s |\n|---|---|---|---|")
    for device in ("cpu", "cuda"):
        started = time.perf_counter()
        forecaster = RNNForecaster(horizon=48, season=24, device=device).fit(y)
        fitted = time.perf_counter()
        said = forecaster.predict()["y"].to_numpy().reshape(actual.shape)
        print(
            f"| {device} | {mase(actual, said, scales).mean():.3f} | {fitted - started:.1f} "
            f"| {time.perf_counter() - fitted:.2f} |",
            flush=True,
        )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds to take the median of")
    parser.add_argument("--data", type=Path, help="folder with m4/Hourly-train.csv and -test.csv")
    parser.add_argument("--dry-run", action="store_true", help="small sizes; times mean nothing")
    arguments = parser.parse_args()
    try:
        import torch

        with claim("cuda", None):
            pass
    except (ImportError, RuntimeError) as error:
        print(f"{error}\nSee benchmarks/README.md.", file=sys.stderr)
        return 2
    dry = arguments.dry_run
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    started = time.perf_counter()
    what = "a dry run: times mean nothing" if dry else torch.cuda.get_device_name()
    print(f"{what}; PyTorch {torch.__version__}; {time.strftime('%Y-%m-%d')}\n")
    with quick_simulator() if dry else contextlib.nullcontext():
        parity(dry)
        steps_table(DRY_SIZES if dry else SIZES, dry, 2 if dry else arguments.rounds)
        locals_table(dry)
        if arguments.data and not dry:
            hourly_table(arguments.data)
    print(f"\n{time.perf_counter() - started:.0f} s in all, with compilation.")
    return 0


@contextlib.contextmanager
def quick_simulator():
    """The simulator's threads wait for each other all the time: let Python switch soon."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


if __name__ == "__main__":
    raise SystemExit(main())
