"""The command `liq`. Commands live in `cli_*.py`; what is slow to import is imported in them, so that help is quick."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from warehouse.cli.evaluate import calibrate as cli_calibrate
from warehouse.cli.evaluate import hit_rate as cli_reach
from warehouse.cli.evaluate import score as cli_score
from warehouse.cli.evaluate import sensitivity as cli_sensitivity
from warehouse.cli.load import backfill as cli_backfill
from warehouse.cli.load import import_file as cli_import
from warehouse.cli.load import listen as cli_listen
from warehouse.cli.load import run as cli_pipeline
from warehouse.cli.operate import admin as cli_serve
from warehouse.cli.query import ask as cli_ask
from warehouse.cli.query import charts as cli_pictures
from warehouse.cli.query import describe as cli_describe
from warehouse.cli.query import export as cli_export
from warehouse.errors import Busy, UserError

FAILED, WRONG, PARTIAL = 1, 2, 3
EXTRAS = {
    "airflow": ("airflow", "apache-airflow-core"),
    "pipeline": (
        "cachetools", "great_expectations", "httpx", "loky", "numba", "pyrate_limiter", "tenacity", "websockets",
    ),
    "simulator": ("starlette", "uvicorn"),
}  # fmt: skip
"""Modules by the extra that installs them."""


class Commands(TyperGroup):
    """Whatever a person can act on ends as one line on standard error, and an exit code that means something."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Runs a command line; with `standalone_mode`, as typer has it by default, exits."""
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
        """Run a command. A module that an extra would install is named by its extra."""
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
    help="""Modelled liquidation clusters of crypto derivatives, hour by hour: fill the warehouse, ask it, draw it.

    Settings come from LIQ_* variables or .env; [bold]liq doctor[/bold] shows them, and what is wrong.""",
    epilog="Exit codes: 0 all is well; 1 something failed, was quarantined, did not pass its check, or another run "
    "holds the warehouse; 2 wrong usage or bad input; 3 an exchange was down, and the rest is published.",
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
    """Options of the command as a whole; without one, the help above stands."""


_PANELS = (
    ("Fill", cli_pipeline),
    ("Fill", cli_backfill),
    ("Fill", cli_listen),
    ("Fill", cli_import),
    ("Fill", cli_calibrate),
    ("Ask", cli_ask),
    ("Ask", cli_pictures),
    ("Ask", cli_describe),
    ("Ask", cli_sensitivity),
    ("Ask", cli_export),
    ("Measure", cli_score),
    ("Measure", cli_reach),
    ("Look after", cli_serve),
)
for panel, module in _PANELS:
    for command in module.COMMANDS:
        app.command(name=command.__name__.strip("_"), rich_help_panel=panel)(command)
