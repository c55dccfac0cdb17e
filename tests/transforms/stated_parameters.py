"""The stated prior as a table, for tests without a fit."""

from __future__ import annotations

import polars as pl

from expectations.tables import table
from transforms.tables import model_parameters


def stated_parameters() -> pl.DataFrame:
    """Return model.model_parameters before any fit, for every exchange and side."""
    inputs = {each.table: table(each.table).empty() for each in model_parameters.TABLE.inputs}
    return model_parameters.build(**inputs, day=model_parameters.STATED)
