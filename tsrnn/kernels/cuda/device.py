"""The GPU as the host sees it: whether there is one, its memory, and runs of kernels on it.

``Trainer`` and ``predict`` are those of ``tsrnn.kernels.cpu.trainer`` with the same arguments and answers.
"""

import functools
import importlib.util
import warnings

import numba
import numpy as np

from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.jit.numba_internals import allow_shared_memory
from tsrnn.kernels.layout import state_width
from tsrnn.kernels.outputs import head_offsets

MAX_UNIT_STEPS = 2**28  # steps of hidden units in one call of a prediction
MODELS_AT_ONCE = 1024  # blocks with a workspace of their own, which take one model after another
_ROWS = (4, 8, 16, 32)  # that a chunk may have
_PLENTY = 128  # chunks that keep a GPU busy
_FILLED = 0.9  # share of the free memory that is used


def require() -> None:
    """Make sure that there is a GPU, or its simulator.

    Raises
    ------
    RuntimeError
        If there is none, or what it needs is not installed.
    """
    if numba.config.ENABLE_CUDASIM:
        return
    if importlib.util.find_spec("numba_cuda") is None:
        raise RuntimeError(
            "device='cuda' needs numba-cuda, which is not installed. Install it for the CUDA "
            "version of your driver, by pip install 'tsrnn[cuda12]' or pip install "
            "'tsrnn[cuda13]', or use device='cpu'."
        )
    from numba import cuda

    if not cuda.is_available():
        raise RuntimeError(
            "device='cuda' found no NVIDIA GPU that works. If there is one, nvidia-smi must show "
            "it: install NVIDIA's driver, and tsrnn[cuda12] or tsrnn[cuda13] for its CUDA "
            "version. Else use device='cpu'."
        )


def rows_of_a_chunk(n_windows: int, n_models: int) -> int:
    """Rows of a chunk: few enough that all processors of a GPU have one."""
    enough = n_windows // _PLENTY if n_models == 1 else n_windows
    return next((rows for rows in _ROWS if rows >= min(enough, _ROWS[-1])), _ROWS[-1])


class _Kernels:
    """The kernels for a cell, dtype and shape, with the shared memory that a block takes."""

    def __init__(self, cell, dtype, sizes, n_rows):
        from tsrnn.kernels.cuda.blocks import shared_values, tile_config_of
        from tsrnn.kernels.cuda.kernels import compile_kernels

        if sizes.n_attention_heads:
            raise ValueError("cell='attention' runs on the CPU only. Use device='cpu'.")
        most = _most_shared()
        for rows in reversed([rows for rows in _ROWS if rows <= n_rows]):
            self.tile_config = tile_config_of(rows, sizes.n_hidden, dtype.itemsize)
            least, wanted = shared_values(sizes, self.tile_config)
            # Doubles, of which each thread has one, begin where the others do.
            scratch = 8 * max(self.tile_config.n_threads, 2 * rows)
            if max(least * dtype.itemsize, scratch) <= most:
                break
        else:
            raise ValueError(
                f"hidden_size={sizes.n_hidden} with {sizes.n_in} inputs a step is more than this "
                f"GPU's processors hold: {least * dtype.itemsize:,} bytes of shared memory, of "
                f"which they have {most:,}. Use fewer units, or device='cpu'."
            )
        self.sizes = sizes._replace(n_rows=rows)
        shared = min(max(wanted * dtype.itemsize, scratch), most)
        self.shared_bytes = shared // 8 * 8
        self.grids = compile_kernels(cell, dtype.name, self.tile_config)
        self.dtype = dtype

    def launch(self, name, n_blocks, *args):
        """Run a kernel over so many blocks."""
        dispatcher = _compiled(getattr(self.grids, name), self.dtype.name)
        _launcher(dispatcher, n_blocks, self.tile_config.n_threads, self.shared_bytes)(*args)


def _launcher(dispatcher, n_blocks, n_threads, shared_bytes):
    """A kernel made ready for a grid; kept, as it warns of a small grid when it is made."""
    if numba.config.ENABLE_CUDASIM:  # has but one for each kernel
        return dispatcher[n_blocks, n_threads, 0, shared_bytes]
    return _made_launcher(dispatcher, n_blocks, n_threads, shared_bytes)


@functools.lru_cache(1024)
def _made_launcher(dispatcher, n_blocks, n_threads, shared_bytes):
    with warnings.catch_warnings():
        # A small grid is what a small network needs.
        warnings.simplefilter("ignore")
        return dispatcher[n_blocks, n_threads, 0, shared_bytes]


@functools.cache
def _most_shared() -> int:
    """Bytes of shared memory that a block may have."""
    if numba.config.ENABLE_CUDASIM:
        return 48 * 1024
    from numba import cuda

    return cuda.get_current_device().MAX_SHARED_MEMORY_PER_BLOCK_OPTIN


@functools.cache
def _compiled(function, dtype):
    """The kernel compiled for its types, and allowed all the shared memory that there is."""
    from numba import cuda, types

    dispatcher = cuda.jit(function)
    if not numba.config.ENABLE_CUDASIM:
        real = types.float32 if dtype == "float32" else types.float64
        signature = types.void(real[::1], types.int64[::1], types.float64[::1], types.int64)
        allow_shared_memory(dispatcher, signature, _most_shared())
    return dispatcher


def free_bytes() -> float:
    """Bytes of the GPU's memory that nobody has taken."""
    from numba import cuda

    return cuda.current_context().get_memory_info().free


class _Table:
    """A long array on the GPU, of which parts have names."""

    def __init__(self, dtype):
        self.dtype, self.places, self.size, self._array = np.dtype(dtype), {}, 0, None

    def add(self, name, size):
        """Set aside a part."""
        self.places[name] = self.size, self.size + int(size)
        self.size += int(size)

    @property
    def array(self):
        """The array on the GPU."""
        from numba import cuda

        if self._array is None:
            self._array = cuda.device_array(max(self.size, 1), self.dtype)
        return self._array

    def write(self, name, values):
        """Copy values to a part, from its beginning on."""
        values = np.ascontiguousarray(values, self.dtype).ravel()
        if values.size:
            first = self.places[name][0]
            self.array[first : first + values.size].copy_to_device(values)

    def read(self, name, size=None):
        """Copy a part, or the beginning of one, to the host."""
        first, last = self.places[name]
        last = last if size is None else first + size
        return self.array[first:last].copy_to_host() if last > first else np.empty(0, self.dtype)


class _Run:
    """The arrays of a training or prediction on the GPU."""

    def __init__(self, cell, source, sizes, dtype, shape, options):
        """``shape`` is n_models, n_batch and n_steps; ``options`` are more of the deck."""
        from tsrnn.kernels.cuda.kernels import HEADER, N_RULE, LaunchLayout

        n_models, n_batch, n_steps = shape
        training = options["training"] == 1
        self.kernels = _Kernels(cell, dtype, sizes, rows_of_a_chunk(n_batch, n_models))
        self.sizes = sizes = self.kernels.sizes
        self.n_models, self.n_batch, self.n_steps = shape
        self.n_chunks = -(-n_batch // sizes.n_rows)
        n = head_offsets(sizes)[3]
        self.by_model = training and n_models > 1
        n_work = workspace_size(sizes, training, options["separate_hidden"])
        n_workers = n_models * self.n_chunks
        if self.by_model:  # as many blocks as half of the memory has room for
            room = free_bytes() / 2 / ((n_work + 2 * n) * np.dtype(dtype).itemsize)
            n_workers = int(min(n_models, MODELS_AT_ONCE, max(room, 1)))
        self.n_workers = n_workers
        self.n_move = -(-n // self.kernels.tile_config.n_threads)
        n_padded = self.n_chunks * sizes.n_rows
        floats, ints, doubles = _Table(dtype), _Table(np.int64), _Table(np.float64)
        self.floats, self.ints, self.doubles = floats, ints, doubles
        for name, size in {
            "values": source.values.size, "targets": source.targets.size,
            "parameters": 2 * n * n_models, "moments": 3 * n * n_models * training,
            "scales": 2 * n_models,
            "states": state_width(sizes) * n_padded * options["carried"],
            "out": 0 if training else n_models * n_padded * sizes.n_output_steps * sizes.n_out,
            "gradients": n * (2 * n_workers if self.by_model else n_workers) * training,
            "work": n_work * n_workers,
        }.items():  # fmt: skip
            floats.add(name, size)
        for name, size in {
            "header": HEADER, "firsts": source.firsts.size, "lengths": source.lengths.size,
            "first_updates": n_models, "limits": 3 * n_models, "first_steps": n_workers * sizes.n_rows,
            "order": n_models * n_steps * n_padded,
        }.items():  # fmt: skip
            ints.add(name, size)
        n_sums = n_workers * self.n_chunks if self.by_model else n_workers
        for name, size in {
            "weights": source.weights.size, "least_scale": 1, "loss_params": options["n_loss_params"],
            "rules": N_RULE * n_models, "rates": n_models * n_steps, "sums": 2 * n_sums,
            "losses": 2 * n_models * n_steps, "squares": max(n_workers, self.n_move),
        }.items():  # fmt: skip
            doubles.add(name, size)
        self._check_memory(n, n_work)
        places = {
            name: first for table in (floats, ints, doubles)
            for name, (first, _) in table.places.items()
        }  # fmt: skip
        carried = options["carried"]
        self.layout = LaunchLayout(
            n_models=n_models, n_chunks=self.n_chunks, n_steps=n_steps,
            training=int(training), separate_hidden=int(options["separate_hidden"]), evaluate=int(options["evaluate"]),
            loss=options["loss"], n_work=n_work,
            n_sequences=n_padded if carried else 0, n_loss_params=options["n_loss_params"],
            n_values=len(source.values), n_channels=source.values.shape[1],
            n_targets=len(source.targets), n_each=source.targets.shape[1],
            n_weights=source.weights.size, n_windows=source.firsts.size,
            lookback=source.lookback, season=source.season, missing=source.missing,
            ahead=source.ahead, n_known=source.n_known,
            **{name: places[name] for name in LaunchLayout._fields if name in places},
        )  # fmt: skip
        floats.write("values", source.values)
        floats.write("targets", source.targets)
        floats.write("scales", np.ones(2 * n_models))
        ints.write("limits", np.zeros(3 * n_models))
        ints.write("firsts", source.firsts)
        ints.write("lengths", source.lengths)
        doubles.write("weights", source.weights)
        doubles.write("least_scale", [source.least_scale])

    def _check_memory(self, n, n_work):
        needed = sum(t.size * t.dtype.itemsize for t in (self.floats, self.ints, self.doubles))
        free = _FILLED * free_bytes()
        if needed <= free:
            return
        itemsize = self.floats.dtype.itemsize
        a_chunk = (n_work + n) * itemsize + self.sizes.n_rows * (16 * self.n_models + 8)
        fit = int((free - (needed - self.n_chunks * self.n_models * a_chunk)) // a_chunk)
        fit = fit // self.n_models * self.sizes.n_rows
        what = (
            f"batch_size={fit} would fit" if 0 < fit < self.n_batch
            else "Even the least batch does not fit: use fewer series or units, or device='cpu'"
        )  # fmt: skip
        raise MemoryError(
            f"The GPU has {free / 1e9:.2g} GB of memory free, and minibatches of {self.n_batch} "
            f"windows need {needed / 1e9:.2g} GB. {what}."
        )

    def take(self, n_models, n_steps):
        """Be for fewer models and steps than there is room for."""
        self.n_models, self.n_steps = n_models, n_steps
        self.layout = self.layout._replace(n_models=n_models, n_steps=n_steps)

    def write_order(self, order):
        """The windows of each minibatch in chunks; negative numbers fill up."""
        padded = np.full((self.n_models, self.n_steps, self.n_chunks * self.sizes.n_rows), -1)
        padded[:, :, : self.n_batch] = order.reshape(self.n_models, self.n_steps, self.n_batch)
        self.ints.write("order", padded)

    def write_parameters(self, parameters):
        """Parameters of all models; the turned weights behind them are left to a kernel."""
        both = np.zeros((self.n_models, 2, parameters.shape[1]), parameters.dtype)
        both[:, 0] = parameters
        self.floats.write("parameters", both)

    def write_states(self, states):
        """Carried states, (values of a state, sequences); no sequence is the chunks' filling."""
        padded = np.zeros((states.shape[0], self.layout.n_sequences), states.dtype)
        padded[:, : states.shape[1]] = states
        self.floats.write("states", padded)

    def read_states(self, states):
        """Bring carried states back."""
        padded = self.floats.read("states").reshape(states.shape[0], self.layout.n_sequences)
        states[:] = padded[:, : states.shape[1]]

    def launch(self, name, n_blocks, step=0):
        """Run a kernel."""
        self.kernels.launch(
            name, n_blocks, self.floats.array, self.ints.array, self.doubles.array, step
        )

    def write_header(self):
        """Say what lies where."""
        self.ints.write("header", [*self.sizes, *self.layout])


class Trainer:
    """The training of one or many models on the GPU; see ``tsrnn.kernels.cpu.trainer.Trainer``.

    What a block of minibatches needs is brought there, and parameters, moments and losses back.
    """

    def __init__(self, cell, source, sizes, dtype, n_models, n_batch, loss, loss_params, separate_hidden, carried,
                 workers):  # fmt: skip
        require()
        self._make = functools.partial(_Run, cell, source, sizes, np.dtype(dtype))
        self._n_batch, self._loss_params = n_batch, np.asarray(loss_params, float)
        self._options = {
            "training": 1, "separate_hidden": separate_hidden, "evaluate": 0, "loss": loss, "carried": carried,
            "n_loss_params": self._loss_params.size,
        }  # fmt: skip
        self._run, self._capacity = None, (0, 0)

    def run(self, parameters, moments, order, rules, first_updates, rates, states) -> np.ndarray:
        """Learn minibatches of each model; parameters, moments and states change in place."""
        from tsrnn.kernels.noise import dropout_of
        from tsrnn.kernels.optimizers import Rule

        n_models, n_steps = rates.shape
        if n_models > self._capacity[0] or n_steps > self._capacity[1]:
            self._run = None  # give the memory back before more is asked for
            self._capacity = max(n_models, self._capacity[0]), max(n_steps, self._capacity[1])
            self._run = self._make((self._capacity[0], self._n_batch, self._capacity[1]),
                                   self._options)  # fmt: skip
            self._run.doubles.write("loss_params", self._loss_params)
        run = self._run
        run.take(n_models, n_steps)
        zero = parameters.dtype.type(0)
        named = [Rule(*rule) for rule in rules]
        drops = [
            [dropout_of(rule.dropout, zero), dropout_of(rule.recurrent_dropout, zero)]
            for rule in named
        ]
        run.floats.write("scales", [[one.scale, other.scale] for one, other in drops])
        run.ints.write("limits", [
            [one.limit, other.limit, int(rule.seed)]
            for (one, other), rule in zip(drops, named, strict=True)
        ])  # fmt: skip
        run.ints.write("first_updates", first_updates)
        run.write_header()
        run.write_order(order)
        run.write_parameters(parameters)
        run.floats.write("moments", moments)
        run.doubles.write("rules", rules)
        run.doubles.write("rates", rates)
        if states.shape[1]:
            run.write_states(states)
        if run.by_model:
            run.launch("train", run.n_workers)
        else:
            run.launch("begin", 1)
            for step in range(n_steps):
                for phase in ("read", "forward", "judge", "backward"):
                    run.launch(phase, run.n_chunks, step)
                run.launch("collect", run.n_move, step)
                run.launch("finish", run.n_move, step)
        both = run.floats.read("parameters", 2 * parameters.size)
        parameters[:] = both.reshape(n_models, 2, -1)[:, 0]
        moments[:] = run.floats.read("moments", moments.size).reshape(moments.shape)
        if states.shape[1]:
            run.read_states(states)
        return run.doubles.read("losses", 2 * rates.size).reshape(n_models, n_steps, 2)

    @property
    def gradient(self) -> np.ndarray:
        """The gradient of the first model's last minibatch, (n_parameters,)."""
        return self._run.floats.read("gradients", head_offsets(self._run.sizes)[3])


def predict(cell, parameters, source, order, sizes, loss, loss_params, evaluate, states, out, workers):
    """What models say of their windows; see ``tsrnn.kernels.cpu.trainer.predict``.

    Where they do not fit into the memory at once, one half of the windows after the other.
    """
    require()
    loss_params, n_windows = np.asarray(loss_params, float), order.shape[1]
    options = {
        "training": 0, "separate_hidden": False, "evaluate": evaluate, "loss": loss,
        "carried": states.shape[1] > 0, "n_loss_params": loss_params.size,
    }  # fmt: skip
    try:
        run = _Run(cell, source, sizes, parameters.dtype, (*order.shape, 1), options)
    except MemoryError:
        if n_windows <= _ROWS[0]:
            raise
        halves = slice(n_windows // 2), slice(n_windows // 2, None)
        return sum(
            predict(
                cell, parameters, source, order[:, some], sizes, loss, loss_params, evaluate,
                states[:, some], out[:, some], workers,
            )
            for some in halves
        )  # fmt: skip
    run.doubles.write("loss_params", loss_params)
    run.write_header()
    run.write_order(order)
    run.write_parameters(parameters)
    if states.shape[1]:
        run.write_states(states)
    n_models = len(order)
    run.launch("begin", n_models)
    for phase in ("read", "forward", "answer"):
        run.launch(phase, run.n_workers)
    if states.shape[1]:
        run.read_states(states)
    said = run.floats.read("out").reshape(n_models, -1, out.shape[2])
    out[:] = said[:, :n_windows]
    if not evaluate:
        return np.zeros((n_models, 2))
    return run.doubles.read("sums").reshape(n_models, run.n_chunks, 2).sum(axis=1)
