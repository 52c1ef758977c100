"""The options by which a job, or its launcher, is given a configuration."""

import argparse

from mmdin.config import Config, load_config


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let the parser take --conf FILE, --set KEY=VALUE ... and --resume RUN_ID."""
    parser.add_argument("--conf", required=True, metavar="FILE", help="configuration, conf/X.yaml")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="overrides, such as training.ranks=4",
    )
    parser.add_argument("--resume", metavar="RUN_ID", help="training run that must be gone on with")


def overrides(options: argparse.Namespace) -> list[str]:
    """KEY=VALUE of all that the options say beside the configuration's file."""
    resume = [f"training.resume={options.resume}"] if options.resume else []
    return [*options.set, *resume]


def load_given(options: argparse.Namespace) -> Config:
    """The configuration. Raises ConfigurationError naming what is wrong."""
    return load_config(options.conf, overrides(options))
