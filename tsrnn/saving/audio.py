"""Schemas of LogMel and MFCC, whose fitted state is the rate."""

from tsrnn.saving.checks import check
from tsrnn.saving.schema import EstimatorSchema, build_estimator, split_estimator
from tsrnn.saving.values import codec
from tsrnn.sequences.audio import MFCC, LogMel
from tsrnn.sequences.audio.waves import RATE


def _check(parts):
    check(RATE.accepts(parts["rate_"]), "rate_")


def _schema(cls):
    schema = EstimatorSchema(cls, {"rate_": int}, {}, _check, fitted_attribute="rate_")

    def encode(transformer):
        parameters, fitted = split_estimator(schema, transformer)
        return {"parameters": parameters, "fitted": fitted}

    @codec(cls, encode=encode)
    def decode(parameters: dict, fitted: dict):
        """A transformer that is part of another estimator."""
        return build_estimator(schema, parameters, fitted)

    return schema


AUDIO = {cls.__name__: _schema(cls) for cls in (LogMel, MFCC)}
