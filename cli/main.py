"""The command fm-keras: which commands there are, and what an error looks like."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

import click

from fm_keras import __version__
from fm_keras.errors import FmKerasError, Interrupted

COMMANDS = {
    "run": "Train a network, cut it at every layer, measure every filter.",
    "train": "Train a network and keep it in a run.",
    "analyze": "Measure every filter of MODEL: a .keras file, or the network of a run.",
    "quality": "Say what each filter of MODEL is worth: a .keras file, or the network of a run.",
    "heads": "Say which labels each attention head of MODEL holds: a .keras file or a run.",
    "prune": "Make MODEL smaller and faster: a .keras file, or the network of a run.",
    "complexity": "Say how hard the classes are to tell apart after each layer of MODEL.",
    "sweep": "Say how much a wider network would gain: train many, fit laws.",
    "labels": "Say how error, clusters and SNR of a network go with the number of labels.",
    "show": "Show what was measured: layers, filters, one filter's matrix.",
    "report": "Write one web page: layers, filters, every matrix.",
    "plot": "Draw one figure of RUN as a picture.",
    "compare": "Compare runs, seeds or checkpoints of the same architecture with the first of them.",
    "stability": "Say how sure what was measured is: other thresholds, other images.",
    "export": "Export MODEL for TensorFlow Serving: a run, or a .keras file with its analysis.",
    "serve": "Host the models of a folder over REST and gRPC, as TensorFlow Serving does.",
    "query": "Ask a served model what its filters are worth.",
    "layers": "List where MODEL can be cut: a .keras file, or a run.",
    "widths": "Say how far MODEL is from the conservation law, and which widths keep it.",
    "datasets": "List where images can come from.",
    "models": "List the networks that can be trained.",
    "doctor": "Check this machine: versions, device, folders.",
}
_MODULES = {"report": "report_page"}
STOPPED = 130


class Door(click.Group):
    """Imports a command only when it is used, so that --help does not wait for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, the main job first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, from the module of that name unless _MODULES has another."""
        if cmd_name not in COMMANDS:
            return None
        return getattr(import_module(f"fm_keras_cli.{_MODULES.get(cmd_name, cmd_name)}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="fm-keras")
def cli() -> None:
    """Read what every single filter of a network says about the labels.

    Start with:  fm-keras run
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what follows `fm-keras`; that of the process if None.

    Returns:
        Exit code: 0; 1 for an error of ours, told in one line; 2 for wrong usage; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal may know ASCII alone
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        return cli.main(arguments, prog_name="fm-keras", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Interrupted as stopped:
        click.echo(f"\n{stopped}", err=True)
        return STOPPED
    except click.Abort:
        click.echo("Stopped. What is finished is kept; the same command goes on from there.", err=True)
        return STOPPED
    except FmKerasError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"Error: {str(error.filename)[-80:]}: {error.strerror}.", err=True)
        return 1
