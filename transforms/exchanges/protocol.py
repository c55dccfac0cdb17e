"""What an exchange adapter is: requests out, rows in, no I/O.

An adapter is a module (`binance/adapter.py`) that answers to `Adapter` below. The client
(`warehouse/ingest/client.py`) sends its requests and hands back bytes; the builders of the `core` tables hand it stored
bytes again. Both see the same `parse`, so what was fetched and what is rebuilt from `raw.payloads` cannot differ.
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
    # `floor` and `cap` are in `bound_unit`; the deduction is in quote (linear) or coins (inverse), as the rate is a
    # share.
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
    # `reported` in `reported_unit`, counting `sides_counted` sides (null: the exchange does not say). `base` and `usd`
    # only
    # where the exchange states them itself, and still over as many sides as it counts, unless `single_*` is stated.
    "open_interest": {
        "instrument": pl.String(),
        "time_ms": pl.Int64(),
        "reported": pl.Float64(),
        "reported_unit": pl.String(),  # base | contracts | usd
        "sides_counted": pl.Int64(),
        "reported_base": pl.Float64(),
        "reported_usd": pl.Float64(),
        "single_sided": pl.Float64(),  # the exchange's own one-sided figure, in reported_unit
        "mark_price": pl.Float64(),  # when the same response carries it
        "origin": pl.String(),  # snapshot | history | archive: history whose time is to be confirmed by mark prices
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
    # Volumes in coins of one side of the trade; `taker_buy_base` null where the exchange does not split.
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
    # One row a reading; what a response does not speak of is null. Shares are of 1.
    "positioning": {
        "instrument": pl.String(),
        "time_ms": pl.Int64(),
        "long_account_share": pl.Float64(),
        "top_long_account_share": pl.Float64(),
        "top_long_position_share": pl.Float64(),
        "funding_rate": pl.Float64(),
    },
    # `side` is the side of the position that was liquidated. Size in contracts or in coins, whichever the exchange states.
    "realised_liquidations": {
        "instrument": pl.String(),
        "time_ms": pl.Int64(),
        "side": pl.String(),  # long | short
        "price": pl.Float64(),
        "size_contracts": pl.Float64(),
        "size_base": pl.Float64(),
    },
}
"""Series name -> columns. What `parse` returns, the rows of each series."""


EDITION = "x-sha256"
"""The parameter that names the edition of a file. Requests that differ in nothing else ask for the same file."""


@dataclass(frozen=True)
class Budget:
    """A limit the exchange documents: at most `capacity` weight in `seconds`, over all requests that name it."""

    name: str
    capacity: int
    seconds: float


@dataclass(frozen=True)
class Instrument:
    """What planning and parsing need to know of a listed contract."""

    exchange: str
    instrument: str
    coin: str
    kind: str = "linear"
    contract_base: float = 1.0
    family: str | None = None  # OKX groups tiers and liquidations by family: BTC-USDT


@dataclass(frozen=True)
class Request:
    """One GET, fully determined; `params` in the order they are sent. Equal requests are the same question."""

    exchange: str
    endpoint: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    instrument: str | None = None  # None: the answer speaks of many
    start_ms: int | None = None  # the window asked for, [start, end); None for "now"
    end_ms: int | None = None
    host: str = ""  # key of Adapter.HOSTS
    budget: str = ""
    weight: int = 1

    @property
    def key(self) -> str:
        """The question as one line, without the host: `GET /path?a=1&b=2`."""
        query = "&".join(f"{k}={v}" for k, v in self.params)
        return f"GET {self.path}?{query}" if query else f"GET {self.path}"


@dataclass(frozen=True)
class Response:
    """What came back, before anyone looked at it."""

    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    received_ms: int


class ExchangeError(Exception):
    """A response that is not data. `reason` is one short line for a person; never holds a secret."""

    outcome = "error"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class RateLimited(ExchangeError):
    """The exchange asks for silence, for the whole host, until `until_ms` (unix time); `banned` when it says so."""

    reason: str
    until_ms: int | None = None
    banned: bool = False
    outcome: str = field(default="rate_limited", init=False)

    def __post_init__(self) -> None:
        super().__init__(self.reason)


class GeoBlocked(ExchangeError):
    """The exchange does not serve this place: final for the run."""

    outcome = "geo_blocked"


class NotFound(ExchangeError):
    """The exchange does not know the instrument, or no longer has the range: final for the request."""

    outcome = "not_found"


class NotYet(ExchangeError):
    """The exchange will have it, and does not yet: worth asking in a later run, not in this one."""

    outcome = "not_yet"


class BadPayload(ExchangeError):
    """HTML, truncated, empty or of another schema: never "no data"."""

    outcome = "bad_payload"


class Transient(ExchangeError):
    """The exchange stumbled (5xx, busy, time-out): worth another try, for its host not before `until_ms` (unix time)."""

    outcome = "transient"

    def __init__(self, reason: str, until_ms: int | None = None) -> None:
        super().__init__(reason)
        self.until_ms = until_ms


class Adapter(Protocol):
    """The surface of an exchange's module. All functions are pure."""

    EXCHANGE: str
    HOSTS: Mapping[str, str]  # host key -> official base URL
    BUDGETS: Sequence[Budget]
    ENDPOINTS: Mapping[str, tuple[str, ...]]  # endpoint -> the series that its responses carry

    def metadata(self, coins: Sequence[str] | None) -> list[Request]:
        """Requests for instruments and margin tiers; `coins` None means all."""
        ...

    def snapshot(self, instruments: Sequence[Instrument]) -> list[Request]:
        """Requests for the state at this moment: open interest, mark, funding; bulk calls where they exist."""
        ...

    def history(
        self, instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, bar_minutes: int = 5
    ) -> list[Request]:
        """Requests for everything that is a series, over [start, end).

        Bars that open in it, readings in (start, end].
        """
        ...

    def archive_requests(
        self, instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, now_ms: int, bar_minutes: int = 5
    ) -> list[Request]:
        """What to ask in place of `history` for a window that the exchange, asked at `now_ms`, has in files alone.

        None where it has it, or has no files.
        """
        ...

    def fallback(self, request: Request) -> list[Request]:
        """Where else to ask for what a request did not find, which will not come there any more."""
        ...

    def monthly_file(self, request: Request, *, now_ms: int) -> Request | None:
        """The file of a longer span in which all that a file has is too, once it is out; None where there is none."""
        ...

    def next_page(self, request: Request, response: Response) -> Request | None:
        """The next page of a full or cursored answer, or None when the window is covered."""
        ...

    def coarser_period(self, request: Request) -> Request | None:
        """The same readings at a longer period, which the exchange keeps for longer; None where there is no such thing."""
        ...

    def parse(self, request: Request, response: Response) -> Mapping[str, Sequence[Row]]:
        """Rows by series (keys of ENDPOINTS[request.endpoint]), or an ExchangeError.

        Rows outside the window are cut.
        """
        ...
