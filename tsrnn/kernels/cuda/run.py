"""The arrays of a training or prediction on the GPU, and the kernels that work on them."""

from typing import NamedTuple

import numpy as np

from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.cuda import device
from tsrnn.kernels.cuda.blocks import shared_values, tile_config_of
from tsrnn.kernels.cuda.device import DeviceArray
from tsrnn.kernels.cuda.kernels import compile_kernels
from tsrnn.kernels.cuda.layout import HEADER, N_RULE, SOURCE_NUMBERS, LaunchLayout
from tsrnn.kernels.heads import head_of
from tsrnn.kernels.layout import state_width
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.problem import Problem

MAX_WORKERS = 1024  # blocks with a workspace each, which train one model after another
CHUNK_ROWS = (4, 8, 16, 32)  # that a chunk may have
_ENOUGH_CHUNKS = 128  # that keep a GPU busy
_USABLE = 0.9  # of the free memory


class RunShape(NamedTuple):
    """How many models, windows of a minibatch or prediction, and minibatches a run is for."""

    n_models: int
    n_batch: int
    n_steps: int


class RunOptions(NamedTuple):
    """Whether a run trains, with recurrent dropout, with carried states, and evaluates the loss."""

    training: bool
    separate_hidden: bool
    carried: bool
    evaluate: bool


def rows_of_a_chunk(n_windows: int, n_models: int) -> int:
    """Rows of a chunk: few enough that all processors of a GPU have one."""
    enough = n_windows // _ENOUGH_CHUNKS if n_models == 1 else n_windows
    return next(
        (rows for rows in CHUNK_ROWS if rows >= min(enough, CHUNK_ROWS[-1])), CHUNK_ROWS[-1]
    )


class FittedKernels:
    """The kernels of a problem for the largest chunks, up to ``n_rows``, that a block can hold."""

    def __init__(self, problem: Problem, dtype, n_rows: int):
        sizes, itemsize, available = problem.sizes, dtype.itemsize, device.max_shared_bytes()
        if sizes.n_attention_heads:
            raise ValueError("cell='attention' runs on the CPU only. Use device='cpu'.")
        if sizes.n_tokens:
            raise ValueError("Tokens are read on the CPU only. Use device='cpu'.")
        if sizes.loss_space:
            raise ValueError("Losses of whole sequences are for the CPU only. Use device='cpu'.")
        for rows in reversed([rows for rows in CHUNK_ROWS if rows <= n_rows]):
            self.tile_config = tile_config_of(rows, sizes.n_hidden, itemsize)
            least, wanted = shared_values(sizes, self.tile_config)
            # Doubles, of which each thread has one, begin where the others do.
            scratch = 8 * max(self.tile_config.n_threads, 2 * rows)
            if max(least * itemsize, scratch) <= available:
                break
        else:
            raise ValueError(
                f"hidden_size={sizes.n_hidden} with {sizes.n_in} inputs a step is more than this "
                f"GPU's processors hold: {least * itemsize:,} bytes of shared memory, of "
                f"which they have {available:,}. Use fewer units, or device='cpu'."
            )
        whole = sizes._replace(n_rows=rows, n_output_block=sizes.n_output_steps)
        self.sizes, self.dtype = whole, dtype
        self.shared_bytes = min(max(wanted * itemsize, scratch), available) // 8 * 8
        head = head_of(sizes)
        self.kernels = compile_kernels(problem.cell, dtype.name, self.tile_config, head)

    def launch(self, name: str, n_blocks: int, *args) -> None:
        """Run the kernel of that name over so many blocks."""
        function, n_threads = getattr(self.kernels, name), self.tile_config.n_threads
        device.launcher(function, self.dtype.name, n_blocks, n_threads, self.shared_bytes)(*args)


class Run:
    """The arrays of a training or prediction on the GPU (see ``layout``).

    ``n_workers`` blocks have a workspace each; ``by_model``: each model is trained by one block.
    """

    def __init__(self, problem: Problem, dtype, shape: RunShape, options: RunOptions):
        dtype, source = np.dtype(dtype), problem.source
        self.kernels = FittedKernels(problem, dtype, rows_of_a_chunk(shape.n_batch, shape.n_models))
        self.sizes, self.shape = self.kernels.sizes, shape
        self.n_chunks = -(-shape.n_batch // self.sizes.n_rows)
        self.n_parameters = head_offsets(self.sizes)[3]
        self.by_model = options.training and shape.n_models > 1
        self.n_work = workspace_size(self.sizes, options.training, options.separate_hidden)
        self.n_workers = self._count_workers(dtype)
        self.n_update_blocks = -(-self.n_parameters // self.kernels.tile_config.n_threads)
        n_loss_params = np.size(problem.loss_params)
        self.floats = DeviceArray(dtype, self._float_sizes(source, options))
        self.ints = DeviceArray(np.int64, self._int_sizes(source))
        self.doubles = DeviceArray(float, self._double_sizes(source, n_loss_params))
        self._check_memory()
        self.layout = self._make_layout(problem, options, n_loss_params)
        self.floats.write("values", source.values)
        self.floats.write("targets", source.targets)
        self.floats.write("scales", np.ones(2 * shape.n_models))
        self.ints.write("limits", np.zeros(3 * shape.n_models))
        self.ints.write("firsts", source.firsts)
        self.ints.write("lengths", source.lengths)
        self.doubles.write("weights", source.weights)
        self.doubles.write("least_scale", [source.least_scale])
        self.doubles.write("loss_params", problem.loss_params)

    def _count_workers(self, dtype):
        if not self.by_model:
            return self.shape.n_models * self.n_chunks
        # As many as half of the memory has room for.
        n_values = self.n_work + 2 * self.n_parameters
        room = device.free_bytes() / 2 / (n_values * dtype.itemsize)
        return int(min(self.shape.n_models, MAX_WORKERS, max(room, 1)))

    def _float_sizes(self, source, options):
        (n_models, _, _), n, sizes = self.shape, self.n_parameters, self.sizes
        n_padded = self.n_chunks * sizes.n_rows
        n_out = 0 if options.training else n_models * n_padded * sizes.n_output_steps * sizes.n_out
        n_gradients = (2 if self.by_model else 1) * self.n_workers * options.training
        return {
            "values": source.values.size,
            "targets": source.targets.size,
            "parameters": 2 * n * n_models,
            "moments": 3 * n * n_models * options.training,
            "scales": 2 * n_models,
            "states": state_width(sizes) * n_padded * options.carried,
            "out": n_out,
            "gradients": n * n_gradients,
            "work": self.n_work * self.n_workers,
        }

    def _int_sizes(self, source):
        n_models, _, n_steps = self.shape
        return {
            "header": HEADER,
            "firsts": source.firsts.size,
            "lengths": source.lengths.size,
            "first_updates": n_models,
            "limits": 3 * n_models,
            "first_steps": self.n_workers * self.sizes.n_rows,
            "padded_windows": n_models * n_steps * self.n_chunks * self.sizes.n_rows,
        }

    def _double_sizes(self, source, n_loss_params):
        n_models, _, n_steps = self.shape
        return {
            "weights": source.weights.size,
            "least_scale": 1,
            "loss_params": n_loss_params,
            "rules": N_RULE * n_models,
            "rates": n_models * n_steps,
            "sums": 2 * self.n_workers * (self.n_chunks if self.by_model else 1),
            "losses": 2 * n_models * n_steps,
            "squares": max(self.n_workers, self.n_update_blocks),
        }

    def _make_layout(self, problem, options, n_loss_params):
        source, n_padded = problem.source, self.n_chunks * self.sizes.n_rows
        offsets = self.floats.offsets | self.ints.offsets | self.doubles.offsets
        return LaunchLayout(
            n_models=self.shape.n_models,
            n_chunks=self.n_chunks,
            n_steps=self.shape.n_steps,
            training=int(options.training),
            evaluate=int(options.evaluate),
            loss=problem.loss,
            n_work=self.n_work,
            n_sequences=n_padded if options.carried else 0,
            n_loss_params=n_loss_params,
            n_values=len(source.values),
            n_channels=source.values.shape[1],
            n_targets=len(source.targets),
            n_each=source.targets.shape[1],
            n_weights=source.weights.size,
            n_windows=source.firsts.size,
            **{name: getattr(source, name) for name in SOURCE_NUMBERS},
            **{name: offsets[name] for name in LaunchLayout._fields if name in offsets},
        )

    def _check_memory(self):
        needed = self.floats.n_bytes + self.ints.n_bytes + self.doubles.n_bytes
        free = _USABLE * device.free_bytes()
        if needed <= free:
            return
        n_models, n_batch, _ = self.shape
        n_rows, itemsize = self.sizes.n_rows, self.floats.dtype.itemsize
        per_chunk = (self.n_work + self.n_parameters) * itemsize + n_rows * (16 * n_models + 8)
        n_fitting = int((free - (needed - self.n_chunks * n_models * per_chunk)) // per_chunk)
        fitting = n_fitting // n_models * n_rows
        advice = "Even the least batch does not fit: use fewer series or units, or device='cpu'"
        if 0 < fitting < n_batch:
            advice = f"batch_size={fitting} would fit"
        raise MemoryError(
            f"The GPU has {free / 1e9:.2g} GB of memory free, and minibatches of {n_batch} "
            f"windows need {needed / 1e9:.2g} GB. {advice}."
        )

    def resize(self, n_models: int, n_steps: int) -> None:
        """Use a part of the arrays, for fewer models and steps than there is room for."""
        self.shape = self.shape._replace(n_models=n_models, n_steps=n_steps)
        self.layout = self.layout._replace(n_models=n_models, n_steps=n_steps)

    def write_windows(self, padded_windows: np.ndarray) -> None:
        """Write the windows of each minibatch, filled up to whole chunks with negative numbers."""
        n_models, n_batch, n_steps = self.shape
        padded = np.full((n_models, n_steps, self.n_chunks * self.sizes.n_rows), -1)
        padded[:, :, :n_batch] = padded_windows.reshape(n_models, n_steps, n_batch)
        self.ints.write("padded_windows", padded)

    def write_parameters(self, parameters: np.ndarray) -> None:
        """Write parameters of all models; a kernel writes the transposed weights behind them."""
        both = np.zeros((self.shape.n_models, 2, self.n_parameters), parameters.dtype)
        both[:, 0] = parameters
        self.floats.write("parameters", both)

    def write_states(self, states: np.ndarray) -> None:
        """Write carried states, (state_width, n_sequences), filled up to whole chunks."""
        padded = np.zeros((states.shape[0], self.layout.n_sequences), states.dtype)
        padded[:, : states.shape[1]] = states
        self.floats.write("states", padded)

    def read_states(self, states: np.ndarray) -> None:
        """Overwrite carried states with those on the GPU."""
        padded = self.floats.read("states").reshape(states.shape[0], self.layout.n_sequences)
        states[:] = padded[:, : states.shape[1]]

    def write_header(self) -> None:
        """Write the sizes and the layout."""
        self.ints.write("header", [*self.sizes, *self.layout])

    def launch(self, name: str, n_blocks: int, step: int = 0) -> None:
        """Run the kernel of that name over so many blocks."""
        arrays = self.floats.array, self.ints.array, self.doubles.array
        self.kernels.launch(name, n_blocks, *arrays, step)
