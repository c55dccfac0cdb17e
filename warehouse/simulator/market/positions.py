"""The life of positions: closed by their owners, or liquidated when the mark touches their liquidation price."""

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.simulator.market.crowd import LONGEST_LIFE_MS, Entries
from warehouse.simulator.market.liquidation import Ladder, bankruptcy_prices, liquidation_prices
from warehouse.simulator.market.listing import COINS, Instrument
from warehouse.simulator.market.prices import Floats, Ints, Path
from warehouse.simulator.market.touches import first_at_or_below

Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Positions:
    """Positions from opening to closing: open from ``entry_ms`` (included) to ``exit_ms`` (excluded)."""

    entry_ms: Ints
    exit_ms: Ints
    side: Ints
    lots: Ints
    entry_price: Floats
    leverage: Floats
    margin_usd: Floats
    liquidation_price: Floats  # NaN: never
    liquidated: Flags
    buys_to_open: Flags  # the opening trade is a taker buy (else a taker sell)
    buys_to_close: Flags

    def where(self, mask: Flags | Ints | slice) -> "Positions":
        """Return the positions that a mask, an order or a slice selects."""
        return Positions(*(getattr(self, field.name)[mask] for field in fields(self)))


def concatenate_positions(parts: list[Positions]) -> Positions:
    """Concatenate the positions of several days, in order."""
    return Positions(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Positions)))


def _touches(path: Path, entries: Entries, level: Floats) -> Ints:
    """Return the instant at which the mark touches each liquidation price; far in the future where it does not."""
    never = np.int64(2**62)
    touched = np.full(len(level), never)
    start = (entries.entry_ms - path.start_ms) // path.step_ms + 1
    for side in (1, -1):
        chosen = np.flatnonzero((entries.side == side) & ~np.isnan(level))
        nodes, wanted = path.nodes * side, level[chosen] * side
        node = first_at_or_below(nodes, start[chosen], wanted)
        met = node < len(nodes)
        chosen, wanted, node = chosen[met], wanted[met], node[met]
        before, after = nodes[node - 1], nodes[node]
        part = np.clip((before - wanted) / (before - after), 0.0, 1.0)
        at = path.start_ms + (node - 1) * path.step_ms + np.ceil(part * path.step_ms).astype(np.int64)
        touched[chosen] = np.maximum(at, entries.entry_ms[chosen] + 1)
    return touched


def follow_entries(instrument: Instrument, ladder: Ladder, path: Path, entries: Entries) -> Positions:
    """Follow each entry along the mark, which must extend three weeks beyond the last entry."""
    base = entries.lots * COINS[instrument.coin].lot_base
    side = entries.side.astype(np.float64)
    level = liquidation_prices(ladder.rules, ladder, entries.entry_price, base, entries.margin_usd, side)
    level = np.where(entries.hedged, np.nan, level)
    losing = side * (path.at(entries.planned_ms) - entries.entry_price) < 0.0
    life = (entries.planned_ms - entries.entry_ms) * np.where(losing, entries.extension, 1.0)
    closed = entries.entry_ms + np.minimum(life, LONGEST_LIFE_MS).astype(np.int64)
    stop = entries.entry_price + entries.stop * (level - entries.entry_price)
    closed = np.minimum(closed, _touches(path, entries, stop))
    touched = _touches(path, entries, level)
    liquidated = touched < closed
    long = entries.side == 1
    return Positions(
        entry_ms=entries.entry_ms,
        exit_ms=np.where(liquidated, touched, closed),
        side=entries.side,
        lots=entries.lots,
        entry_price=entries.entry_price,
        leverage=entries.leverage,
        margin_usd=entries.margin_usd,
        liquidation_price=level,
        liquidated=liquidated,
        buys_to_open=long == entries.taker,
        buys_to_close=long != (entries.closes_as_taker | liquidated),
    )


def open_frame(positions: Positions, lot_base: float) -> pl.DataFrame:
    """Return positions as a table: amounts in coins, prices in USD per coin, times in ms."""
    price = pl.Series("liquidation_price", positions.liquidation_price).fill_nan(None)
    return pl.DataFrame(
        {
            "side": np.where(positions.side == 1, "long", "short"),
            "entry_price": positions.entry_price,
            "base": positions.lots * lot_base,
            "leverage_x": positions.leverage,
            "liquidation_price": price,
            "opened_ms": positions.entry_ms,
            "margin_usd": positions.margin_usd,
        },
        schema_overrides={"side": pl.String},
    )


def liquidated_frame(positions: Positions, lot_base: float) -> pl.DataFrame:
    """Return liquidations as a table, oldest first. ``side`` is the liquidated side."""
    base, side = positions.lots * lot_base, positions.side.astype(np.float64)
    bankrupt = bankruptcy_prices(positions.entry_price, base, positions.margin_usd, side)
    frame = pl.DataFrame(
        {
            "ts_ms": positions.exit_ms,
            "side": np.where(positions.side == 1, "long", "short"),
            "price": positions.liquidation_price,
            "base": base,
            "bankruptcy_price": bankrupt,
            "leverage_x": positions.leverage,
            "opened_ms": positions.entry_ms,
        },
        schema_overrides={"side": pl.String},
    )
    return frame.sort("ts_ms", "opened_ms", maintain_order=True)
