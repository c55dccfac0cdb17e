"""Binance's public archive on the wire: the same market as its REST answers, in zipped files of a day or a month."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from warehouse.simulator.exchanges.binance import INTERVALS, kline_rows
from warehouse.simulator.exchanges.wire import DAY_MS, MINUTE_MS, Ask, Handler, Reply, find, text, whole
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
CROWDS: tuple[Crowd, ...] = ("large_accounts", "large_positions", "accounts")  # in the order of the columns
STEP = Interval(5 * MINUTE_MS)
# From this day on a snapshot is labelled five minutes early, with the start of the period that it ends.
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


def archived(path: str) -> Handler | None:
    """What answers for a path of the archive, which is asked for by name alone; None for any other path."""
    if not path.startswith(FOLDER):
        return None

    def answer(ask: Ask) -> Reply:
        name = path.removesuffix(".CHECKSUM")
        body = _published(ask, name)
        if body is None:
            return Reply(NO_SUCH_KEY.format(path.lstrip("/")).encode(), 404, media=XML)
        if name == path:
            return Reply(body, media=ZIP)
        line = f"{hashlib.sha256(body).hexdigest()}  {name.rpartition('/')[2]}\n"
        return Reply(line.encode(), media=TEXT)

    return answer


def _published(ask: Ask, path: str) -> bytes | None:
    """The file, if it is out by now and there was anything to put into it."""
    asked = METRICS_PATH.fullmatch(path.removeprefix(FOLDER)) or KLINES_PATH.fullmatch(path.removeprefix(FOLDER))
    span = None if asked is None else _span(asked["often"], asked["period"])
    contract = None if asked is None else find(ask, "binance", asked["symbol"])
    if asked is None or span is None or contract is None:
        return None
    if ask.now_ms < span[1] + (DAILY_AFTER_MS if asked["often"] == "daily" else MONTHLY_AFTER_MS):
        return None
    inside = path.rpartition("/")[2].removesuffix(".zip") + ".csv"
    return _file(ask.source, contract, asked["kind"], asked.groupdict().get("interval"), span, inside)


@lru_cache(maxsize=64)
def _file(
    source: Source, contract: Instrument, kind: str, interval: str | None, span: tuple[int, int], inside: str
) -> bytes | None:
    """Made twice at least, for the checksum and for itself, so the last few are kept."""
    if kind == "metrics":
        return _zipped(inside, METRICS, _metrics(source, contract, *span))
    if kind not in KINDS or interval not in INTERVALS:
        return None
    return _zipped(inside, KLINES, _klines(source, contract, KINDS[kind], INTERVALS[interval] * MINUTE_MS, *span))


def _klines(
    source: Source, contract: Instrument, kind: BarKind, length: int, start: int, end: int
) -> list[list[object]]:
    bars = source.bars(contract, kind, Interval(length), start, end - 1, end)
    places = contract.price_decimals if kind == "trade" else 8
    return kline_rows(bars, places, contract.unit_decimals, length, kind == "trade")


def _metrics(source: Source, contract: Instrument, start: int, end: int) -> list[list[object]]:
    """Snapshots after the day's start up to its end; a ratio that is not known is blank."""
    found = source.open_interest(contract, STEP, start + 1, end)
    ratios = [_ratios(source, contract, crowd, start, end) for crowd in CROWDS]
    flow = source.flow(contract, STEP, start + 1, end)
    taken = zip(whole(flow.end_ms), flow.buy.tolist(), flow.sell.tolist(), strict=True)
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
        for ts, units, price in zip(whole(found.ts_ms), found.units.tolist(), found.price.tolist(), strict=True)
    ]


def _ratios(source: Source, contract: Instrument, crowd: Crowd, start: int, end: int) -> dict[int, str]:
    shares = source.shares(contract, crowd, STEP, start + 1, end)
    columns = zip(whole(shares.ts_ms), shares.long.tolist(), strict=True)
    return {ts: text(long / (1.0 - long), 8) for ts, long in columns}


def _zipped(inside: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes | None:
    """The same bytes whenever it is made; nothing where there are no rows, since no empty file is ever published."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    header = written.tell()
    writer.writerows(rows)
    if written.tell() == header:
        return None
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        # of the ancient time that a zip begins with
        archive.writestr(zipfile.ZipInfo(inside), written.getvalue(), zipfile.ZIP_DEFLATED)
    return body.getvalue()


def _span(often: str, period: str) -> tuple[int, int] | None:
    """First and last instant of a day or a month by name; None for a name that is neither."""
    try:
        begin = datetime.strptime(period, "%Y-%m-%d" if often == "daily" else "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    end = begin + timedelta(1) if often == "daily" else (begin + timedelta(32)).replace(day=1)
    return int(begin.timestamp()) * 1000, int(end.timestamp()) * 1000
