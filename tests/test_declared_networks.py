"""The list of networks, apart from TensorFlow."""

import subprocess
import sys

import pytest

from mmdin.networks import NETWORKS, check_model_name


def test_reading_a_configuration_loads_no_tensorflow() -> None:
    check = (
        "import sys; from mmdin.config import load_config; "
        "print(load_config('conf/demo.yaml', ['training.models=din']).training.models, "
        "sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert result.stdout == "('din',) []\n", result.stderr


def test_an_undeclared_name_is_refused_with_every_declared_one() -> None:
    with pytest.raises(ValueError, match=r"'neural_cf', .*'din' or 'mmdin'"):
        check_model_name("dinn")
    assert check_model_name("din") == "din"


def test_names_are_those_of_their_declarations() -> None:
    assert [n.name for n in NETWORKS.values()] == list(NETWORKS)
