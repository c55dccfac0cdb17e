"""Contract of core.instruments."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

TABLE = Table(
    name="instruments",
    layer="core",
    kind="reported",
    doc="Perpetual contracts as listed: size, kind and status. Slowly changing: one row per version, valid from the "
    "time it was first seen; the first version also applies before that.",
    grain=("exchange", "instrument", "valid_from_utc"),
    columns=pick(
        "exchange",
        "instrument",
        "coin",
        "kind",
        "contract_base",
        "contract_usd",
        "unit_multiplier",
        "tick",
        "trading_status",
        "listed_utc",
        "valid_from_utc",
        "valid_to_utc",
    ),
    inputs=(Input("payloads", days=14), Input("instruments")),
    nullable=frozenset({"contract_base", "contract_usd", "tick", "listed_utc", "valid_to_utc"}),
    partition=("exchange",),
    versions_of=("exchange", "instrument"),
    checks=(
        Check(
            "contract_has_size",
            "A contract needs a size to be converted: coins if linear, dollars if inverse.",
            pl.when(pl.col("kind") == "linear")
            .then(pl.col("contract_base").is_not_null() & (pl.col("contract_base") > 0))
            .otherwise(pl.col("contract_usd").is_not_null() & (pl.col("contract_usd") > 0)),
        ),
        Check(
            "versions_do_not_overlap",
            "Each version must end when the next begins, so that an as-of join finds exactly one.",
            (
                pl.col("valid_to_utc").is_null()
                & pl.col("valid_from_utc").shift(-1).over("exchange", "instrument").is_null()
            )
            | (pl.col("valid_to_utc") == pl.col("valid_from_utc").shift(-1).over("exchange", "instrument")),
        ),
    ),
)
