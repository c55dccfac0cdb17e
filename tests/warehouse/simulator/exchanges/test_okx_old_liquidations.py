"""A range older than the day of liquidations that OKX keeps gives an empty answer, not an error."""

import httpx

from warehouse.simulator import serve

NOW_MS = 1_795_176_000_000
DAY_MS = 86_400_000


def test_range_older_than_retention_is_empty():
    with serve(now_ms=NOW_MS) as sim:
        asked = {"instType": "SWAP", "state": "filled", "instFamily": "BTC-USDT", "after": str(NOW_MS - 3 * DAY_MS)}
        answer = httpx.get(
            f"{sim.url}/api/v5/public/liquidation-orders", params=asked | {"before": str(NOW_MS - 4 * DAY_MS)}
        )
    assert answer.status_code == 200
    assert answer.json()["data"] == []
