"""Texts, speech and other sequences of tokens and labels."""

from tsrnn.sequences.bleu import bleu_score
from tsrnn.sequences.label_sequences import label_error_rate
from tsrnn.sequences.language_model import RNNLanguageModel
from tsrnn.sequences.tagger import RNNTagger
from tsrnn.sequences.tokenizer import Tokenizer
from tsrnn.sequences.transcriber import RNNTranscriber
from tsrnn.sequences.translator import RNNTranslator

__all__ = [
    "RNNLanguageModel",
    "RNNTagger",
    "RNNTranscriber",
    "RNNTranslator",
    "Tokenizer",
    "bleu_score",
    "label_error_rate",
]
