"""The ground truth behind the published series: the positions of one seed, and tables of them."""

from functools import cache
from threading import RLock

import numpy as np
import polars as pl

from warehouse.simulator.market.book import WEEK_MS, Book
from warehouse.simulator.market.crowd import habits_of
from warehouse.simulator.market.liquidation import Ladder
from warehouse.simulator.market.listing import COINS, Exchange, Instrument, instrument
from warehouse.simulator.market.positions import Positions, concatenate_positions, liquidated_frame, open_frame
from warehouse.simulator.market.prices import Floats, Ints, Path, Prices
from warehouse.simulator.market.seeds import day_of
from warehouse.simulator.market.tiers import Tier, tiers_of


class Truth:
    """The position books of all contracts of one seed. Thread-safe."""

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed
        self.prices = Prices(seed)
        self.lock = RLock()
        self._books: dict[tuple[str, str], Book] = {}
        self.tiers = cache(self._tiers)

    def _tiers(self, contract: Instrument) -> tuple[Tier, ...]:
        return tiers_of(contract, COINS[contract.coin].price_usd)

    def open_book(self, contract: Instrument) -> Book:
        """Open the position book of a contract with its exchange's crowd and margin rules."""
        ladder = Ladder(self.tiers(contract), contract.exchange)
        return Book(self.prices, contract, ladder, habits_of(self.seed, contract.exchange))

    def book(self, contract: Instrument) -> Book:
        """Return the position book of one contract. Amounts in whole lots, prices in USD per coin."""
        key = (contract.exchange, contract.coin)
        with self.lock:
            if key not in self._books:
                self._books[key] = self.open_book(contract)
            return self._books[key]

    def path(self, contract: Instrument, kind: str, first_ms: int, last_ms: int) -> Path:
        """Return the "mark", "index" or "trade" path that covers a range, in USD per coin."""
        with self.lock:
            return self.prices.path(contract.exchange, contract.coin, kind, day_of(first_ms), day_of(last_ms))

    def units(self, contract: Instrument, lots: Ints) -> Floats:
        """Convert lots to native units of the contract."""
        return lots * (COINS[contract.coin].lot_base / contract.multiplier)

    def price_at(self, contract: Instrument, kind: str, at_ms: Ints) -> Floats:
        """Return the price of one native unit at each instant."""
        path = self.path(contract, kind, int(at_ms.min()), int(at_ms.max()))
        return path.at(at_ms) * contract.multiplier

    def liquidated(self, contract: Instrument, first_ms: int, last_ms: int) -> Positions:
        """Return the positions liquidated from the first to the last instant, both included, oldest first."""
        book = self.book(contract)
        with self.lock:
            parts = [book.week(n) for n in range(first_ms // WEEK_MS, last_ms // WEEK_MS + 1)]
        chosen = []
        for part in parts:
            p, start, end = part.positions, max(first_ms, part.start_ms), min(last_ms, part.end_ms - 1)
            chosen.append(p.where(p.liquidated & (p.exit_ms >= start) & (p.exit_ms <= end)))
        found = concatenate_positions(chosen)
        return found.where(np.lexsort((found.entry_ms, found.exit_ms)))

    def true_positions(self, exchange: Exchange, coin: str, at_ms: int) -> pl.DataFrame:
        """Return every position open at an instant: the ground truth for a map.

        Columns ``side, entry_price, base, leverage_x, liquidation_price, opened_ms, margin_usd``: coins, USD per coin,
        ms. Positions that are never liquidated have a null liquidation price. On each side one row, with null entry and
        opening, represents the hedgers, so that both sides sum to the open interest.
        """
        book = self.book(instrument(exchange, coin))
        with self.lock:
            p = book.week(at_ms // WEEK_MS).positions
            total = int(book.open_lots(np.array([at_ms], dtype=np.int64))[0])
        active = p.where((p.entry_ms <= at_ms) & (p.exit_ms > at_ms))
        frame = open_frame(active, COINS[coin].lot_base)
        open_lots = {name: int(active.lots[active.side == s].sum()) for name, s in (("long", 1), ("short", -1))}
        rest = pl.DataFrame(
            {
                "side": ["long", "short"],
                "base": [(total - open_lots[name]) * COINS[coin].lot_base for name in ("long", "short")],
                "leverage_x": [1.0, 1.0],
            }
        )
        return pl.concat([frame, rest], how="diagonal")

    def realised_liquidations(self, exchange: Exchange, coin: str, start_ms: int, end_ms: int) -> pl.DataFrame:
        """Return every liquidation of [start, end), oldest first: ``ts_ms, side, price, base`` and the position."""
        p = self.liquidated(instrument(exchange, coin), start_ms, end_ms - 1)
        return liquidated_frame(p, COINS[coin].lot_base)
