"""The stated prior as the table has it, for tests that fit nothing."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.tables import model_parameters


def stated_parameters() -> pl.DataFrame:
    """model.model_parameters before anything was learnt: of every exchange and side."""
    inputs = {each.table: table(each.table).empty() for each in model_parameters.TABLE.inputs}
    return model_parameters.build(**inputs, day=model_parameters.STATED)
