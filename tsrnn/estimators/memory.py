"""Working memory of networks, which grows with the longest sequence."""

import os

from tsrnn.estimators.sequences import Sequences
from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.sources import Source
from tsrnn.network import Network

_SHARE = 0.8  # of the machine's memory that a network may take
_UNKNOWN = 2**36  # bytes of a machine that does not say


def machine_memory() -> int:
    """Bytes of this machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # on Windows
        return _UNKNOWN


def check_memory(
    network: Network, source: Source, sequences: Sequences, *, training: bool, remedy: str
) -> None:
    """Raise ValueError if the longest of some sequences takes more memory than there is."""
    sizes = network.sizes(network.n_time(source))
    values = workspace_size(sizes, training, separate_hidden=training)
    if training and network.n_tokens:
        values += sizes.n_rows * sizes.n_time * sizes.n_embedding
    number = int(sequences.lengths.argmax())
    check_bytes(
        values * network.parameters.itemsize,
        f"{sequences.name(number)} has {sequences.lengths[number]:,} steps",
        training=training,
        remedy=remedy,
    )


def check_bytes(n_bytes: int, subject: str, *, training: bool, remedy: str) -> None:
    """Raise ValueError if a network takes more bytes than there are; ``subject`` says for what."""
    available = _SHARE * machine_memory()
    if n_bytes > available:
        raise ValueError(
            f"{subject}, which take {n_bytes / 2**30:,.0f} GB of memory "
            f"{'in training' if training else 'in prediction'}, of {available / 2**30:,.0f} GB "
            f"that may be taken here. {remedy}"
        )
