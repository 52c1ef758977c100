"""Posters: decoding alone against ingestion, in images per CPU-second.

Ingestion reads the files, decodes and measures them, and writes the tables. Decoding alone happens
in this process, on files in memory. The two take turns after a warm-up; of each, the fastest round
counts. The JVM and the Python workers are this process's children.
"""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.sessions import open_session
from benchmarks.usage import cpu_of_children_during, take_turns
from mmdin.config import Config, Input
from mmdin.posters.features import compute_features
from mmdin.posters.images import decode
from mmdin.posters.ingestion import write_posters
from mmdin.tables import Tables
from mmdin.world.posters import HEIGHT, WIDTH, draw_poster

WIDTHS = (92, WIDTH, WIDTH, 342)
"""Of the files, in turn: widths that TMDB serves."""
DRAWN, ROUNDS = 100, 3


def run(folder: Path, small: bool) -> dict[str, object]:
    """Images per CPU-second of decoding, of measuring, and of ingestion, and by decoding's."""
    images = 400 if small else 10_000
    drawn = [_draw(n) for n in range(DRAWN)]
    _write(folder / "posters", drawn, images)
    decoded = [decode(content) for content in drawn]
    config = Config(
        name="posters", root=str(folder / "root"), input=Input(posters=str(folder / "posters"))
    )
    spark = open_session()
    try:
        tables = Tables(spark, config.root)
        fastest = take_turns(
            {
                "decoding": lambda: _speed(lambda: [decode(content) for content in drawn]),
                "measuring": lambda: _speed(lambda: [compute_features(p) for p in decoded]),
                "ingestion": lambda: (
                    images / cpu_of_children_during(lambda: write_posters(tables, config))
                ),
            },
            ROUNDS,
        )
    finally:
        spark.stop()
    return {
        "images": images,
        "images_per_cpu_second": {name: round(speed) for name, speed in fastest.items()},
        "by decoding": {name: round(s / fastest["decoding"], 3) for name, s in fastest.items()},
        "decoding and measuring by decoding": round(
            1 / (1 + fastest["decoding"] / fastest["measuring"]), 3
        ),
    }


def _draw(number: int) -> bytes:
    generator = np.random.default_rng(number)
    content = draw_poster(
        generator.uniform(0.2, 0.8),
        generator.uniform(0.3, 0.7),
        generator.uniform(0.04, 0.18),
        (number,),
    )
    width = WIDTHS[number % len(WIDTHS)]
    resized = Image.open(io.BytesIO(content)).resize((width, width * HEIGHT // WIDTH))
    encoded = io.BytesIO()
    resized.save(encoded, "JPEG", quality=85)
    return encoded.getvalue()


def _write(folder: Path, drawn: list[bytes], images: int) -> None:
    folder.mkdir()
    for number in range(images):
        (folder / f"{number + 1}.jpg").write_bytes(drawn[number % len(drawn)])


def _speed(handle_all: Callable[[], object]) -> float:
    """Images per CPU-second."""
    began = time.process_time()
    handle_all()
    return DRAWN / (time.process_time() - began)
