"""What the commands have in common: grouped help, --json and --quiet, and where runs lie."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from pathlib import Path

import click

from fm_keras.runs import ROOT
from fm_keras_cli.terminal import Terminal

_THIS_TIME_ONLY = ("--json", "--quiet", "--plan", "--resume")
_WORDS = "fm_keras_cli.words"


class Command(click.Command):
    """Command whose help lists options by what they are about."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words as they were typed, for `same_command`."""
        ctx.meta[_WORDS] = [word for word in args if word not in _THIS_TIME_ONLY]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each group under its heading."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record:
                groups.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def same_command(name: str) -> str:
    """What was typed, as the command `name`, without the flags that concern this one time only."""
    return shlex.join(["fm-keras", name, *click.get_current_context().meta[_WORDS]])


def reporting(function: Callable[..., None]) -> Callable[..., None]:
    """Decorator: --json and --quiet, which reach the command as its `terminal`."""

    @click.option("--json", "as_json", is_flag=True, help="the result as one JSON document on stdout")
    @click.option("--quiet", is_flag=True, help="only the result: no progress, no hints")
    @functools.wraps(function)
    def call(*, as_json: bool, quiet: bool, **options) -> None:
        function(terminal=Terminal(as_json=as_json, quiet=quiet), **options)

    return call


runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT,
    show_default=True,
    help="folder of runs",
)
name_option = click.option("--name", help="name of the run (default: data set and model, as digits-vgg16)")
plan_option = click.option("--plan", is_flag=True, help="say what would be done and how long it takes; do nothing")
resume_option = click.option(
    "--resume",
    is_flag=True,
    help="fail unless there is a run to go on with (the same command goes on without this, too)",
)
fields_option = click.option(
    "--fields",
    type=click.Choice(["probe", "network"]),
    help="fields of probes, or of the network itself, where a run holds both (default: of probes)",
)
import_option = click.option(
    "--import", "modules", multiple=True, metavar="MODULE", help="import this module, which registers custom layers"
)
output_option = click.option("--output", metavar="NAME", help="of a model with several outputs, the one to look at")
preprocess_option = click.option(
    "--preprocess",
    metavar="NAME",
    help="prepare images as a network of keras.applications (efficientnet, resnet50, ...), or by module:function",
)
