"""Settings from `LIQ_*` variables or `.env`, typed and validated once.

Secrets, if any are added, belong here and nowhere else.
"""

from __future__ import annotations

import os
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlparse

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from transforms.exchanges import ADAPTERS
from transforms.exchanges.recording import STREAMS
from warehouse.clock import naive_utc
from warehouse.errors import UserError

Source = Literal["simulated", "recorded", "live"]
DATA = Path("liquidation-data")
"""The default folder of all output, relative to the working directory."""
_URLS = {"binance": "binance_url", "binance_archive": "binance_archive_url", "bybit": "bybit_url", "okx": "okx_url"}
_OFFICIAL = {h: u for a in ADAPTERS.values() for h, u in a.HOSTS.items()}
_STREAM_URLS = {exchange: f"{exchange}_stream_url" for exchange in STREAMS}


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """The settings of one run, immutable."""

    model_config = SettingsConfigDict(env_prefix="LIQ_", env_file=".env", extra="ignore", frozen=True)

    source: Source = Field(
        "simulated", description="simulated (built in), recorded (a folder of files) or live (the real exchanges)"
    )
    warehouse: Path | None = Field(None, description="folder of the tables; the catalog is catalog.duckdb in it")
    coins: Annotated[tuple[str, ...], NoDecode] = Field(("BTC", "ETH", "SOL"), description="coins, or `all`")
    exchanges: Annotated[tuple[str, ...], NoDecode] = Field(tuple(ADAPTERS), description="exchanges to query")
    now: datetime | None = Field(None, description="frozen clock, for replays; ISO 8601 with a zone")
    recorded: Path | None = Field(None, description="folder of recorded files, for LIQ_SOURCE=recorded")
    wait_s: float = Field(300, ge=0, description="seconds to wait for another run of the same warehouse")
    seed: int = Field(7, ge=0, description="seed of the simulated market")
    binance_url: str | None = None
    binance_archive_url: str | None = None
    bybit_url: str | None = None
    okx_url: str | None = None
    binance_stream_url: str | None = None
    bybit_stream_url: str | None = None
    okx_stream_url: str | None = None

    @field_validator("coins", mode="before")
    @classmethod
    def _coins(cls, value: Any) -> Any:
        coins = _listed(value)
        if not coins:
            raise ValueError("no coin; write e.g. BTC,ETH,SOL or all")
        return ("all",) if any(c.lower() == "all" for c in coins) else tuple(dict.fromkeys(c.upper() for c in coins))

    @field_validator("exchanges", mode="before")
    @classmethod
    def _exchanges(cls, value: Any) -> Any:
        names = tuple(dict.fromkeys(n.lower() for n in _listed(value)))
        unknown = [n for n in names if n not in ADAPTERS]
        if unknown or not names:
            raise ValueError(f"unknown exchange {', '.join(unknown) or '(none)'}; there are {', '.join(ADAPTERS)}")
        return tuple(n for n in ADAPTERS if n in names)

    @field_validator("now")
    @classmethod
    def _now(cls, value: datetime | None) -> datetime | None:
        return naive_utc(value) if value else None

    @field_validator(*_URLS.values())
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and (urlparse(value).scheme not in ("http", "https") or not urlparse(value).netloc):
            raise ValueError(f"{value!r} is not a base URL; write e.g. http://127.0.0.1:8900")
        return value.rstrip("/") if value else None

    @field_validator(*_STREAM_URLS.values())
    @classmethod
    def _stream_url(cls, value: str | None) -> str | None:
        if value is not None and (urlparse(value).scheme not in ("ws", "wss") or not urlparse(value).netloc):
            raise ValueError(f"{value!r} is not a WebSocket URL; write e.g. ws://127.0.0.1:8901")
        return value.rstrip("/") if value else None

    @model_validator(mode="after")
    def _recorded(self) -> Settings:
        if self.source == "recorded" and not self.urls_given:
            if self.recorded is None:
                raise ValueError("LIQ_SOURCE=recorded needs LIQ_RECORDED, the folder of the recorded files")
            if not self.recorded.is_dir():
                raise ValueError(f"LIQ_RECORDED: there is no folder {self.recorded}")
        return self

    @property
    def urls_given(self) -> bool:
        """True if the URL of every requested exchange is set explicitly."""
        return all(getattr(self, _URLS[exchange]) for exchange in self.exchanges)

    @property
    def root(self) -> Path:
        """The folder of the warehouse. Simulated, recorded and live data never share a default folder."""
        return (self.warehouse or (DATA if self.source == "simulated" else DATA / self.source)).expanduser().absolute()

    @property
    def bar_minutes(self) -> int:
        """The length of the bars to request; recordings have mark prices by the hour only."""
        return 60 if self.source == "recorded" else 5

    def base_urls(self, served_at: str | None = None) -> dict[str, str]:
        """Return the base URL by host: the setting, else `served_at` (our own server), else the exchange's if live."""
        official = _OFFICIAL if self.source == "live" else {}
        by_host = {host: getattr(self, field) or served_at or official.get(host) for host, field in _URLS.items()}
        urls = {host: url for host, url in by_host.items() if url}
        # Binance serves risk tiers on its web host; a substitute for its API must serve them too
        if "binance" in urls:
            is_substitute = urls["binance"] != _OFFICIAL["binance"]
            urls["binance_web"] = urls["binance"] if is_substitute else _OFFICIAL["binance_web"]
        return urls

    def stream_urls(self) -> dict[str, str]:
        """Return the base URL of each exchange's stream: the setting, else the exchange's if live."""
        official = {exchange: stream.URL for exchange, stream in STREAMS.items()} if self.source == "live" else {}
        by_exchange = {
            exchange: getattr(self, field) or official.get(exchange) for exchange, field in _STREAM_URLS.items()
        }
        return {exchange: url for exchange, url in by_exchange.items() if url}


def load(**overrides: Any) -> Settings:
    """Return the settings with the overrides of the command line.

    Raises UserError naming each invalid or unknown setting and a valid value.
    """
    _refuse_unknown()
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise UserError("; ".join(_complaint(e) for e in error.errors())) from error


def _refuse_unknown() -> None:
    known = {f"LIQ_{name}".upper() for name in Settings.model_fields}
    defined = {name.upper() for name in (*os.environ, *dotenv_values(".env"))}
    unknown = sorted(name for name in defined - known if name.startswith("LIQ_"))
    if unknown:
        raise UserError("; ".join(_unknown(name, sorted(known)) for name in unknown))


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.8)
    return f"{name} is not a setting; " + (f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}")


def _complaint(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"LIQ_{'_'.join(map(str, error['loc'])).upper()}: {message}" if error["loc"] else message
