"""Arrow tables and the pandas frames of their rows."""

from typing import Any

import pandas as pd
import pyarrow as pa


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Rows in pandas, with NumPy's dtypes: dates as time stamps, decimals as floats."""
    for k, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(k, field.name, table.column(k).cast(pa.float64()))
    return table.replace_schema_metadata(None).to_pandas(date_as_object=False)


def schema_of_result(template: pd.DataFrame, given: pa.Schema) -> pa.Schema:
    """Arrow types of a result: those of the columns that it took over, as they were given."""
    plain, fields = to_pandas(given.empty_table()), []
    for field in pa.Schema.from_pandas(template, preserve_index=False):
        name = field.name
        is_kept = name in plain and plain[name].dtype == template[name].dtype
        if is_kept:
            field = given.field(name)
        elif pa.types.is_null(field.type):  # of objects: what was pickled
            field = pa.field(name, pa.binary())
        fields.append(field)
    return pa.schema(fields)


def to_arrow(result: Any, schema: pa.Schema) -> pa.Table:
    """Rows of pandas in Arrow's types."""
    return pa.Table.from_pandas(result, schema, preserve_index=False)
