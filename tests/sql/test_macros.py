"""Macros and cookbook on a simulated market with a mark between 102,699 and 110,000."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import dropwhile
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import polars as pl
import pytest

from expectations.columns.kinds import EXCHANGES
from tests.bi.environment import environment, run
from tests.docs import program
from tests.sql import cookbook
from tests.sql.cookbook import FIRST, FOLDER, LAST, QUESTIONS
from tests.warehouse.trial import A, Trial
from transforms.hourly.hours import HOUR
from transforms.model.bands import band
from transforms.model.price_grid import bucket, edge
from warehouse.catalog import build as catalog
from warehouse.catalog import macros

ROOT = Path(__file__).parents[2]
BEFORE = FIRST - HOUR
PLAIN = {"VARCHAR", "DOUBLE", "BIGINT", "INTEGER", "BOOLEAN", "DATE", "TIMESTAMP"}
ASK = """
import json, sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    told = {question: repr(connection.execute(question).fetchall()) for question in json.loads(sys.argv[2])}
print(json.dumps({"version": duckdb.__version__, "told": told}))
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return cookbook.market(tmp_path_factory.mktemp("market") / "warehouse")


@pytest.fixture(scope="module")
def ask(market: Trial) -> Iterator[duckdb.DuckDBPyConnection]:
    with catalog.connect(market.root) as connection:
        yield connection


@pytest.fixture(scope="module")
def cheap(one_hour: Trial, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a catalog with DOGE, a coin at 0.2 USD, beside BTC."""
    copy = one_hour.copied(tmp_path_factory.mktemp("cheap") / "warehouse")
    copy.run(A, coins="DOGE")
    with catalog.connect(copy.root) as connection:
        yield connection


@pytest.fixture(scope="module")
def levels(ask: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return ask.sql("SELECT * FROM mart.liquidation_levels").pl()


def at(levels: pl.DataFrame, hour: datetime) -> pl.DataFrame:
    return levels.filter(pl.col("hour_utc") == hour)


class TestEveryMacro:
    @pytest.mark.parametrize("macro", macros.load().values(), ids=lambda m: m.name)
    def test_example_returns_rows(self, ask: duckdb.DuckDBPyConnection, macro: macros.Macro) -> None:
        assert ask.sql(macro.example).pl().height > 0

    @pytest.mark.parametrize("macro", macros.load().values(), ids=lambda m: m.name)
    def test_columns_have_plain_types(self, ask: duckdb.DuckDBPyConnection, macro: macros.Macro) -> None:
        assert {kind for _, kind, *_ in ask.sql(f"DESCRIBE {macro.example}").fetchall()} <= PLAIN

    @pytest.mark.parametrize("macro", macros.load().values(), ids=lambda m: m.name)
    def test_head_documents_call_parameters_and_columns(
        self, ask: duckdb.DuckDBPyConnection, macro: macros.Macro
    ) -> None:
        call = macro.head.splitlines()[0]
        assert macro.statement.startswith(f"CREATE MACRO {call} AS TABLE")
        words = set(re.findall(r"\w+", macro.head.split("\n", 1)[1]))
        named = re.findall(r'["(\s](\w+)"?(?: :=[^,]*)?(?=[,)])', call)
        assert named
        assert set(named) <= words
        if "are those of" not in macro.head:
            shown = ask.sql(f"FROM ({macro.example.rstrip(';')})").columns
            if macro.example.startswith(("FROM", "SELECT *")):
                assert set(shown) <= words
        assert re.search(r"[Mm]odelled|published|A log of", macro.head)

    @pytest.mark.parametrize("macro", macros.load().values(), ids=lambda m: m.name)
    def test_unknown_coin_error_lists_coins(self, ask: duckdb.DuckDBPyConnection, macro: macros.Macro) -> None:
        with pytest.raises(duckdb.Error, match="no coin DOGE in the warehouse; there are BTC"):
            ask.sql(macro.example.replace("'BTC'", "'DOGE'")).fetchall()

    @pytest.mark.parametrize(
        "call",
        [
            "map_hour('BTC', '{}')", "levels_at('BTC', '{}')", "liquidation_map('BTC', as_of := '{}')",
            "at_risk('BTC', 102699, '{}')", "long_vs_short('BTC', 110000, 100700, '{}')", "map_diff('BTC', '{}')",
            "map_diff('BTC', '2026-07-25', '{}')", "clusters_near('BTC', as_of := '{}')", "imbalance('BTC', '{}')",
            "leverage_profile('BTC', '{}')", "exchange_share('BTC', '{}')", "data_quality('BTC', '2020-01-01', '{}')",
            "cascade('BTC', '{}')", "cascade_contagion('BTC', '{}')", "summary_at('BTC', '{}')",
            "cluster_lifecycles('BTC', '2020-01-01', '{}')",
        ],
    )  # fmt: skip
    def test_hour_before_the_history_is_refused(self, ask: duckdb.DuckDBPyConnection, call: str) -> None:
        with pytest.raises(duckdb.Error, match="no map of BTC"):
            ask.sql(f"FROM {call.format(BEFORE)}").fetchall()

    def test_duckdb_comments_equal_the_heads(self, ask: duckdb.DuckDBPyConnection) -> None:
        told = dict(
            ask.sql("SELECT function_name, comment FROM duckdb_functions() WHERE comment IS NOT NULL").fetchall()
        )
        assert {name: told[name] for name in macros.load()} == {name: m.head for name, m in macros.load().items()}

    def test_names_do_not_clash_with_built_in_functions(self) -> None:
        with duckdb.connect() as plain:
            built_in = {name for (name,) in plain.sql("SELECT function_name FROM duckdb_functions()").fetchall()}
        assert "summary" in built_in
        assert not set(macros.load()) & built_in


class TestTracks:
    @pytest.mark.parametrize("until", [LAST, LAST - 6 * HOUR])
    def test_lifecycles_return_the_last_row_of_each_track(
        self, ask: duckdb.DuckDBPyConnection, until: datetime
    ) -> None:
        rows = ask.sql("SELECT * FROM mart.cluster_history").pl().filter(pl.col("hour_utc") <= until)
        last = rows.sort("hour_utc").group_by("side", "track_id", maintain_order=True).last()
        found = ask.sql(f"FROM cluster_lifecycles('BTC', until := '{until}')").pl()
        key = ["side", "track_id"]
        assert found.select(last.columns).sort(key).equals(last.sort(key))
        assert found.filter(pl.col("hours_lived") > 0).height > 3
        late = ask.sql(f"FROM cluster_lifecycles('BTC', '{until}', '{until}')").pl()
        assert set(late["track_id"]) == set(rows.filter(pl.col("hour_utc") == until)["track_id"])

    def test_track_starts_at_its_birth(self, ask: duckdb.DuckDBPyConnection) -> None:
        rows = ask.sql("SELECT * FROM mart.cluster_history").pl()
        now = rows.filter(pl.col("hour_utc") == LAST, pl.col("track_status") == "active")
        largest = now.sort("notional_usd")["track_id"][-1]
        own = rows.filter(track_id=largest).sort("hour_utc")
        assert ask.sql("FROM cluster_track('BTC')").pl().equals(own)
        assert ask.sql(f"FROM cluster_track('BTC', '{largest}')").pl().equals(own)
        assert own["hour_utc"][0] == own["born_utc"][0]

    def test_unknown_track_is_refused(self, ask: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(duckdb.Error, match=r"no track BTC-long-1 of BTC; .* FROM cluster_lifecycles\('BTC'\)"):
            ask.sql("FROM cluster_track('BTC', 'BTC-long-1')").fetchall()


class TestAnswers:
    def test_map_equals_the_table(self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame) -> None:
        rows = ask.sql("FROM liquidation_map('BTC', span := 0.25)").pl()
        together, exchanges = rows.filter(exchange="all"), rows.filter(pl.col("exchange") != "all")
        now = at(levels, LAST)
        assert rows["hour_utc"].unique().to_list() == [LAST]
        for side in ("long", "short"):
            whole = now.filter(side=side)["notional_usd"].sum()
            assert together[f"{side}_usd"].sum() == pytest.approx(whole)
            assert exchanges[f"{side}_usd"].sum() == pytest.approx(whole)
            assert together[f"cumulative_{side}_usd"].max() == pytest.approx(whole)

    def test_distances_use_each_exchanges_mark(self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame) -> None:
        rows = ask.sql("FROM liquidation_map('BTC', span := 0.01)").pl().filter(pl.col("exchange") != "all")
        marks = dict(at(levels, LAST).select("exchange", "mark_price").unique().iter_rows())
        assert len(set(marks.values())) == len(marks) == 3
        assert dict(rows.select("exchange", "mark_price").unique().iter_rows()) == marks
        assert rows["distance_bp"].abs().max() <= 100

    @pytest.mark.parametrize(("price", "side"), [(102_699, "long"), (110_000, "short")])
    def test_at_risk_sums_the_bucket_and_the_way_to_it(
        self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame, price: float, side: str
    ) -> None:
        rows = ask.sql(f"FROM at_risk('BTC', {price})").pl()
        assert rows["side"].unique().to_list() == [side]
        mine = at(levels, LAST).filter(side=side)
        level = mine.filter((pl.col("price_low") <= price) & (pl.col("price_high") > price))
        reached = pl.col("price_high") > price if side == "long" else pl.col("price_low") <= price
        total = rows.filter(exchange="all", leverage_class="all")
        assert total["level_usd"].item() == pytest.approx(level["notional_usd"].sum())
        assert total["cumulative_usd"].item() == pytest.approx(mine.filter(reached)["notional_usd"].sum())
        parts = rows.filter((pl.col("exchange") != "all") & (pl.col("leverage_class") != "all"))
        assert parts["cumulative_usd"].sum() == pytest.approx(total["cumulative_usd"].item())

    @pytest.mark.parametrize(("price", "side"), [(102_699, "long"), (110_000, "short")])
    def test_ranges_equal_the_model(
        self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame, price: float, side: str
    ) -> None:
        """An exchange's range is the model's band; errors of fit and gaps add up over exchanges."""
        rows = ask.sql(f"FROM at_risk('BTC', {price}) WHERE leverage_class = 'all'").pl()
        reached = pl.col("price_high") > price if side == "long" else pl.col("price_low") <= price
        mine = at(levels, LAST).filter(reached, side=side)
        parameters = ask.sql("FROM model.model_parameters WHERE parameter = 'log_sd'").pl()
        for row in rows.iter_rows(named=True):
            own = mine if row["exchange"] == "all" else mine.filter(exchange=row["exchange"])
            leverage = own["leverage_class"].str.strip_chars_end("x+").cast(pl.Float64)
            known = own.with_columns(leverage_x=leverage).join(
                parameters, left_on=["parameters_version", "exchange", "side", "leverage_x"],
                right_on=["version", "exchange", "side", "leverage_x"],
            )  # fmt: skip
            assert known.height == own.height > 0
            usd, fit, gap = (known["notional_usd"] * each for each in (1.0, known["value"], known["gap_log_sd"]))
            log_sd, gap_log_sd = (each.sum() / usd.sum() for each in (fit, gap))
            band_of = band(np.array([usd.sum()]), np.array([log_sd]), gap_log_sd=gap_log_sd)
            came = [row[f"cumulative_{p}usd"] for p in ("p10_", "", "p90_")]
            assert came == pytest.approx([float(each) for each in band_of], rel=1e-6)

    def test_ranges_agree_between_macros(self, ask: duckdb.DuckDBPyConnection) -> None:
        """The same sum has the same range in at_risk, long_vs_short and liquidation_map."""
        ends = "cumulative_usd, cumulative_p10_usd, cumulative_p90_usd"
        at_risk = "FROM at_risk('BTC', {}) WHERE exchange = 'okx' AND leverage_class = 'all'"
        (long,), (short,) = (ask.sql(f"SELECT {ends} {at_risk.format(p)}").fetchall() for p in (100_700, 110_000))
        pair = ask.sql("FROM long_vs_short('BTC', 110000, 100700, exchange := 'okx')").pl().row(0, named=True)
        assert long == tuple(pair[f"long_{p}usd"] for p in ("", "p10_", "p90_"))
        assert short == tuple(pair[f"short_{p}usd"] for p in ("", "p10_", "p90_"))
        whole = ask.sql("FROM liquidation_map('BTC', span := 0.25, exchange := 'okx')").pl()
        for side, price, sums in (("long", 100_700, long), ("short", 110_000, short)):
            row = whole.filter(price_bucket=bucket(price)).row(0, named=True)
            assert sums == tuple(row[f"cumulative_{side}_{p}usd"] for p in ("", "p10_", "p90_"))
        assert long[1] < long[0] < long[2]
        level = ask.sql("FROM at_risk('BTC', 100700) WHERE exchange = 'all' AND leverage_class = 'all'").pl()
        newest = ask.sql("FROM level_history('BTC', 100700) ORDER BY hour_utc DESC LIMIT 1").pl()
        ends = ("p10_", "p90_")
        assert newest.select(f"notional_{p}usd" for p in ends).row(0) == pytest.approx(
            level.select(f"level_{p}usd" for p in ends).row(0), rel=1e-9
        )

    def test_price_between_two_marks_has_both_sides(self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame) -> None:
        low, *_, high = sorted(at(levels, LAST)["mark_price"].unique())
        totals = ask.sql(f"FROM at_risk('BTC', {(low + high) / 2}) WHERE exchange = 'all'").pl()
        assert sorted(totals["side"].unique()) == ["long", "short"]

    @pytest.mark.parametrize("price", ["1", "1e9"])
    def test_price_beyond_every_map_is_refused(self, ask: duckdb.DuckDBPyConnection, price: str) -> None:
        with pytest.raises(duckdb.Error, match="the map of BTC does not reach"):
            ask.sql(f"FROM at_risk('BTC', {price})").fetchall()
        for macro in ("level_history", "at_risk_history"):
            with pytest.raises(duckdb.Error, match="no map of BTC ever reached"):
                ask.sql(f"FROM {macro}('BTC', {price})").fetchall()

    def test_range_without_the_price_is_refused(self, ask: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(duckdb.Error, match="no map of BTC reached 95000 since 2100-01-01"):
            ask.sql("FROM level_history('BTC', 95000, since := '2100-01-01')").fetchall()

    @pytest.mark.parametrize("price", ["-5", "0", "NULL", "'high'", "'nan'::DOUBLE", "'inf'::DOUBLE"])
    @pytest.mark.parametrize(
        "call",
        [
            "at_risk('BTC', {})", "level_history('BTC', {})", "at_risk_history('BTC', {})",
            "long_vs_short('BTC', {}, 100700)", "long_vs_short('BTC', 110000, {})",
        ],
    )  # fmt: skip
    def test_invalid_price_is_refused(self, ask: duckdb.DuckDBPyConnection, call: str, price: str) -> None:
        with pytest.raises(duckdb.Error, match="is not a price"):
            ask.sql(f"FROM {call.format(price)}").fetchall()

    def test_price_grid_equals_the_model(self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame) -> None:
        middles = levels.select("price_bucket", price=(pl.col("price_low") * pl.col("price_high")).sqrt()).unique()
        ask.register("middles", middles.to_arrow())
        assert ask.sql("SELECT count(*) FROM middles WHERE ops.price_bucket(price) <> price_bucket").fetchall() == [
            (0,)
        ]

    def test_edge_belongs_to_the_bucket_above(self, ask: duckdb.DuckDBPyConnection) -> None:
        """The buckets span prices from 0.01 to one million USD."""
        buckets = np.arange(-4608, 13_824)
        ask.register("edges", pl.DataFrame({"price_bucket": buckets, "price_low": edge(buckets)}).to_arrow())
        assert ask.sql("FROM edges WHERE ops.price_bucket(price_low) <> price_bucket").fetchall() == []

    def test_long_vs_short_equals_at_risk_of_both_sides(self, ask: duckdb.DuckDBPyConnection) -> None:
        row = ask.sql("FROM long_vs_short('BTC', 110000, 100700)").pl().row(0, named=True)
        total = "(SELECT cumulative_usd FROM at_risk('BTC', {}) WHERE exchange = 'all' AND leverage_class = 'all')"
        short, long = ask.sql(f"SELECT {total.format(110000)} AS s, {total.format(100700)} AS l").pl().row(0)
        assert (row["short_usd"], row["long_usd"]) == (short, long)
        assert row["ratio"] == max(short, long) / min(short, long)
        assert row["heavier_side"] == ("short" if short > long else "long")
        with pytest.raises(duckdb.Error, match="must lie below and above the marks of BTC"):
            ask.sql("FROM long_vs_short('BTC', 100700, 110000)").fetchall()

    @pytest.mark.parametrize(("price", "exchange"), [(100_000, "NULL"), (110_000, "NULL"), (100_000, "'okx'")])
    def test_at_risk_history_equals_at_risk_of_each_hour(
        self, ask: duckdb.DuckDBPyConnection, price: float, exchange: str
    ) -> None:
        rows = ask.sql(f"FROM at_risk_history('BTC', {price}, exchange := {exchange})").pl()
        assert rows["hour_utc"].to_list() == [FIRST + n * HOUR for n in range(26)]
        for hour, side, usd in rows.select("hour_utc", "side", "cumulative_usd")[::5].iter_rows():
            scope = f"exchange = {exchange}" if exchange != "NULL" else "exchange = 'all'"
            total = f"FROM at_risk('BTC', {price}, '{hour}') WHERE {scope} AND leverage_class = 'all'"
            assert ask.sql(f"SELECT side, cumulative_usd {total}").fetchall() == [(side, usd)]

    def test_at_risk_history_at_the_mark_is_zero(self, ask: duckdb.DuckDBPyConnection) -> None:
        (mark,) = ask.sql("SELECT mark_price FROM imbalance('BTC') LIMIT 1").fetchall()[0]
        rows = ask.sql(f"FROM at_risk_history('BTC', {mark})").pl()
        assert rows.height == 26
        assert rows["cumulative_usd"][-1] == 0

    def test_level_history_has_z_score_and_intensity(
        self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame
    ) -> None:
        rows = ask.sql("FROM level_history('BTC', 100000)").pl()
        inside = levels.filter((pl.col("price_low") <= 100_000) & (pl.col("price_high") > 100_000))
        expected = inside.group_by("hour_utc").agg(pl.col("notional_usd").sum()).sort("hour_utc")
        assert rows["hour_utc"].to_list() == expected["hour_utc"].to_list()
        usd = expected["notional_usd"]
        assert rows["notional_usd"].to_list() == pytest.approx(usd.to_list())
        assert rows["notional_z"][:23].is_null().all()
        z = (usd[-1] - usd.mean()) / usd.std(ddof=0)
        assert rows["notional_z"][-1] == pytest.approx(z, rel=1e-4)
        bucket = inside["price_bucket"][0]
        near = at(levels, LAST).filter(pl.col("price_bucket").is_between(bucket - 20, bucket + 20), side="long")
        around = near.filter(pl.col("price_bucket") != bucket)["notional_usd"].sum() / 40
        assert rows["intensity"][-1] == pytest.approx(usd[-1] / around)

    @pytest.mark.parametrize("coin", ["BTC", "DOGE"])
    @pytest.mark.parametrize("buckets", [1, 2, 5])
    def test_heatmap_rows_sum_their_levels(self, cheap: duckdb.DuckDBPyConnection, coin: str, buckets: int) -> None:
        rows = cheap.sql(f"FROM heatmap('{coin}', hours := 1, buckets := {buckets})").pl()
        levels = cheap.sql(f"SELECT * FROM levels_at('{coin}')").pl()
        middle = (pl.col("price_low") * pl.col("price_high")).sqrt()
        for low, high, usd in rows.select("price_low", "price_high", "notional_usd").iter_rows():
            assert high / low == pytest.approx(1.001**buckets)
            assert usd == pytest.approx(levels.filter(middle > low, middle < high)["notional_usd"].sum())
        assert rows["notional_usd"].sum() == pytest.approx(levels["notional_usd"].sum())

    def test_map_diff_sums_to_both_maps(self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame) -> None:
        rows = ask.sql("FROM map_diff('BTC', exchange := 'okx')").pl()
        assert rows["from_utc"].unique().to_list() == [LAST - HOUR]
        kept = pl.col("price_bucket").is_in(rows["price_bucket"].to_list()), pl.col("exchange") == "okx"
        for hour, column in ((LAST - HOUR, "from_usd"), (LAST, "to_usd")):
            assert rows[column].sum() == pytest.approx(at(levels, hour).filter(*kept)["notional_usd"].sum())
        assert set(rows.filter(pl.col("change_usd") > 0)["change_type"]) == {"built"}
        assert set(rows.filter(pl.col("change_usd") < 0)["change_type"]) <= {"closed", "swept"}

    def test_cascade_has_a_rank_once_there_are_hours_to_compare(self, ask: duckdb.DuckDBPyConnection) -> None:
        rows = ask.sql("FROM cascade('BTC')").pl()
        assert rows.drop("largest_ratio_percentile").equals(
            ask.sql(f"FROM mart.cascade_risk WHERE coin = 'BTC' AND hour_utc = '{LAST}' ORDER BY side").pl()
        )
        assert rows["largest_ratio_percentile"].is_null().all()  # the ratio is unknown on the first day

    def test_summary_equals_the_other_macros(self, ask: duckdb.DuckDBPyConnection) -> None:
        row = ask.sql("FROM summary_at('BTC')").pl().row(0, named=True)
        map_ = ask.sql("FROM liquidation_map('BTC', span := 0.25)").pl().filter(exchange="all")
        balance = dict(ask.sql("SELECT distance_bp, imbalance FROM imbalance('BTC')").fetchall())
        clusters = ask.sql("FROM clusters_near('BTC', 0.25)").pl()
        cascade = ask.sql("FROM cascade('BTC')").pl()
        assert row["hour_utc"] == LAST
        assert [row[f"imbalance_{p}pct"] for p in (1, 2, 5)] == [balance[bp] for bp in (100, 200, 500)]
        for side in ("long", "short"):
            most = map_.filter(pl.col(f"{side}_usd") == map_[f"{side}_usd"].max()).row(0, named=True)
            assert row[f"{side}_max_pain_usd"] == most[f"{side}_usd"]
            assert most["price_low"] < row[f"{side}_max_pain_price"] < most["price_high"]
            nearest = clusters.filter(side=side).head(1)
            assert [row[f"{side}_magnet_price"]] == (nearest["price_peak"].to_list() or [None])
            assert [row[f"{side}_trigger_price"]] == cascade.filter(side=side)["trigger_price"].to_list()
            low, high = row[f"{side}_void_low"], row[f"{side}_void_high"]
            whole = map_.filter((pl.col("price_low") / row["mark_price"] - 1).abs() < 0.1, pl.col(f"{side}_usd") > 0)
            outward = whole.sort("price_low", descending=side == "long")[f"{side}_usd"].to_list()
            half = 0.5 * median(outward)
            if low is None:
                beyond_the_gap = list(dropwhile(half.__ge__, outward))
                assert min(beyond_the_gap) > 0.98 * half
                continue
            inside = map_.filter(pl.col("price_low") >= low * (1 - 1e-9), pl.col("price_high") <= high * (1 + 1e-9))
            assert inside[f"{side}_usd"].max() <= 1.02 * half

    def test_contagion_moves_away_from_the_mark(self, ask: duckdb.DuckDBPyConnection) -> None:
        rows = ask.sql("FROM cascade_contagion('BTC')").pl()
        away = rows.filter(side="long"), rows.filter(side="short")
        assert (away[0]["pushed_to_price"] < away[0]["pushed_from_price"]).all()
        assert (away[1]["pushed_to_price"] > away[1]["pushed_from_price"]).all()
        assert set(rows["reached_exchange"]) == {"binance", "bybit", "okx"}

    @pytest.mark.parametrize(
        ("macro", "tables", "what", "hour"),
        [
            ("cascade", ["cascade_risk"], "cascade", LAST),
            ("cascade_contagion", ["cascade_risk", "cascade_contagion"], "cascade", LAST),
            ("summary_at", ["market_summary"], "summary", LAST),
            ("clusters_near", ["liquidation_clusters"], "cluster", LAST),
            ("cluster_lifecycles", ["cluster_history"], "track of a cluster", FIRST),
        ],
    )
    def test_missing_table_names_the_backfill(
        self, market: Trial, tmp_path: Path, macro: str, tables: list[str], what: str, hour: datetime
    ) -> None:
        copy = market.copied(tmp_path / "copy")
        for name in tables:
            shutil.rmtree(copy.root / "mart" / name)
        catalog.build(copy.root)
        remedy = f"liq backfill --rebuild --from {hour:%Y-%m-%dT%H:%M}Z --coins BTC"
        with (
            catalog.connect(copy.root) as connection,
            pytest.raises(duckdb.Error, match=f"no {what} of BTC at {hour:%Y-%m-%d %H:%M}: .*{remedy}"),
        ):
            connection.sql(f"FROM {macro}('BTC')").fetchall()

    @pytest.mark.parametrize(
        "call",
        [
            "liquidation_map('BTC', exchange := 'ftx')", "at_risk('BTC', 102699, exchange := 'ftx')",
            "map_diff('BTC', exchange := 'ftx')", "map_hour('BTC', '2020-01-01', 'ftx')",
            "level_history('BTC', 100000, 'ftx')", "at_risk_history('BTC', 100000, 'ftx')",
        ],
    )  # fmt: skip
    def test_unknown_exchange_is_refused(self, ask: duckdb.DuckDBPyConnection, call: str) -> None:
        with pytest.raises(duckdb.Error, match="no exchange ftx; there are binance, bybit, okx"):
            ask.sql(f"FROM {call}").fetchall()

    def test_coin_and_exchange_are_case_insensitive(self, ask: duckdb.DuckDBPyConnection) -> None:
        for name, macro in macros.load().items():
            shouted = macro.example.replace("'BTC'", "'btc'").replace("'binance'", "'Binance'")
            assert shouted != macro.example
            answers = [sorted(map(repr, ask.sql(each).fetchall())) for each in (macro.example, shouted)]
            assert answers[0] == answers[1], name
        one, other = (f"FROM levels_at('BTC', exchange := '{name}') ORDER BY ALL" for name in ("okx", "OKX"))
        assert ask.sql(one).fetchall() == ask.sql(other).fetchall() != []

    def test_macros_know_every_exchange(self, ask: duckdb.DuckDBPyConnection) -> None:
        for name in EXCHANGES:
            assert ask.sql(f"SELECT ops.exchange('{name}')").fetchall() == [(name,)]
        with pytest.raises(duckdb.Error, match=f"no exchange ftx; there are {', '.join(EXCHANGES)}"):
            ask.sql("SELECT ops.exchange('ftx')").fetchall()

    @pytest.mark.parametrize(
        "call",
        [
            "liquidation_map('BTC'{})", "at_risk('BTC', 102699{})", "map_diff('BTC'{})", "map_hour('BTC'{})",
            "level_history('BTC', 100000{})", "at_risk_history('BTC', 100000{})", "levels_at('BTC'{})",
            "leverage_profile('BTC'{})", "long_vs_short('BTC', 110000, 100700{})",
        ],
    )  # fmt: skip
    def test_all_is_every_exchange(self, ask: duckdb.DuckDBPyConnection, call: str) -> None:
        named, default = (
            ask.sql(f"FROM {call.format(given)} ORDER BY ALL").fetchall() for given in (", exchange := 'ALL'", "")
        )
        assert named == default != []

    @pytest.mark.parametrize("moment", ["yesterday", "", "2026-13-01", "12:00Z"])
    @pytest.mark.parametrize(
        "call",
        [
            "at_risk('BTC', 102699, as_of := '{}')", "liquidation_map('BTC', as_of := '{}')",
            "map_diff('BTC', since := '{}')", "level_history('BTC', 100000, since := '{}')",
            "data_quality('BTC', until := '{}')",
        ],
    )  # fmt: skip
    def test_invalid_time_is_refused(self, ask: duckdb.DuckDBPyConnection, call: str, moment: str) -> None:
        with pytest.raises(duckdb.Error, match=f"{moment} is not a time; write e.g. '2026-01-12 00:30'"):
            ask.sql(f"FROM {call.format(moment)}").fetchall()

    def test_arguments_are_not_reserved_words(self, ask: duckdb.DuckDBPyConnection) -> None:
        for name, macro in macros.load().items():
            for word in re.findall(r"(\w+) :=", macro.head.splitlines()[0]):
                ask.sql(f"SELECT 1 AS x, 2 AS {word} ORDER BY {word}")  # a reserved word is a syntax error
                assert f'"{word}"' not in macro.statement, name

    @pytest.mark.parametrize(
        "macro", ["at_risk({}, 90000)", "level_history({}, 90000)", "summary_at({})", "imbalance({})"]
    )
    @pytest.mark.parametrize("coin", ["NULL", "1", "true"])
    def test_invalid_coin_is_refused(self, ask: duckdb.DuckDBPyConnection, macro: str, coin: str) -> None:
        with pytest.raises(duckdb.Error, match=f"no coin {coin} in the warehouse; there are BTC"):
            ask.sql(f"FROM {macro.format(coin)}").fetchall()

    @pytest.mark.parametrize("distance", ["-0.01", "NULL", "0.3", "'near'"])
    @pytest.mark.parametrize(
        "call",
        [
            "liquidation_map('BTC', span := {})", "at_risk('BTC', 102699, span := {})",
            "leverage_profile('BTC', span := {})", "exchange_share('BTC', span := {})",
            "clusters_near('BTC', distance := {})",
        ],
    )  # fmt: skip
    def test_distance_beyond_the_map_is_refused(self, ask: duckdb.DuckDBPyConnection, call: str, distance: str) -> None:
        with pytest.raises(duckdb.Error, match=r"is not a fraction of the price from 0 to 0\.25.*; write e\.g\. 0\.05"):
            ask.sql(f"FROM {call.format(distance)}").fetchall()

    @pytest.mark.parametrize("number", ["0", "-2", "NULL", "1.5"])
    @pytest.mark.parametrize(
        ("macro", "name"),
        [("heatmap", "hours"), ("heatmap", "step"), ("heatmap", "buckets"), ("largest_liquidation_hours", "most")],
    )
    def test_number_below_one_is_refused(
        self, ask: duckdb.DuckDBPyConnection, macro: str, name: str, number: str
    ) -> None:
        with pytest.raises(duckdb.Error, match=f"{name} is {number}; write a whole number from 1 on"):
            ask.sql(f"FROM {macro}('BTC', {name} := {number})").fetchall()

    @pytest.mark.parametrize(("above", "below"), [(1e9, 100_700), (110_000, 1)])
    def test_sides_beyond_the_map_are_refused(self, ask: duckdb.DuckDBPyConnection, above: float, below: float) -> None:
        with pytest.raises(duckdb.Error, match="the map of BTC does not reach"):
            ask.sql(f"FROM long_vs_short('BTC', {above}, {below})").fetchall()

    def test_map_diff_with_a_later_since_is_refused(self, ask: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(duckdb.Error, match=r"with an earlier one, and since := 2026-07-25 09:00.* is after it"):
            ask.sql("FROM map_diff('BTC', '2026-07-25 09:00', '2026-07-25 05:00')").fetchall()

    def test_price_may_be_text(self, ask: duckdb.DuckDBPyConnection) -> None:
        for call in ("at_risk('BTC', {})", "level_history('BTC', {})", "at_risk_history('BTC', {})"):
            asked = (ask.sql(f"FROM {call.format(price)}").fetchall() for price in ("102699.5", "'102699.5'"))
            assert next(asked) == next(asked)

    @pytest.mark.parametrize("end", ["min", "max"])
    def test_level_history_has_the_hours_within_the_map(
        self, ask: duckdb.DuckDBPyConnection, levels: pl.DataFrame, end: str
    ) -> None:
        reach = levels.group_by("hour_utc").agg(first=pl.col("price_bucket").min(), last=pl.col("price_bucket").max())
        outer = reach["first"].min() if end == "min" else reach["last"].max()
        for level in range(outer, outer + 25) if end == "min" else range(outer, outer - 25, -1):
            inside = reach.filter(pl.lit(level).is_between("first", "last"))["hour_utc"].sort().to_list()
            found = ask.sql(f"FROM level_history('BTC', {1.001 ** (level + 0.5)})").pl()
            assert found["hour_utc"].to_list() == inside

    def test_time_is_floored_to_its_hour(self, ask: duckdb.DuckDBPyConnection) -> None:
        assert ask.sql("FROM map_hour('BTC', '2026-07-25 03:59')").fetchall() == [(datetime(2026, 7, 25, 3),)]

    @pytest.mark.parametrize("client", ["UTC", "America/New_York", "Asia/Kolkata"])
    @pytest.mark.parametrize(
        "moment",
        [
            "'2026-07-25 03:30'", "'2026-07-25T03:30Z'", "'2026-07-24 23:30-04'", "'2026-07-25 09:00:00.5+05:30'",
            "'2026-07-24 23:30:00 America/New_York'", "TIMESTAMPTZ '2026-07-24 23:30:00-04'",
            "TIMESTAMP '2026-07-25 03:30'",
        ],
    )  # fmt: skip
    def test_time_does_not_depend_on_the_client_zone(
        self, ask: duckdb.DuckDBPyConnection, client: str, moment: str
    ) -> None:
        cursor, hour = ask.cursor(), datetime(2026, 7, 25, 3)
        cursor.execute(f"SET TimeZone = '{client}'")
        assert cursor.sql(f"FROM map_hour('BTC', {moment})").fetchall() == [(hour,)]
        (levels,) = cursor.sql(f"SELECT DISTINCT hour_utc FROM levels_at('BTC', {moment})").fetchall()
        level = f"level_history('BTC', 100000, since := {moment})"
        (first,) = cursor.sql(f"SELECT min(hour_utc) FROM {level}").fetchall()
        (least,) = cursor.sql(f"SELECT min(first_utc) FROM data_quality('BTC', {moment})").fetchall()
        assert {*levels, *first, *least} == {hour}
        plan = cursor.sql(f"EXPLAIN ANALYZE FROM liquidation_map('BTC', {moment})").fetchall()[0][1]
        assert set(re.findall(r"Total Files Read: (\d+)", plan)) == {"1"}

    def test_python_datetime_is_converted_to_its_hour(self, ask: duckdb.DuckDBPyConnection) -> None:
        cursor, moment = ask.cursor(), datetime(2026, 7, 25, 9, 15, tzinfo=ZoneInfo("Asia/Kolkata"))
        cursor.execute("SET TimeZone = 'America/New_York'")
        assert cursor.execute("FROM map_hour('BTC', ?)", [moment]).fetchall() == [(datetime(2026, 7, 25, 3),)]

    def test_unpublished_hours_are_hidden(self, market: Trial, tmp_path: Path) -> None:
        copy = market.copied(tmp_path / "copy")
        pl.DataFrame({"hour_utc": [LAST - 2 * HOUR], "source": ["simulated"]}).cast(
            {"hour_utc": pl.Datetime("ms")}
        ).write_parquet(copy.root / "ops" / "watermark" / "data.parquet")
        with catalog.connect(copy.root) as connection:
            assert connection.sql("FROM map_hour('BTC')").fetchall() == [(LAST - 2 * HOUR,)]
            with pytest.raises(duckdb.Error, match="no map of BTC at 2026-07-25 09:00"):
                connection.sql(f"FROM liquidation_map('BTC', '{LAST}')").fetchall()

    @pytest.mark.parametrize("macro", macros.load().values(), ids=lambda m: m.name)
    def test_number_of_threads_does_not_matter(self, ask: duckdb.DuckDBPyConnection, macro: macros.Macro) -> None:
        cursor = ask.cursor()
        answers = []
        for threads in (1, 4):
            cursor.execute(f"SET threads = {threads}")
            answers.append(cursor.sql(macro.example).pl())
        assert answers[0].equals(answers[1])

    @pytest.mark.parametrize(
        "call", ["liquidation_map('BTC')", "at_risk('BTC', 102699)", "liquidation_map('BTC', '2026-07-24 10:00')"]
    )
    def test_hour_is_read_from_one_file(self, ask: duckdb.DuckDBPyConnection, call: str) -> None:
        assert len(ask.sql("FROM glob(ops.files_of('BTC', 'mart.liquidation_levels'))").fetchall()) > 1
        plan = ask.sql(f"EXPLAIN ANALYZE FROM {call}").fetchall()[0][1]
        assert set(re.findall(r"Total Files Read: (\d+)", plan)) == {"1"}


def test_empty_warehouse_is_reported(tmp_path: Path) -> None:
    catalog.build(tmp_path)
    with (
        catalog.connect(tmp_path) as connection,
        pytest.raises(duckdb.Error, match=r"no coin BTC .* none yet; .* liq run"),
    ):
        connection.sql("FROM liquidation_map('BTC')").fetchall()


class TestCookbook:
    def test_cookbook_has_twenty_questions(self) -> None:
        assert len(QUESTIONS) == 20

    @pytest.mark.parametrize("recipe", QUESTIONS, ids=lambda p: p.stem)
    def test_query_returns_plain_types(self, ask: duckdb.DuckDBPyConnection, recipe: Path) -> None:
        answer = ask.sql(recipe.read_text())
        assert answer.pl().height > 0
        assert set(map(str, answer.types)) <= PLAIN

    @pytest.mark.parametrize("recipe", QUESTIONS, ids=lambda p: p.stem)
    def test_documentation_lists_the_question(self, recipe: Path) -> None:
        asked, note = cookbook.question(recipe)
        assert asked.endswith("?")
        assert re.match("Modelled|A log", note), "what kind of answer it gets"
        assert f"| [{asked}](../../sql/cookbook/{recipe.name}) |" in (ROOT / "warehouse/docs/analyst.md").read_text()

    @pytest.mark.parametrize("recipe", QUESTIONS, ids=lambda p: p.stem)
    def test_query_holds_no_absolute_price(self, recipe: Path) -> None:
        statement = "".join(line for line in recipe.read_text().splitlines() if not line.startswith("--"))
        assert not re.findall(r"(?<![\w.])\d{4,}", statement)

    def test_page_equals_the_answers(self, ask: duckdb.DuckDBPyConnection) -> None:
        assert (FOLDER / "README.md").read_text() == cookbook.page(ask), "write it again: python -m tests.sql.cookbook"


@pytest.mark.parametrize("release", ["duckdb<2", "duckdb==1.1.*"])
def test_duckdb_1_returns_the_same_results(
    pytestconfig: pytest.Config, market: Trial, tmp_path: Path, release: str
) -> None:
    """An older client reads the same catalog: views, every macro's example, the cookbook."""
    views = [
        "SELECT count(*), max(hour_utc) FROM mart.liquidation_levels",
        "SELECT * FROM mart.market_balance ORDER BY ALL",
    ]
    asked = [*views, *(m.example for m in macros.load().values()), *(q.read_text() for q in QUESTIONS)]
    words = str(market.root / "catalog.duckdb"), json.dumps(asked)
    older = environment(pytestconfig.cache, release)
    one, now = (json.loads(run(python, ASK, tmp_path, *words)) for python in (older, sys.executable))
    assert (one["version"].split(".")[0], now["version"].split(".")[0]) == ("1", "2")
    assert one["told"] == now["told"]
    (tmp_path / "liquidation-data").symlink_to(market.root)
    assert "modelled_usd" in run(older, program("duckdb.connect"), tmp_path)


def test_cascade_is_ranked_among_the_ninety_days_before() -> None:
    """Later hours, older hours, the other side and unknown ratios do not count; 24 hours are needed."""
    hours = [FIRST + n * HOUR for n in range(24 * 92)]
    ratio = [n / 1000 for n in range(len(hours))]
    long = pl.DataFrame({"hour_utc": hours, "side": "long", "largest_ratio": ratio})
    short = long.with_columns(side=pl.lit("short"), largest_ratio=pl.lit(None, pl.Float64))
    risk = pl.concat([long, short]).with_columns(coin=pl.lit("BTC"), date=pl.col("hour_utc").dt.date())
    with duckdb.connect() as connection:
        connection.register("risk", risk.to_arrow())
        connection.execute("CREATE SCHEMA mart; CREATE SCHEMA ops; CREATE TABLE mart.cascade_risk AS FROM risk")
        connection.execute("CREATE MACRO ops.known(coin) AS coin")
        connection.execute((macros.FOLDER / "ops" / "cascade_of.sql").read_text())

        def ranks(hour: datetime) -> list[float | None]:
            rows = connection.sql("FROM ops.cascade_of('BTC', ?) ORDER BY side", params=[hour]).pl()
            return rows["largest_ratio_percentile"].to_list()

        assert ranks(hours[23]) == [None, None]
        assert ranks(hours[24]) == [100.0, None]
        connection.execute("UPDATE mart.cascade_risk SET largest_ratio = 0.0105 WHERE hour_utc = ?", [hours[40]])
        assert ranks(hours[40])[0] == pytest.approx(100 * 11 / 40)
        connection.execute("UPDATE mart.cascade_risk SET largest_ratio = 1e-9 WHERE hour_utc = ?", [hours[-1]])
        assert ranks(hours[-1])[0] == 0.0
        assert ranks(hours[-2])[0] == 100.0
