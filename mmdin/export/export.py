"""Writing an export: the SavedModel, its card, and what Triton needs."""

import json
import logging
from pathlib import Path

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.errors import TableError
from mmdin.export.encodings import read_encodings
from mmdin.export.facts import gather_facts
from mmdin.export.model_card import render_card
from mmdin.finished_runs import FinishedRun, find_run
from mmdin.networks import CHECKPOINT_FILES
from mmdin.storage import Files, files_at, join, local_folder, temporary_folder
from mmdin.variants import Plan

log = logging.getLogger(__name__)

VERSION = "1"
"""The folder of the SavedModel: TensorFlow Serving and Triton take it for a version's number."""

CARD = "model_card.json"

_LAST = f"{VERSION}/saved_model.pb"
"""Without this file there is no SavedModel."""

_TRITON = 'platform: "tensorflow_savedmodel"\ndefault_model_filename: "."\n'


def export_run(spark: SparkSession, plan: Plan) -> str:
    """Write the run of export.run to <root>/exports/<run_id>/, and return that path or URL.

    An export of the run that is there is replaced when the new one is complete.

    Raises:
        TableError: there is no such run, its network is gone, or there are other files in the
            export's place.
    """
    run = find_run(spark, plan, plan.config.export.run)
    log.info("export: %s", run.title)
    url = join(plan.config.root, "exports", run.run_id)
    files = files_at(spark, url)
    if files.list(url, recursive=True) and not files.exists(join(url, CARD)):
        raise TableError(f"{url} holds files that are no export, which would be lost: move them")
    with temporary_folder() as checkpoint, temporary_folder() as new:
        _fetch_network(run, files, Path(checkpoint))
        _write(run, plan.config, Path(checkpoint), Path(new))
        files.replace_folder(Path(new), url, last=_LAST)
    log.info("export: SavedModel %s, card %s", join(url, VERSION), join(url, "model_card.md"))
    return url


def _fetch_network(run: FinishedRun, files: Files, folder: Path) -> None:
    missing = [n for n in CHECKPOINT_FILES if not files.exists(join(run.checkpoint, n))]
    if missing:
        raise TableError(
            f"there is no trained network in {run.checkpoint}: it lacks {', '.join(missing)}; "
            "train again"
        )
    for name in CHECKPOINT_FILES:
        files.get(join(run.checkpoint, name), folder / name)


def _write(run: FinishedRun, config: Config, checkpoint: Path, folder: Path) -> None:
    encodings = read_encodings(run)
    # TensorFlow takes seconds to load, and what is wrong with the tables is said before.
    from mmdin.export.saved_model import save_model
    from mmdin.models.checkpoint import load_network

    network = load_network(local_folder(checkpoint))
    signatures = save_model(network, encodings, folder / VERSION)
    facts = gather_facts(run, config, signatures, encodings.missing_id)
    (folder / CARD).write_text(json.dumps(facts, indent=2, default=str) + "\n", encoding="utf-8")
    (folder / "model_card.md").write_text(render_card(facts), encoding="utf-8")
    (folder / "config.pbtxt").write_text(_TRITON, encoding="utf-8")
