"""Outputs for the last ``n_horizons`` steps, the future of sources that reach through it."""

from dataclasses import replace

from tsrnn.kernels.heads.every import HEAD as EVERY

HEAD = replace(
    EVERY,
    n_output_steps=lambda n_time, n_horizons: n_horizons,
    covers_future=True,
    step_targets=False,
)
