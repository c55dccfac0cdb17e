"""The interface of an exchange adapter: it plans requests and parses responses, without I/O.

An adapter is a module (`binance/adapter.py`) that implements `Adapter` below. The client
(`warehouse/ingest/client.py`) sends its requests and passes it the bytes; the builders of the `core` tables pass it
stored bytes. Both use the same `parse`, so fetched rows and rows rebuilt from `raw.payloads` cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

Row = dict[str, Any]

SERIES: dict[str, dict[str, pl.DataType]] = {
    # Instruments as listed now. `contract_base` is coins in one contract (linear), `contract_usd` dollars (inverse).
    "instruments": {
        "instrument": pl.String(),
        "coin": pl.String(),
        "quote": pl.String(),
        "kind": pl.String(),  # linear | inverse
        "contract_base": pl.Float64(),
        "contract_usd": pl.Float64(),
        "unit_multiplier": pl.Float64(),  # coins behind one unit of the name: 1000 for 1000PEPE
        "tick": pl.Float64(),
        "status": pl.String(),  # trading | suspended | closed
        "listed_ms": pl.Int64(),
    },
    # `floor` and `cap` are in `bound_unit`, `deduction` in quote (linear) or coins (inverse); the rate is a fraction.
    "margin_tiers": {
        "instrument": pl.String(),
        "tier": pl.Int64(),
        "bound_unit": pl.String(),  # usd | base | contracts
        "floor": pl.Float64(),
        "cap": pl.Float64(),
        "maintenance_rate": pl.Float64(),
        "deduction": pl.Float64(),
        "max_leverage_x": pl.Float64(),
    },
    # `reported` is in `reported_unit` and counts `sides_counted` sides (null: not documented). `reported_base` and
    # `reported_usd` are null unless the exchange itself states them, and count the same sides.
    "open_interest": {
        "instrument": pl.String(),
        "time_ms": pl.Int64(),
        "reported": pl.Float64(),
        "reported_unit": pl.String(),  # base | contracts | usd
        "sides_counted": pl.Int64(),
        "reported_base": pl.Float64(),
        "reported_usd": pl.Float64(),
        "single_sided": pl.Float64(),  # the exchange's own one-sided figure, in reported_unit
        "mark_price": pl.Float64(),  # if the same response carries it
        "origin": pl.String(),  # snapshot | history | archive: history, until mark prices confirm its time
    },
    "mark_bars": {
        "instrument": pl.String(),
        "open_ms": pl.Int64(),
        "interval_minutes": pl.Int64(),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
    },
    # Volumes are in coins and count one side of the trade; `taker_buy_base` is null where the exchange does not split.
    "trade_bars": {
        "instrument": pl.String(),
        "open_ms": pl.Int64(),
        "interval_minutes": pl.Int64(),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume_base": pl.Float64(),
        "taker_buy_base": pl.Float64(),
    },
    "taker_volume": {
        "instrument": pl.String(),
        "open_ms": pl.Int64(),
        "interval_minutes": pl.Int64(),
        "taker_buy_base": pl.Float64(),
        "taker_sell_base": pl.Float64(),
    },
    # One row per reading; null where a response has no value. Shares are between 0 and 1.
    "positioning": {
        "instrument": pl.String(),
        "time_ms": pl.Int64(),
        "long_account_share": pl.Float64(),
        "top_long_account_share": pl.Float64(),
        "top_long_position_share": pl.Float64(),
        "funding_rate": pl.Float64(),
    },
    # `side` is that of the liquidated position. The size is in contracts or in coins, whichever the exchange states.
    "realised_liquidations": {
        "instrument": pl.String(),
        "time_ms": pl.Int64(),
        "side": pl.String(),  # long | short
        "price": pl.Float64(),
        "size_contracts": pl.Float64(),
        "size_base": pl.Float64(),
    },
}
"""Series name -> columns of the rows that `parse` returns."""


EDITION = "x-sha256"
"""The parameter that names a file's edition. Requests that differ only in it ask for the same file."""


@dataclass(frozen=True)
class Budget:
    """A documented limit: at most `capacity` weight in `seconds`, over all requests that name it."""

    name: str
    capacity: int
    seconds: float


@dataclass(frozen=True)
class Instrument:
    """A listed contract, with the attributes that planning and parsing need."""

    exchange: str
    instrument: str
    coin: str
    kind: str = "linear"
    contract_base: float = 1.0
    family: str | None = None  # OKX groups tiers and liquidations by family: BTC-USDT


@dataclass(frozen=True)
class Request:
    """One GET, fully determined; `params` are in sending order. Equal requests have the same answer."""

    exchange: str
    endpoint: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    instrument: str | None = None  # None: the answer covers many
    start_ms: int | None = None  # the window asked for, [start, end); None for "now"
    end_ms: int | None = None
    host: str = ""  # key of Adapter.HOSTS
    budget: str = ""
    weight: int = 1

    @property
    def key(self) -> str:
        """The request as one line, without the host: `GET /path?a=1&b=2`."""
        query = "&".join(f"{k}={v}" for k, v in self.params)
        return f"GET {self.path}?{query}" if query else f"GET {self.path}"


@dataclass(frozen=True)
class Response:
    """An answer as received, before any interpretation."""

    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    received_ms: int


class ExchangeError(Exception):
    """A response that is not data. `reason` is one short line for a person, without secrets."""

    outcome = "error"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class RateLimited(ExchangeError):
    """The exchange asks for a pause of the whole host until `until_ms` (unix time); `banned` if it says so."""

    reason: str
    until_ms: int | None = None
    banned: bool = False
    outcome: str = field(default="rate_limited", init=False)

    def __post_init__(self) -> None:
        super().__init__(self.reason)


class GeoBlocked(ExchangeError):
    """The exchange does not serve this location: final for the run."""

    outcome = "geo_blocked"


class NotFound(ExchangeError):
    """The exchange does not know the instrument, or no longer has the range: final for the request."""

    outcome = "not_found"


class NotYet(ExchangeError):
    """The exchange has not published the data yet: worth asking in a later run, not in this one."""

    outcome = "not_yet"


class BadPayload(ExchangeError):
    """A body that is HTML, truncated, empty or of another schema: never "no data"."""

    outcome = "bad_payload"


class Transient(ExchangeError):
    """A temporary failure (5xx, busy, time-out): worth a retry, but none on this host before `until_ms` (unix time)."""

    outcome = "transient"

    def __init__(self, reason: str, until_ms: int | None = None) -> None:
        super().__init__(reason)
        self.until_ms = until_ms


class Adapter(Protocol):
    """The interface of an exchange's module. All functions are pure."""

    EXCHANGE: str
    HOSTS: Mapping[str, str]  # host key -> official base URL
    BUDGETS: Sequence[Budget]
    ENDPOINTS: Mapping[str, tuple[str, ...]]  # endpoint -> the series that its responses carry

    def metadata(self, coins: Sequence[str] | None) -> list[Request]:
        """Request instruments and margin tiers; `coins` None means all."""
        ...

    def snapshot(self, instruments: Sequence[Instrument]) -> list[Request]:
        """Request the current state: open interest, mark, funding; in bulk calls where they exist."""
        ...

    def history(
        self, instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, bar_minutes: int = 5
    ) -> list[Request]:
        """Request every series over a window: bars that open in [start, end), readings in (start, end]."""
        ...

    def archive_requests(
        self, instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, now_ms: int, bar_minutes: int = 5
    ) -> list[Request]:
        """Request files in place of `history`, for a window that at `now_ms` the exchange has in files only.

        Empty where REST still has the window, or where there are no files.
        """
        ...

    def fallback(self, request: Request) -> list[Request]:
        """Return fallback requests for data that the source of this request will never have."""
        ...

    def monthly_file(self, request: Request, *, now_ms: int) -> Request | None:
        """Return the monthly file that supersedes a daily one, once published; else None."""
        ...

    def next_page(self, request: Request, response: Response) -> Request | None:
        """Request the next page after a full or cursored answer; None once the window is covered."""
        ...

    def coarser_period(self, request: Request) -> Request | None:
        """Request the same readings at a longer period, which reaches further back; None if there is none."""
        ...

    def parse(self, request: Request, response: Response) -> Mapping[str, Sequence[Row]]:
        """Parse rows by series (keys of ENDPOINTS[request.endpoint]), without rows outside the window.

        Raises ExchangeError if the response is not data.
        """
        ...
