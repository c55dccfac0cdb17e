"""Addresses of the exchanges, as settings and variables: for processes that share a running simulator."""

from __future__ import annotations

from warehouse.ingest.exchanges import ExchangeEndpoints
from warehouse.settings import Settings

HOSTS = ("binance", "binance_archive", "bybit", "okx")


def pointed(settings: Settings, endpoints: ExchangeEndpoints) -> Settings:
    """Return the settings with the addresses of the running simulator, so that no second one is started."""
    if endpoints.url is None:
        return settings
    return settings.model_copy(update={f"{host}_url": endpoints.base_urls[host] for host in HOSTS})


def exports(url: str) -> dict[str, str]:
    """Return the environment variables that point every exchange at one server."""
    return {f"LIQ_{host.upper()}_URL": url for host in HOSTS}
