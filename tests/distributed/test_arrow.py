"""Arrow tables and their pandas frames; errors that come back from tasks."""

import datetime
import decimal
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa

from tsrnn.data import DataError, MissingDataError, MissingRowsError, UnknownCategoryError
from tsrnn.distributed.arrow import schema_of_result, to_arrow, to_pandas
from tsrnn.distributed.sample import sampled
from tsrnn.distributed.tasks import ordered


def test_types_of_ids_and_times_survive():
    days = [datetime.date(2024, 1, k) for k in (1, 2)]
    given = pa.table(
        {
            "id": pa.array(["a", None]).dictionary_encode(),
            "day": days,
            "zoned": pa.array([0, 1], pa.timestamp("us", "Europe/Berlin")),
            "y": [decimal.Decimal("1.5"), None],
        }
    )
    frame = to_pandas(given)
    assert frame["id"].tolist()[0] == "a"
    assert isinstance(frame["id"].dtype, pd.CategoricalDtype)
    assert pd.api.types.is_datetime64_dtype(frame["day"])
    assert str(frame["zoned"].dtype) == "datetime64[us, Europe/Berlin]"
    assert frame["y"].tolist()[0] == 1.5
    assert np.isnan(frame["y"].iloc[1])
    empty = to_pandas(given.schema.empty_table())
    template = empty.assign(share=pd.Series([], dtype=float), state=pd.Series([], dtype=object))
    schema = schema_of_result(template.drop(columns="y"), given.schema)
    assert schema.field("id").type == given.schema.field("id").type
    result = to_arrow(frame.assign(share=0.5, state=[b"x", b"y"]), schema)
    for name in ("id", "day", "zoned"):
        assert result.column(name).to_pylist() == given.column(name).to_pylist()
    assert result.column("state").to_pylist() == [b"x", b"y"]


def test_errors_survive_the_way_back():
    where = {"series": "a", "row": 3}
    errors = [
        DataError("is bad", "Mend it.", **where),
        MissingDataError("is missing", "Fill it.", step=1, **where),
        MissingRowsError("has a gap", "Fill it.", first=1, last=2, **where),
        UnknownCategoryError("is 'x'", "Use 'y'.", category="x", known=["y"], **where),
    ]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_sample_is_drawn_by_hash_and_rows_are_ordered_by_id():
    labels = [f"s{k}" for k in range(100)]
    drawn = sampled(labels, 10, 0)
    assert sampled(labels[::-1], 10, 0) == drawn
    assert sampled([*drawn, "s0"], 10, 0) == drawn
    assert sampled(labels, 10, 1) != drawn
    frame = pd.DataFrame({"id": ["b", "a", "b", "a"], "y": [1, 2, 3, 4]})
    assert ordered(frame, "id")["y"].tolist() == [2, 4, 1, 3]
