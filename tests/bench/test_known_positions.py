"""How far the estimators are off where every position is known. Measures: `make bench`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from warehouse.cli.evaluate.score import Name, of_known_positions
from warehouse.cli.output import table
from warehouse.simulator.market.known_positions import PRESETS, write

KNOWN = Path(__file__).parents[3] / "shared" / "known_positions"
EXCHANGES = ("binance", "bybit", "okx")
FEEDS = {"complete": (), "only OKX's": ("binance", "bybit"), "none": EXCHANGES}
SEED = 4  # of the markets that are made here; no figure of the model was chosen on them


def shown(scored: pl.DataFrame, title: str) -> None:
    """All sums, then by distance."""
    console = Console(width=120)
    rows = scored.filter(pl.col("of").str.starts_with("all") | pl.col("of").str.starts_with("within"))
    console.print(table(rows.with_columns(pl.col(pl.Float64).round(2)), title))


def median(scored: pl.DataFrame, estimator: str) -> float:
    """Of all sums, the mean over windows."""
    overall = scored.filter((pl.col("of") == "all sums") & (pl.col("market") == scored["market"].to_list()[-1]))
    return float(overall[estimator].to_numpy().mean())


@pytest.mark.skipif(not KNOWN.is_dir(), reason="no markets of known positions beside the project (../shared)")
@pytest.mark.parametrize("feeds", FEEDS)
def test_given_markets(feeds: str) -> None:
    names = [name.value for name in Name] if feeds == "complete" else [Name.FITTED.value]
    scored = of_known_positions(KNOWN, names, list(FEEDS[feeds]))
    shown(scored, f"Given markets; liquidations published: {feeds}")
    if feeds == "complete":
        assert median(scored, "fitted") < median(scored, "prior") < median(scored, "ladder")


@pytest.mark.parametrize("preset", PRESETS)
def test_fresh_markets(preset: str, tmp_path: Path) -> None:
    write(tmp_path, {1: PRESETS[preset]}, SEED)
    for feeds, without in FEEDS.items():
        names = ["fitted", "prior", "ladder"] if feeds == "complete" else ["fitted"]
        scored = of_known_positions(tmp_path, names, list(without))
        shown(scored, f"Crowd {preset}; liquidations published: {feeds}")
        if feeds == "complete":
            assert median(scored, "fitted") < median(scored, "ladder")
