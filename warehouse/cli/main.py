"""The command `liq`. Slow imports happen inside the commands, so that `liq --help` is fast."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from warehouse.cli.evaluate.calibrate import calibrate
from warehouse.cli.evaluate.hit_rate import hit_rate
from warehouse.cli.evaluate.score import estimate, score
from warehouse.cli.evaluate.sensitivity import sensitivity
from warehouse.cli.load.backfill import backfill, rebuild
from warehouse.cli.load.import_file import import_
from warehouse.cli.load.listen import listen
from warehouse.cli.load.run import check, quickstart, run, up
from warehouse.cli.operate.admin import doctor, simulate
from warehouse.cli.query.ask import headline, map_, sql, tables
from warehouse.cli.query.charts import heatmap, level, report
from warehouse.cli.query.describe import describe
from warehouse.cli.query.export import export
from warehouse.errors import Busy, UserError

FAILED, WRONG, PARTIAL = 1, 2, 3
EXTRAS = {
    "airflow": ("airflow", "apache-airflow-core"),
    "pipeline": (
        "cachetools", "great_expectations", "httpx", "loky", "numba", "pyrate_limiter", "tenacity", "websockets",
    ),
    "simulator": ("starlette", "uvicorn"),
}  # fmt: skip
"""The modules that each extra installs."""


class Commands(TyperGroup):
    """The command group: prints an error that the user can act on as one line on stderr, and sets the exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line and exit; with `standalone_mode=False` return its result instead."""
        if not options.pop("standalone_mode", True):
            return super().main(*args, **options | {"standalone_mode": False})
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except Busy as error:
            _end(str(error), FAILED)
        except UserError as error:
            _end(str(error), WRONG)
        except typer.TyperException as error:
            context = getattr(error, "ctx", None)
            _end(
                f"{error.format_message().rstrip('.')}; see: {context.command_path if context else 'liq'} --help", WRONG
            )
        except OSError as error:  # a full disk, a file that may not be read
            _end(f"{error.filename or ''} {error.strerror or error}".strip().split("\n", 1)[0], FAILED)
        except typer.Abort:
            _end("stopped", FAILED)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run a command. Raises UserError naming the extra that installs a missing module."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            extra = next((extra for extra, modules in EXTRAS.items() if missing in modules), None)
            if extra is None:
                raise
            raise UserError(
                f'liq {ctx.invoked_subcommand} needs the extra [{extra}]: pip install "liquidation-warehouse[{extra}]"'
            ) from error


def _end(message: str, code: int) -> None:
    print(f"liq: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


app = typer.Typer(
    cls=Commands,
    name="liq",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Load, query and chart hourly modelled liquidation clusters of crypto derivatives.

    Settings come from LIQ_* variables or .env; [bold]liq doctor[/bold] shows them and any problems.""",
    epilog="Exit codes: 0 success; 1 something failed, was quarantined or failed a check, or another run holds the "
    "warehouse; 2 wrong usage or bad input; 3 an exchange was down and the rest is published.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("liquidation-warehouse"))
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version", is_eager=True, callback=_print_version),
) -> None:
    """Declare the options of `liq` itself."""


_PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Load": (run, backfill, rebuild, listen, import_),
    "Query": (headline, map_, heatmap, level, report, sql, tables, describe, export),
    "Evaluate": (calibrate, score, estimate, hit_rate, sensitivity),
    "Operate": (quickstart, up, doctor, check, simulate),
}
"""The commands in the order of `liq --help`, by panel."""

for panel, commands in _PANELS.items():
    for command in commands:
        app.command(name=command.__name__.strip("_").replace("_", "-"), rich_help_panel=panel)(command)
