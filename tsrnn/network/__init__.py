"""Networks: one flat parameter vector with named views, run by the kernels."""

from tsrnn.network.context import Context
from tsrnn.network.encoder_decoder import EncoderDecoder, PairSource
from tsrnn.network.memory import Memory
from tsrnn.network.network import Network
from tsrnn.network.recurrent import RecurrentNetwork
from tsrnn.network.step_decoder import StepDecoder
from tsrnn.network.transformer import Transformer

__all__ = [
    "Context",
    "EncoderDecoder",
    "Memory",
    "Network",
    "PairSource",
    "RecurrentNetwork",
    "StepDecoder",
    "Transformer",
]
