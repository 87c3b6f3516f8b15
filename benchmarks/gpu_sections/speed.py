"""Training steps and predictions beside PyTorch's on the same GPU."""

import numpy as np
from peers import Ours, PyTorch
from results import Table, at_least
from speed import operations

from gpu_sections.run import Clock

# batch, steps, inputs, hidden: least ratio of an LSTM's training steps
SIZES = {(4096, 96, 1, 32): 2.0, (4096, 96, 1, 64): 1.5, (512, 168, 7, 128): 1.0}
DRY_SIZES = {(8, 4, 1, 4): None, (5, 3, 2, 3): None}
LEAST_PREDICTION = 1.0
CELLS = ("lstm", "gru", "rnn")


def speed(run):
    """Print a row for each cell and size, LSTMs first."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    tflops, gigabytes = ceilings(run.dry)
    columns = ["cell", "batch, steps, inputs, hidden", "step ms", "cuDNN step ms", "step ratio"]
    columns += ["of ceiling", "bf16 step ms", "predict ms", "cuDNN predict ms", "predict ratio"]
    columns += ["first calls s"]
    ceiling = f"{tflops:.1f} TFLOP/s in a float32 product, {gigabytes:.0f} GB/s in a copy"
    title = "Training steps and predictions beside cuDNN"
    table = Table("gpu-speed", title, columns, f"Ceilings: {ceiling}.")
    sizes = DRY_SIZES if run.dry else SIZES
    for cell in CELLS:
        for size, least in sizes.items():
            if run.has_time_for(f"speed of {cell}, {size}"):
                add_row(run, table, cell, size, least if cell == "lstm" else None, tflops)


def add_row(run, table, cell, size, least, tflops):
    """Medians of rounds in which both take turns."""
    import torch

    clock, device = Clock(run.dry), "cpu" if run.dry else "cuda"
    ours, theirs = Ours(cell, size, "cuda"), PyTorch(cell, size, 1, device)
    if run.dry:
        ours.windows %= 20
    first = run.first_call(lambda: (ours.train(1), ours.predict(1)))
    times = []
    for _ in range(run.rounds):
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
    table.row(
        cell,
        ", ".join(map(str, size)),
        f"{step:.3f}",
        f"{torch_step:.3f}",
        at_least(ratio, least),
        f"{share:.0%}",
        f"{half:.3f}",
        f"{answer:.3f}",
        f"{torch_answer:.3f}",
        at_least(answers, asked),
        f"{first:.1f}",
    )


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
