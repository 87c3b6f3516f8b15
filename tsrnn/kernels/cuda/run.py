"""The arrays of a training or prediction on the GPU, and the kernels that work on them."""

import functools
from types import ModuleType
from typing import NamedTuple

import numpy as np

from tsrnn.kernels import heads
from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.cuda import device
from tsrnn.kernels.cuda.blocks import shared_values, tile_config_of
from tsrnn.kernels.cuda.buffers import Buffer, BufferLayout
from tsrnn.kernels.cuda.kernels import compile_kernels
from tsrnn.kernels.cuda.layout import HEADER, N_RULE, SOURCE_NUMBERS, LaunchLayout
from tsrnn.kernels.heads import head_of
from tsrnn.kernels.layout import Sizes, state_width
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import Source

MAX_WORKERS = 1024  # blocks with a workspace each, which train one model after another
# Kernels of a minibatch that come last and take half of the time to compile.
LAST_PHASES = ("backward", "sum_gradients", "update_parameters")
CHUNK_ROWS = (4, 8, 16, 32)  # that a chunk may have
_ENOUGH_CHUNKS = 128  # that keep a GPU busy
_MAX_HEADERS = 64
_SOURCE_ARRAYS = ("values", "targets", "weights", "firsts", "lengths")


class SourceShape(NamedTuple):
    """Numbers of a launch layout that come from the source."""

    n_values: int
    n_channels: int
    n_targets: int
    n_each: int
    n_weights: int
    n_windows: int

    @classmethod
    def of(cls, source: Source) -> "SourceShape":
        """The shapes of a source's arrays."""
        (n_values, n_channels), (n_targets, n_each) = source.values.shape, source.targets.shape
        n_weights, n_windows = source.weights.size, source.firsts.size
        return cls(n_values, n_channels, n_targets, n_each, n_weights, n_windows)

    def rounded_up(self) -> "SourceShape":
        """A little more of each, so that sources that grow by a few rows need no other plan."""
        return SourceShape(
            _rounded_up(self.n_values),
            self.n_channels,
            _rounded_up(self.n_targets),
            self.n_each,
            _rounded_up(self.n_weights),
            _rounded_up(self.n_windows),
        )


def _rounded_up(n):
    """A multiple of a power of two, at most an eighth more."""
    step = 1 << max(n.bit_length() - 4, 0)
    return -(-n // step) * step


class ProblemShape(NamedTuple):
    """What a plan depends on of a ``Problem``."""

    cell: ModuleType
    sizes: Sizes
    loss: int
    n_loss_params: int
    source: SourceShape  # at most
    numbers: tuple[int, ...]  # ``SOURCE_NUMBERS``

    @classmethod
    def of(cls, problem: Problem) -> "ProblemShape":
        """The shape of a problem."""
        numbers = tuple(getattr(problem.source, name) for name in SOURCE_NUMBERS)
        source = SourceShape.of(problem.source).rounded_up()
        n_loss_params = np.size(problem.loss_params)
        return cls(problem.cell, problem.sizes, problem.loss, n_loss_params, source, numbers)


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

    def __init__(self, problem: ProblemShape, dtype, n_rows: int):
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
        self.kernels = compile_kernels(problem.cell, dtype.name, self.tile_config, head_of(sizes))
        self._cell, self._head = problem.cell.__name__, heads.NAMES[sizes.head]

    def compile_elsewhere(self, *names: str) -> None:
        """Let another process compile kernels while this one compiles those that it needs first."""
        dtype = self.dtype.name
        device.compile_elsewhere(self._cell, self._head, self.tile_config, names, dtype)

    def launcher(self, name: str, n_blocks: int, stream):
        """The kernel of that name over so many blocks, a function of its arguments."""
        function, n_threads = getattr(self.kernels, name), self.tile_config.n_threads
        dtype, shared_bytes = self.dtype.name, self.shared_bytes
        return device.launcher(function, dtype, n_blocks, n_threads, shared_bytes, stream)


class Plan:
    """The arrays of trainings or predictions of a shape (see ``layout``), and their kernels.

    ``n_workers`` blocks have a workspace each; ``by_model``: each model is trained by one block.
    """

    def __init__(self, problem: ProblemShape, dtype, shape: RunShape, options: RunOptions):
        self.dtype, self.shape, self.options = np.dtype(dtype), shape, options
        n_rows = rows_of_a_chunk(shape.n_batch, shape.n_models)
        self.kernels = FittedKernels(problem, self.dtype, n_rows)
        self.sizes = self.kernels.sizes
        self.n_chunks = -(-shape.n_batch // self.sizes.n_rows)
        self.n_parameters = head_offsets(self.sizes)[3]
        self.by_model = options.training and shape.n_models > 1
        if options.training and not self.by_model:
            self.kernels.compile_elsewhere(*LAST_PHASES)
        self.n_work = workspace_size(self.sizes, options.training, options.separate_hidden)
        self.n_workers = self._count_workers()
        self.n_update_blocks = -(-self.n_parameters // self.kernels.tile_config.n_threads)
        self.layout = BufferLayout(self._mirrored_sizes(problem), self._device_sizes())
        self._launch_layout = self._make_launch_layout(problem)
        self._headers: dict[tuple, np.ndarray] = {}

    def _count_workers(self):
        if not self.by_model:
            return self.shape.n_models * self.n_chunks
        # As many as half of the memory has room for.
        n_values = self.n_work + 2 * self.n_parameters
        room = device.free_bytes() / 2 / (n_values * self.dtype.itemsize)
        return int(min(self.shape.n_models, MAX_WORKERS, max(room, 1)))

    def _mirrored_sizes(self, problem):
        """What changes with every call comes first, then what is fetched, at last the source."""
        source = problem.source
        (n_models, _, n_steps), n, sizes = self.shape, self.n_parameters, self.sizes
        real, options, n_padded = self.dtype, self.options, self.n_chunks * sizes.n_rows
        n_out = n_models * n_padded * sizes.n_output_steps * sizes.n_out
        n_sums = 2 * self.n_workers * (self.n_chunks if self.by_model else 1)
        return {
            "header": (np.int64, HEADER),
            "first_updates": (np.int64, n_models),
            "limits": (np.int64, 3 * n_models),
            "scales": (real, 2 * n_models),
            "least_scale": (float, 1),
            "loss_params": (float, problem.n_loss_params),
            "rules": (float, N_RULE * n_models),
            "padded_windows": (np.int64, n_models * n_steps * n_padded),
            "rates": (float, n_models * n_steps),
            "parameters": (real, 2 * n * n_models),
            "moments": (real, 3 * n * n_models * options.training),
            "states": (real, state_width(sizes) * n_padded * options.carried),
            "losses": (float, 2 * n_models * n_steps),
            "sums": (float, n_sums),
            "out": (real, 0 if options.training or options.evaluate else n_out),
            "firsts": (np.int64, source.n_windows),
            "lengths": (np.int64, source.n_windows),
            "weights": (float, source.n_weights),
            "targets": (real, source.n_targets * source.n_each),
            "values": (real, source.n_values * source.n_channels),
        }

    def _device_sizes(self):
        n_gradients = (2 if self.by_model else 1) * self.n_workers * self.options.training
        return {
            "first_steps": (np.int64, self.n_workers * self.sizes.n_rows),
            "squares": (float, max(self.n_workers, self.n_update_blocks)),
            "gradients": (self.dtype, self.n_parameters * n_gradients),
            "work": (self.dtype, self.n_work * self.n_workers),
        }

    def _make_launch_layout(self, problem):
        options, n_padded = self.options, self.n_chunks * self.sizes.n_rows
        offsets = {
            name: self.layout.offset(name)
            for name in LaunchLayout._fields
            if name in self.layout.parts
        }
        return LaunchLayout(
            n_models=self.shape.n_models,
            n_chunks=self.n_chunks,
            n_steps=self.shape.n_steps,
            training=int(options.training),
            loss=problem.loss,
            n_work=self.n_work,
            n_sequences=n_padded if options.carried else 0,
            n_loss_params=problem.n_loss_params,
            **problem.source._asdict(),
            **dict(zip(SOURCE_NUMBERS, problem.numbers, strict=True)),
            **offsets,
        )

    def header(self, n_models: int, n_steps: int, source: SourceShape) -> np.ndarray:
        """The sizes and the launch layout, for at most as many of each as planned."""
        key = n_models, n_steps, source
        header = self._headers.get(key)
        if header is None:
            if len(self._headers) >= _MAX_HEADERS:
                self._headers.clear()
            used = {"n_models": n_models, "n_steps": n_steps} | source._asdict()
            layout = self._launch_layout._replace(**used)
            self._headers[key] = header = np.array([*self.sizes, *layout], np.int64)
        return header

    def memory_error(self, error: device.OutOfMemory) -> MemoryError:
        """The error of a minibatch that does not fit, with the largest batch that would."""
        n_models, n_batch, _ = self.shape
        n_rows, itemsize = self.sizes.n_rows, self.dtype.itemsize
        per_chunk = (self.n_work + self.n_parameters) * itemsize + n_rows * (16 * n_models + 8)
        rest = error.needed - self.n_chunks * n_models * per_chunk
        n_fitting = int((error.free - rest) // per_chunk)
        fitting = n_fitting // n_models * n_rows
        advice = "Even the least batch does not fit: use fewer series or units, or device='cpu'"
        if 0 < fitting < n_batch:
            advice = f"batch_size={fitting} would fit"
        return MemoryError(
            f"The GPU has {error.free / 1e9:.2g} GB of memory free, and minibatches of {n_batch} "
            f"windows need {error.needed / 1e9:.2g} GB. {advice}."
        )


@functools.lru_cache(64)
def prediction_plan(
    problem: ProblemShape, dtype: np.dtype, shape: RunShape, options: RunOptions
) -> Plan:
    """The plan of a prediction, which the next one of its shape has again."""
    return Plan(problem, dtype, shape, options)


class Run:
    """A call of a plan's kernels on the arrays in a buffer, which is in use with its layout."""

    def __init__(self, plan: Plan, buffer: Buffer, n_models: int, n_steps: int):
        self.plan, self.buffer = plan, buffer
        self.n_models, self.n_steps = n_models, n_steps

    def write_problem(self, problem: Problem) -> None:
        """Write the header, the source and the parameters of the loss."""
        source = problem.source
        header = self.plan.header(self.n_models, self.n_steps, SourceShape.of(source))
        self.buffer.write("header", header)
        for name in _SOURCE_ARRAYS:
            self.buffer.write(name, getattr(source, name))
        self.buffer.write("least_scale", source.least_scale)
        self.buffer.write("loss_params", problem.loss_params)

    def write_windows(self, padded_windows: np.ndarray) -> None:
        """Write the windows of each minibatch, filled up to whole chunks with negative numbers."""
        n_padded = self.plan.n_chunks * self.plan.sizes.n_rows
        windows = padded_windows.reshape(self.n_models, self.n_steps, -1)
        if windows.shape[2] < n_padded:
            padded = np.full((self.n_models, self.n_steps, n_padded), -1)
            padded[:, :, : windows.shape[2]] = windows
            windows = padded
        self.buffer.write("padded_windows", windows)

    @property
    def _parameters(self):
        n, buffer = self.plan.n_parameters, self.buffer
        return buffer.mirror("parameters")[: self.n_parameter_values].reshape(-1, 2, n)[:, 0]

    @property
    def n_parameter_values(self) -> int:
        """Parameters of all models, each followed by its transposed weights."""
        return 2 * self.n_models * self.plan.n_parameters

    def write_parameters(self, parameters: np.ndarray) -> None:
        """Write parameters of all models; a kernel writes the transposed weights behind them."""
        self.buffer.update("parameters", self._parameters, parameters, self.n_parameter_values)

    def read_parameters(self, parameters: np.ndarray) -> None:
        """Overwrite parameters of all models with those that were fetched."""
        parameters[...] = self._parameters

    def write_states(self, states: np.ndarray) -> None:
        """Write carried states, (state_width, n_sequences), filled up to whole chunks."""
        padded = np.zeros((len(states), self.plan.n_chunks * self.plan.sizes.n_rows), states.dtype)
        padded[:, : states.shape[1]] = states
        self.buffer.write("states", padded)

    def read_states(self, states: np.ndarray) -> None:
        """Overwrite carried states with those that were fetched."""
        padded = self.buffer.mirror("states").reshape(len(states), -1)
        states[...] = padded[:, : states.shape[1]]

    def launch(self, name: str, n_blocks: int, step: int = 0) -> None:
        """Begin to run the kernel of that name over so many blocks."""
        launchers, key = self.buffer.launchers, (name, n_blocks)
        if key not in launchers:
            launchers[key] = self.plan.kernels.launcher(name, n_blocks, self.buffer.stream)
        launchers[key](*self.buffer.arrays(self.plan.dtype), step)
