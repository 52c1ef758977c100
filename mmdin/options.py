"""The command-line options with which a job or its launcher is given a configuration."""

import argparse
import os.path

from mmdin.config import Config, load_config
from mmdin.installation import find_configuration

expand_home = os.path.expanduser
"""For paths in options: a shell leaves ~ as it is in --conf=~/my.yaml."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --conf FILE, --set KEY=VALUE ... and --resume RUN_ID to the parser."""
    parser.add_argument(
        "--conf",
        required=True,
        type=lambda path: find_configuration(expand_home(path)),
        metavar="FILE",
        help="configuration, such as conf/demo.yaml",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="values to override, such as training.ranks=4",
    )
    parser.add_argument("--resume", metavar="RUN_ID", help="training run to resume")


def overrides(options: argparse.Namespace) -> list[str]:
    """KEY=VALUE of every option that changes the configuration file's values."""
    resume = [f"training.resume={options.resume}"] if options.resume else []
    return [*options.set, *resume]


def load_given(options: argparse.Namespace) -> Config:
    """Read the configuration that the options name.

    Raises:
        ConfigurationError: if the file or an override is not valid.
    """
    return load_config(options.conf, overrides(options))
