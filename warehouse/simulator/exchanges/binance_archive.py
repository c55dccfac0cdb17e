"""Binance's public archive on the wire: the market of the REST API, as zipped daily and monthly files."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from warehouse.simulator.exchanges.binance import INTERVALS, kline_rows
from warehouse.simulator.exchanges.wire import DAY_MS, MINUTE_MS, Handler, Query, Reply, find, integers, text
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import BarKind, Crowd, Interval, Source

METRICS = (
    "create_time", "symbol", "sum_open_interest", "sum_open_interest_value", "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio", "count_long_short_ratio", "sum_taker_long_short_vol_ratio",
)  # fmt: skip
KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip
FOLDER = "/data/futures/um/"
KINDS: dict[str, BarKind] = {
    "klines": "trade", "markPriceKlines": "mark", "indexPriceKlines": "index", "premiumIndexKlines": "premium"
}  # fmt: skip
CROWDS: tuple[Crowd, ...] = ("large_accounts", "large_positions", "accounts")  # in column order
STEP = Interval(5 * MINUTE_MS)
# From this day on, a snapshot at the end of a 5-minute period is labelled with the start of the period.
EARLY_LABELS_MS = int(datetime(2026, 6, 25, tzinfo=UTC).timestamp()) * 1000
DAILY_AFTER_MS = 4 * 60 * MINUTE_MS
MONTHLY_AFTER_MS = 2 * DAY_MS + DAILY_AFTER_MS
PERIOD = r"(?P<period>\d{4}-\d\d(-\d\d)?)\.zip"
METRICS_PATH = re.compile(r"(?P<often>daily)/(?P<kind>metrics)/(?P<symbol>\w+)/(?P=symbol)-metrics-" + PERIOD)
KLINES_PATH = re.compile(
    r"(?P<often>daily|monthly)/(?P<kind>\w+)/(?P<symbol>\w+)/(?P<interval>\w+)/(?P=symbol)-(?P=interval)-" + PERIOD
)
ZIP, TEXT, XML = "application/zip", "binary/octet-stream", "application/xml"
NO_SUCH_KEY = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Key>{}</Key></Error>'


def archive_handler(path: str) -> Handler | None:
    """Return the handler of an archive file, which is requested by path alone; None for any other path."""
    if not path.startswith(FOLDER):
        return None

    def answer(query: Query) -> Reply:
        name = path.removesuffix(".CHECKSUM")
        body = _published_file(query, name)
        if body is None:
            return Reply(NO_SUCH_KEY.format(path.lstrip("/")).encode(), 404, media=XML)
        if name == path:
            return Reply(body, media=ZIP)
        line = f"{hashlib.sha256(body).hexdigest()}  {name.rpartition('/')[2]}\n"
        return Reply(line.encode(), media=TEXT)

    return answer


def _published_file(query: Query, path: str) -> bytes | None:
    """Return the file; None if it is not published yet or would have no rows."""
    match = METRICS_PATH.fullmatch(path.removeprefix(FOLDER)) or KLINES_PATH.fullmatch(path.removeprefix(FOLDER))
    span = None if match is None else _span(match["often"], match["period"])
    contract = None if match is None else find(query, "binance", match["symbol"])
    if match is None or span is None or contract is None:
        return None
    if query.now_ms < span[1] + (DAILY_AFTER_MS if match["often"] == "daily" else MONTHLY_AFTER_MS):
        return None
    inside = path.rpartition("/")[2].removesuffix(".zip") + ".csv"
    return _file(query.source, contract, match["kind"], match.groupdict().get("interval"), span, inside)


@lru_cache(maxsize=64)
def _file(
    source: Source, contract: Instrument, kind: str, interval: str | None, span: tuple[int, int], inside: str
) -> bytes | None:
    """Build a file, cached because it is requested at least twice: for itself and for its checksum."""
    if kind == "metrics":
        return _zip_rows(inside, METRICS, _metrics(source, contract, *span))
    if kind not in KINDS or interval not in INTERVALS:
        return None
    return _zip_rows(inside, KLINES, _klines(source, contract, KINDS[kind], INTERVALS[interval] * MINUTE_MS, *span))


def _klines(
    source: Source, contract: Instrument, kind: BarKind, length: int, start: int, end: int
) -> list[list[object]]:
    bars = source.bars(contract, kind, Interval(length), start, end - 1, end)
    places = contract.price_decimals if kind == "trade" else 8
    return kline_rows(bars, places, contract.unit_decimals, length, kind == "trade")


def _metrics(source: Source, contract: Instrument, start: int, end: int) -> list[list[object]]:
    """Return the snapshots after the day's start up to its end; unknown ratios are blank."""
    found = source.open_interest(contract, STEP, start + 1, end)
    ratios = [_ratios(source, contract, crowd, start, end) for crowd in CROWDS]
    flow = source.flow(contract, STEP, start + 1, end)
    taken = zip(integers(flow.end_ms), flow.buy.tolist(), flow.sell.tolist(), strict=True)
    ratios.append({ts: text(buy / sell if sell else None, 8) for ts, buy, sell in taken})
    early = STEP.length_ms if start >= EARLY_LABELS_MS else 0
    return [
        [
            datetime.fromtimestamp((ts - early) // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            contract.symbol,
            text(units, 8),
            text(units * price, 8),
            *(ratio.get(ts, "") for ratio in ratios),
        ]
        for ts, units, price in zip(integers(found.ts_ms), found.units.tolist(), found.price.tolist(), strict=True)
    ]


def _ratios(source: Source, contract: Instrument, crowd: Crowd, start: int, end: int) -> dict[int, str]:
    shares = source.shares(contract, crowd, STEP, start + 1, end)
    columns = zip(integers(shares.ts_ms), shares.long.tolist(), strict=True)
    return {ts: text(long / (1.0 - long), 8) for ts, long in columns}


def _zip_rows(inside: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes | None:
    """Return a zip with the same bytes every time; None without rows, since empty files are never published."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(names)
    header = table.tell()
    writer.writerows(rows)
    if table.tell() == header:
        return None
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        # a fixed date, 1980-01-01: the current time would change the bytes
        archive.writestr(zipfile.ZipInfo(inside), table.getvalue(), zipfile.ZIP_DEFLATED)
    return body.getvalue()


def _span(often: str, period: str) -> tuple[int, int] | None:
    """Return the start and end (exclusive, unix ms) of a named day or month; None for any other name."""
    try:
        begin = datetime.strptime(period, "%Y-%m-%d" if often == "daily" else "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    end = begin + timedelta(1) if often == "daily" else (begin + timedelta(32)).replace(day=1)
    return int(begin.timestamp()) * 1000, int(end.timestamp()) * 1000
