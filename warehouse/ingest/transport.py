"""The HTTP transport: one GET within a time limit, without retries and without interpretation of the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

import httpx

from transforms.exchanges.protocol import Request, Response, Transient
from warehouse.ingest.circuit_breaker import UnreachableError

_DEMO_HEADER = "x-simulated-trading"


class Transport:
    """A pool of connections to the hosts of `base_urls`. `clock` returns unix ms; `timeout_s` limits a whole answer."""

    def __init__(
        self, base_urls: Mapping[str, str], *, timeout_s: float, clock: Callable[[], int], connections: int
    ) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs
        self.base_urls = {host: url.rstrip("/") for host, url in base_urls.items()}
        self._timeout_s, self._clock = timeout_s, clock
        self.client = httpx.Client(
            headers={"User-Agent": f"liquidation-warehouse/{_version()}", "Accept": "application/json"},
            timeout=timeout_s,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections),
        )

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    def send(self, request: Request) -> Response:
        """Return the answer, whatever its status.

        Raises UnreachableError if there is no connection, Transient if the answer does not end in time.
        """
        url = self.base_urls[request.host] + request.path
        built = self.client.build_request("GET", url, params=list(request.params))
        if _DEMO_HEADER in built.headers:
            raise ValueError("the header of OKX's demo market must never be sent: its data look real")
        until = time.monotonic() + self._timeout_s
        try:
            answer = self.client.send(built, stream=True)
            try:
                body = b"".join(_in_time(answer, until))
            finally:
                answer.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise UnreachableError(f"no connection to {request.host}: {type(error).__name__}") from error
        except httpx.RequestError as error:
            raise Transient(f"incomplete answer from {request.host}: {type(error).__name__}") from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, body, self._clock())


def _in_time(answer: httpx.Response, until: float) -> Iterator[bytes]:
    """Yield the body in pieces. The client's timeout applies to each piece only, so a slow body might never end."""
    for piece in answer.iter_bytes():
        yield piece
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the body did not arrive in time", request=answer.request)


def _version() -> str:
    try:
        return version("liquidation-warehouse")
    except PackageNotFoundError:
        return "0"
