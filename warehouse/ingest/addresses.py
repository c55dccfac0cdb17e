"""Where the exchanges are served, as settings: for whatever must ask the server that is up already."""

from __future__ import annotations

from warehouse.ingest.exchanges import ExchangeEndpoints
from warehouse.settings import Settings

HOSTS = ("binance", "binance_archive", "bybit", "okx")


def pointed(settings: Settings, served: ExchangeEndpoints) -> Settings:
    """The settings, asking the server of ours that is up, so that no second one is started."""
    if served.url is None:
        return settings
    return settings.model_copy(update={f"{host}_url": served.base_urls[host] for host in HOSTS})


def exports(url: str) -> dict[str, str]:
    """Variables that point every exchange at one server."""
    return {f"LIQ_{host.upper()}_URL": url for host in HOSTS}
