"""The configuration: one typed, frozen model, read from YAML files and --set overrides.

Every job is given the whole configuration and reads its own section. `sections` declares the keys,
`loading` reads them.
"""

from mmdin.config.loading import change, load_config, read_section
from mmdin.config.sections import (
    MODEL_NAMES,
    Config,
    Download,
    Experiment,
    Export,
    Input,
    ModelName,
    Networks,
    Part,
    PositiveInt,
    Posters,
    Predict,
    Protocol,
    RatingScale,
    Recommend,
    Samples,
    Scoring,
    Section,
    Tables,
    Training,
    World,
    seconds_of,
)

__all__ = [
    "MODEL_NAMES",
    "Config",
    "Download",
    "Experiment",
    "Export",
    "Input",
    "ModelName",
    "Networks",
    "Part",
    "PositiveInt",
    "Posters",
    "Predict",
    "Protocol",
    "RatingScale",
    "Recommend",
    "Samples",
    "Scoring",
    "Section",
    "Tables",
    "Training",
    "World",
    "change",
    "load_config",
    "read_section",
    "seconds_of",
]
