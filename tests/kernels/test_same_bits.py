"""The same fit, to the bit, by code for narrow and for wide vectors, with any NumPy and BLAS.

Two processes fit the same networks. One compiles for x86-64-v3 (AVX2), keeps NumPy from its newer
instructions and its BLAS to an old processor's; the other takes all that the host has, and vectors
of 64 bytes: those of AVX-512, or where the host has none two or four registers for each.
"""

import itertools
import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from tsrnn.kernels.jit.processor import host_processor

pytestmark = pytest.mark.slow

# Each takes half a minute to compile, twice: all cells with both types where the variable is set.
JOBS = [("lstm", "float32"), ("gru", "float64")]
if os.environ.get("TSRNN_ALL_CELLS"):
    cells = ("lstm", "gru", "rnn", "rnn_relu", "attention")
    JOBS = list(itertools.product(cells, ("float32", "float64")))

FIT = """
import hashlib, json, sys
import numpy as np
import pandas as pd
from tsrnn.kernels.gemm import products
from tsrnn.kernels.jit.processor import Processor, processor_of
from numba.core.registry import cpu_target

wide, jobs = json.loads(sys.argv[1])
if wide:
    products.processor_of = lambda context: Processor(64, 32, processor_of(context).has_fma)

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline, simulate_series

def digest(*arrays):
    return [hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()[:16] for a in arrays]

rng = np.random.default_rng(0)
X, y = rng.normal(size=(150, 12, 2)), rng.normal(size=150)
digests = {"vector": products.processor_of(cpu_target.target_context).vector_bytes}
simulated = simulate_series(500, 60, (4, 12), random_state=0)
digests["simulated series"] = digest(simulated)
zero_shot = RNNForecaster(max_iter=0, season=12, horizon=9).fit(pd.DataFrame(simulated.T))
digests["zero-shot"] = digest(
    zero_shot.predict().to_numpy(), zero_shot.predict_samples(n_samples=3).to_numpy()
)
for cell, dtype in jobs:
    options = dict(cell=cell, dtype=dtype, hidden_size=20, n_layers=2, max_iter=3, random_state=0)
    recurs = cell != "attention"
    network = RNNRegressor(
        loss="gaussian", dropout=0.2, recurrent_dropout=0.1 * recurs, batch_size=40,
        bidirectional=recurs, n_channels=2, **options,
    ).fit(X, y)
    digests[f"{cell} {dtype} regressor"] = digest(
        network.network_.parameters, network.predict(X), network.predict(X[3:4])
    )
    forecaster = RNNForecaster(
        horizon=5, calendar=["month"], transform="log", loss="student_t", dropout=0.2, **options
    ).fit(load_airline())
    digests[f"{cell} {dtype} forecaster"] = digest(
        forecaster.predict().to_numpy(), forecaster.predict_interval(coverage=[0.8]).to_numpy()
    )
print(json.dumps(digests))
"""


def old_numpy():
    """NumPy's switch that turns off what this processor's generation added."""
    try:
        from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
    except ImportError:  # NumPy 1
        from numpy.core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    newer = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(newer)}


def runs_level_three():
    """Whether code for x86-64-v3 runs here."""
    processor = host_processor()
    is_x86 = platform.machine() in ("x86_64", "AMD64")
    return is_x86 and processor.vector_bytes >= 32 and processor.has_fma


@pytest.mark.skipif(not runs_level_three(), reason="compiles for x86-64-v3, which needs AVX2")
def test_narrow_and_wide_vectors_fit_the_same(tmp_path):
    narrow = {
        "NUMBA_CPU_NAME": "x86-64-v3",
        "NUMBA_CPU_FEATURES": "",
        "OPENBLAS_CORETYPE": "Nehalem",
        **old_numpy(),
    }
    running = []
    for wide, environment in ((False, narrow), (True, {})):
        cache = {"NUMBA_CACHE_DIR": str(tmp_path / "wide")} if wide else {}
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", FIT, json.dumps([wide, JOBS])],
                env=os.environ | environment | cache,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    narrow, wide = (json.loads(process.communicate()[0]) for process in running)
    assert (narrow.pop("vector"), wide.pop("vector")) == (32, 64)
    assert narrow == wide
    assert len(wide) == 2 * len(JOBS) + 2
    assert np.unique([digest for digests in wide.values() for digest in digests]).size > len(wide)
