"""Query times on a year of maps, and file sizes; no time is asserted. Run: `make bench`.

`BENCH_WAREHOUSE` names a warehouse to query; by default the first day of BTC is repeated to a year.
CPU time is shown beside wall time, since others may use the machine.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.contract import Table
from expectations.tables import load, table
from tests.bench.test_hour_cost import show
from tests.bench.year_of_maps import STATE, repeat
from tests.warehouse.trial import Trial
from transforms.hourly.hours import HOUR
from warehouse.catalog import build as catalog
from warehouse.clock import to_ms
from warehouse.simulator import serve
from warehouse.storage.store import Store

NOW = datetime(2026, 7, 26, 0, 5)
HOURS = 26
LENGTH = 365
LEVELS = table("liquidation_levels")
STATES_A_YEAR = (table("state_positions").kept_days or 0) + 12
NOTIONALS = ("notional_usd", "notional_1d_usd", "notional_7d_usd", "notional_30d_usd")
ENCODINGS = {
    "Float64": ("PLAIN", "BYTE_STREAM_SPLIT", "dictionary"),
    "Int64": ("BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED"),
}
QUESTIONS = {
    "liquidation_map of an hour": "FROM liquidation_map('{coin}', '{hour}')",
    "liquidation_map, the last hour": "FROM liquidation_map('{coin}')",
    "at_risk of an hour": "FROM at_risk('{coin}', {price}, '{hour}')",
    "at_risk, the last hour": "FROM at_risk('{coin}', {price})",
    "long_vs_short of an hour": "FROM long_vs_short('{coin}', {above}, {price}, '{hour}')",
    "level_history, all hours": "FROM level_history('{coin}', {price})",
    "market_summary, all hours": "FROM mart.market_summary WHERE coin = '{coin}'",
    "map_diff of two hours": "FROM map_diff('{coin}', '{before}', '{hour}')",
    "imbalance of an hour": "FROM imbalance('{coin}', '{hour}')",
    "clusters_near of an hour": "FROM clusters_near('{coin}', 0.25, '{hour}')",
    "largest_liquidation_hours, all hours": "FROM largest_liquidation_hours('{coin}')",
    "data_quality, all hours": "FROM data_quality('{coin}')",
}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Store:
    if given := os.environ.get("BENCH_WAREHOUSE"):
        return Store(Path(given))
    root = tmp_path_factory.mktemp("year") / "warehouse"
    last = NOW.replace(minute=0)
    with serve(seed=7, now_ms=to_ms(NOW)) as simulation:
        Trial(root, simulation.url, NOW).run(last - (HOURS - 1) * HOUR, last)
    repeat(Store(root), LENGTH)
    catalog.build(root)
    return Store(root)


def newest(store: Store) -> tuple[str, date]:
    """Return the first coin, which has its own history, and its last complete day."""
    coin = min(str(key["coin"]) for key in store.keys(LEVELS))
    return coin, date.fromisoformat(str(store.keys(LEVELS, coin=coin)[-2]["date"]))


def measured(ask: Callable[[], Sequence[object]], times: int = 15) -> tuple[float, float]:
    """Return the median wall and CPU milliseconds of warm runs."""
    assert ask()
    taken = []
    for _ in range(times):
        clock, cpu = perf_counter(), process_time()
        ask()
        taken.append((1e3 * (perf_counter() - clock), 1e3 * (process_time() - cpu)))
    return median(wall for wall, _ in taken), median(cpu for _, cpu in taken)


def test_query_times_on_a_year(year: Store) -> None:
    coin, day = newest(year)
    hour = datetime.combine(day, datetime.min.time()) + 20 * HOUR
    file = year.path(LEVELS, {"coin": coin, "date": day})
    with catalog.connect(year.root) as connection:
        mark = connection.sql(f"SELECT max(mark_price) FROM levels_at('{coin}', '{hour}')").fetchall()[0][0]
        known = {"coin": coin, "hour": hour, "before": hour - HOUR, "price": mark * 0.97, "above": mark * 1.03}
        _, unit = _asked(connection, f"SELECT sum(notional_usd) FROM read_parquet('{file}')")
        asked = {name: sql for name, sql in QUESTIONS.items() if "mart." not in sql or "market_summary" in load()}
        rows = [(name, *_asked(connection, sql.format(**known))) for name, sql in asked.items()]
    days = len(year.keys(LEVELS, coin=coin))
    show(
        f"{days} days of {coin}; the unit is reading one column of the map of a day, {unit:.1f} ms of CPU",
        ("question", "ms", "CPU ms", "units"),
        ((name, f"{wall:.0f}", f"{cpu:.0f}", f"{cpu / unit:.0f}") for name, wall, cpu in rows),
    )


def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, float]:
    return measured(lambda: connection.execute(sql).fetchall())


def test_size_of_a_coin_year(year: Store) -> None:
    coin, _ = newest(year)
    made = [t for t in load().values() if t.layer == "mart" and t.partition == ("coin", "date")]
    weighed = [(t, _weight(year, t, coin)) for t in made if year.keys(t, coin=coin)]
    total = sum(each * _files_a_year(t) for t, (_, each) in weighed) / 1e6
    show(
        f"A year of {coin}: {total:.0f} MB of mart",
        ("table", "rows a file", "bytes a file", "bytes a row", "files a year", "MB a year"),
        (
            (t.name, f"{rows:,.0f}", f"{each:,.0f}", f"{each / max(rows, 1):.2f}", f"{_files_a_year(t)}",
             f"{each * _files_a_year(t) / 1e6:.1f}")
            for t, (rows, each) in weighed
        ),
    )  # fmt: skip


def _files_a_year(contract: Table) -> int:
    return STATES_A_YEAR if contract.name in STATE else LENGTH


def _weight(store: Store, contract: Table, coin: str) -> tuple[float, float]:
    """Return the mean rows and bytes of a file over the last ten complete days."""
    files = [store.path(contract, key) for key in store.keys(contract, coin=coin)[-11:-1]]
    rows = [pq.read_metadata(path).num_rows for path in files]
    return sum(rows) / len(files), sum(path.stat().st_size for path in files) / len(files)


def test_size_of_a_row_by_column(year: Store) -> None:
    coin, day = newest(year)
    about = pq.read_metadata(year.path(LEVELS, {"coin": coin, "date": day}))
    of: Counter[str] = Counter()
    for group, column in product(range(about.num_row_groups), range(about.num_columns)):
        chunk = about.row_group(group).column(column)
        of[chunk.path_in_schema] += chunk.total_compressed_size
    show(
        f"{LEVELS.full_name}, {about.num_rows:,} rows of {coin} on {day}",
        ("column", "bytes a row"),
        ((name, f"{size / about.num_rows:.3f}") for name, size in of.most_common()),
    )


def test_size_of_a_row_by_encoding(year: Store) -> None:
    coin, day = newest(year)
    rows = year.read(LEVELS, [{"coin": coin, "date": day}]).select(list(LEVELS.file_schema))
    show(
        f"{LEVELS.full_name} of {coin} on {day}, bytes a row by order, type and encoding of the dollars",
        ("order of rows", "type", "encoding", "zstd 1", "zstd 3", "zstd 6"),
        _alternatives(rows),
    )


def _alternatives(rows: pl.DataFrame) -> Iterator[tuple[str, ...]]:
    for order in (LEVELS.grain, LEVELS.file_order or LEVELS.grain):
        for dtype, encodings in ENCODINGS.items():
            dollars = pl.col(NOTIONALS).cast(pl.Int64 if dtype == "Int64" else pl.Float64)
            frame = rows.sort(order).with_columns(dollars).to_arrow()
            for encoding in encodings:
                sizes = (_size(frame, encoding, level) / rows.height for level in (1, 3, 6))
                yield (f"{order[0]} first", dtype, encoding, *(f"{size:.2f}" for size in sizes))


def _size(rows: pa.Table, encoding: str, level: int) -> int:
    others = [name for name in rows.column_names if name not in NOTIONALS]
    buffer = io.BytesIO()
    pq.write_table(
        rows,
        buffer,
        compression="zstd",
        compression_level=level,
        row_group_size=1 << 16,
        use_dictionary=[*others, *NOTIONALS] if encoding == "dictionary" else others,
        column_encoding=None if encoding == "dictionary" else dict.fromkeys(NOTIONALS, encoding),
        store_schema=False,
    )
    return buffer.tell()
