"""`liq score` and `liq estimate` on files of small known markets, valid and broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from transforms.model.estimators import ESTIMATORS
from warehouse.cli.evaluate.score import Name
from warehouse.cli.main import app
from warehouse.evaluation.known_positions import PUBLISHED, REALISED, TRUTH
from warehouse.simulator.market.known_positions import PRESETS, write

HOUR_MS = 3_600_000
FIRST, END = "2025-05-01T00:00Z", "2025-05-04T00:00Z"
END_MS = 1_746_316_800_000
QUICK = ("--estimator", "open_interest")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a market of three exchanges and a copy of it with one exchange; return their folder."""
    folder = tmp_path_factory.mktemp("known")
    write(folder, {1: PRESETS["plain"]}, seed=11, days=3)
    second = pl.lit(2, pl.Int8).alias("market")
    for name in (PUBLISHED, REALISED, TRUTH):
        rewrite(
            folder, name, lambda own: pl.concat([own, own.filter(pl.col("exchange") == "okx").with_columns(second)])
        )
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the markets to break."""
    return Path(shutil.copytree(made, tmp_path / "known"))


def liq(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="liq")


def refused(result: Result, *words: str, code: int = 2) -> None:
    """Require one error line with these words and no traceback."""
    assert result.exit_code == code, result.output
    line = result.stderr.strip()
    assert line.startswith("liq: ")
    assert "\n" not in line
    for word in words:
        assert word in line


def estimated(folder: Path, out: Path, *more: object, first: str = "2025-05-03T12:00Z", every: str = "6h") -> Result:
    return liq("estimate", folder, "--out", out, "--from", first, "--every", every, *more)


def rewrite(folder: Path, name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    change(pl.read_parquet(folder / name)).write_parquet(folder / name)


class TestScore:
    def test_default_format_is_a_table(self, made: Path) -> None:
        result = liq("score", "--known-positions", made, *QUICK, "--estimator", "ladder")
        assert result.exit_code == 0, result.output
        header, *rows = (line for line in result.stdout.splitlines() if "│" in line or "┃" in line)
        assert [word for word in header.split() if word != "┃"] == [
            "market", "window", "of", "sums", "open_interest", "ladder",
        ]  # fmt: skip
        firsts = [row.split("│")[1].strip() for row in rows[:6]]
        assert firsts == ["1", "1", "2", "2", "all", "all"]
        assert "market 2: 72 hours to do" in result.stderr

    def test_json_and_csv_formats_return_rows(self, made: Path, tmp_path: Path) -> None:
        result = liq("score", "--known-positions", made, *QUICK, "--format", "json")
        rows = json.loads(result.stdout)
        assert {row["of"] for row in rows} >= {"all sums", "within 1 %", "within 10 %", "long", "okx"}
        assert all(row["open_interest"] >= 1.0 for row in rows)
        out = tmp_path / "score.csv"
        liq("score", "--known-positions", made, *QUICK, "--format", "csv", "--out", out)
        assert pl.read_csv(out).height == len(rows)

    def test_all_estimators_are_the_default(self, folder: Path) -> None:
        for name in (PUBLISHED, REALISED, TRUTH):
            rewrite(folder, name, lambda rows: rows.filter(pl.col("market") == 2))
        assert [name.value for name in Name] == list(ESTIMATORS)
        rows = json.loads(liq("score", "--known-positions", folder, "--format", "json").stdout)
        assert set(rows[0]) == {"market", "window", "of", "sums", *ESTIMATORS}

    def test_without_refuses_an_unknown_exchange(self, made: Path) -> None:
        assert liq("score", "--known-positions", made, *QUICK, "--without", "okx").exit_code == 0
        refused(liq("score", "--known-positions", made, "--without", "gate"), "'gate'", "binance, bybit, okx")

    def test_unusable_truth_is_refused(self, folder: Path) -> None:
        rewrite(folder, TRUTH, lambda rows: rows.with_columns(pl.col("market") + 5))
        refused(liq("score", "--known-positions", folder, *QUICK), TRUTH, PUBLISHED)
        rewrite(folder, TRUTH, lambda rows: rows.with_columns(pl.col("at_ms") + 7))
        refused(liq("score", "--known-positions", folder, *QUICK), TRUTH, "full hour")
        (folder / TRUTH).unlink()
        refused(liq("score", "--known-positions", folder, *QUICK), f"{TRUTH} is missing")


class TestEstimate:
    def test_estimate_writes_buckets_without_truth(self, folder: Path, tmp_path: Path) -> None:
        (folder / TRUTH).unlink()
        out = tmp_path / "new" / "map.parquet"
        result = estimated(folder, out)
        assert result.exit_code == 0, result.output
        rows = pl.read_parquet(out)
        assert rows.columns == ["market", "exchange", "at_ms", "window", "side", "low", "high", "usd"]
        assert rows.schema["market"] == pl.read_parquet_schema(folder / PUBLISHED)["market"]
        assert sorted(rows["at_ms"].unique()) == [END_MS - n * HOUR_MS for n in (12, 6, 0)]
        assert rows["market"].unique().sort().to_list() == [1, 2]
        assert set(rows["window"]) == {"all", "1d"}
        assert set(rows["side"]) == {"long", "short"}
        assert rows["usd"].min() >= 1.0  # type: ignore[operator]
        assert f"wrote {out}: {rows.height} rows (modelled)" in result.stdout
        assert [path.name for path in out.parent.iterdir()] == [out.name]

    def test_estimate_is_deterministic_and_writes_csv(self, made: Path, tmp_path: Path) -> None:
        one, two, text = (tmp_path / name for name in ("1.parquet", "2.parquet", "3.csv"))
        for out in (one, two, text):
            assert estimated(made, out, "--estimator", "distance", every="12h").exit_code == 0
        assert one.read_bytes() == two.read_bytes()
        assert pl.read_csv(text).height == pl.read_parquet(one).height

    def test_cumulative_sums_have_bands(self, made: Path, tmp_path: Path) -> None:
        out = tmp_path / "sums.parquet"
        assert estimated(made, out, "--cumulative", "--estimator", "ladder", every="1h").exit_code == 0
        rows = pl.read_parquet(out)
        assert rows.columns == [
            "market", "exchange", "at_ms", "window", "side", "distance", "usd", "p10", "p50", "p90",
        ]  # fmt: skip
        assert rows.height == (3 + 1) * 13 * 2 * 2 * 5
        assert sorted(rows["distance"].unique()) == [0.01, 0.02, 0.03, 0.05, 0.10]

    def test_row_order_does_not_matter(self, folder: Path, tmp_path: Path) -> None:
        sorted_, shuffled = tmp_path / "1.parquet", tmp_path / "2.parquet"
        estimated(folder, sorted_, "--estimator", "ladder")
        for name in (PUBLISHED, REALISED):
            rewrite(folder, name, lambda rows: rows.sample(fraction=1.0, shuffle=True, seed=1))
        estimated(folder, shuffled, "--estimator", "ladder")
        keys = ["market", "exchange", "at_ms", "window", "side", "low"]
        assert pl.read_parquet(sorted_).sort(keys).equals(pl.read_parquet(shuffled).sort(keys))

    def test_estimate_runs_without_liquidations(self, folder: Path, tmp_path: Path) -> None:
        rewrite(folder, REALISED, lambda rows: rows.clear().with_columns(pl.all().cast(pl.Null)))
        assert estimated(folder, tmp_path / "map.parquet", "--estimator", "ladder").exit_code == 0

    @pytest.mark.parametrize("first", [FIRST, END])
    def test_from_accepts_first_and_last_hour(self, made: Path, tmp_path: Path, first: str) -> None:
        out = tmp_path / "map.parquet"
        assert estimated(made, out, *QUICK, first=first, every="24h").exit_code == 0
        assert pl.read_parquet(out)["at_ms"].max() == END_MS

    @pytest.mark.parametrize("first", ["2025-04-30T23:00Z", "2025-05-04T01:00Z"])
    def test_from_outside_the_data_is_refused(self, made: Path, tmp_path: Path, first: str) -> None:
        refused(estimated(made, tmp_path / "m.csv", first=first), first, PUBLISHED, FIRST, END)

    @pytest.mark.parametrize("first", ["yesterday", "2025-05-03T12:30Z"])
    def test_from_without_full_hour_is_refused(self, made: Path, tmp_path: Path, first: str) -> None:
        refused(estimated(made, tmp_path / "m.csv", first=first), first)

    @pytest.mark.parametrize("every", ["30m", "0h", "6", "h", "-6h", "90m", "1.5h"])
    def test_invalid_every_is_refused(self, made: Path, tmp_path: Path, every: str) -> None:
        refused(estimated(made, tmp_path / "m.csv", every=every), f"--every {every}", "--every 6h")

    @pytest.mark.parametrize("every", ["360m", "6H"])
    def test_every_accepts_minutes_and_upper_case(self, made: Path, tmp_path: Path, every: str) -> None:
        assert estimated(made, tmp_path / "m.csv", *QUICK, every=every).exit_code == 0

    def test_unknown_output_format_is_refused(self, made: Path, tmp_path: Path) -> None:
        refused(estimated(made, tmp_path / "map.xlsx"), "map.xlsx", ".parquet")
        refused(estimated(made, tmp_path), str(tmp_path), ".parquet")


def market_as_text(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("open").cast(pl.String) + "x")


BROKEN: dict[str, tuple[str, Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "a column is missing": (PUBLISHED, lambda rows: rows.drop("taker_buy_base"), "no column taker_buy_base"),
    "a column is no number": (PUBLISHED, market_as_text, "wrong type"),
    "no rows": (PUBLISHED, lambda rows: rows.clear(), "no rows"),
    "a bar twice": (PUBLISHED, lambda rows: pl.concat([rows, rows.head(1)]), "duplicate bars"),
    "odd bars": (PUBLISHED, lambda rows: rows.filter(pl.col("open_ms") % 1_500_000 == 0), "divide an hour"),
    "no five minutes": (PUBLISHED, lambda rows: rows.with_columns(pl.col("open_ms") + 1), "five minutes"),
    "a price of nothing": (PUBLISHED, lambda rows: rows.with_columns(low=pl.lit(0.0)), "positive"),
    "low over high": (PUBLISHED, lambda rows: rows.rename({"low": "high", "high": "low"}), "between low and high"),
    "negative volume": (PUBLISHED, lambda rows: rows.with_columns(-pl.col("taker_buy_base")), "negative"),
    "a third side": (REALISED, lambda rows: rows.with_columns(side=pl.lit("both")), "neither long nor short"),
    "a price that is none": (REALISED, lambda rows: rows.with_columns(price=pl.lit(float("nan"))), "positive number"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_rows_are_refused(folder: Path, tmp_path: Path, what: str) -> None:
    name, change, said = BROKEN[what]
    rewrite(folder, name, change)
    refused(estimated(folder, tmp_path / "m.csv"), name, said)
    assert not (tmp_path / "m.csv").exists()


class TestFiles:
    @pytest.mark.parametrize("name", [PUBLISHED, REALISED])
    def test_missing_file_is_named(self, folder: Path, tmp_path: Path, name: str) -> None:
        (folder / name).rename(folder / f"my_{name}")
        refused(estimated(folder, tmp_path / "m.csv"), f"{name} is missing", f"my_{name}")

    @pytest.mark.parametrize("name", [PUBLISHED, REALISED])
    @pytest.mark.parametrize("kept", [0, 3, 5000])
    def test_truncated_file_is_refused(self, folder: Path, tmp_path: Path, name: str, kept: int) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:kept])
        refused(estimated(folder, tmp_path / "m.csv"), name, "not a complete Parquet file")

    def test_missing_folder_is_refused(self, tmp_path: Path) -> None:
        refused(estimated(tmp_path / "none", tmp_path / "m.csv"), "none is not a folder")
        refused(liq("score", "--known-positions", tmp_path / "none"), "none is not a folder")
        refused(liq("score", "--known-positions", tmp_path), f"{PUBLISHED} is missing", "no files")
