import subprocess
import sys


def test_tensorflow_is_loaded_alone_and_the_rest_can_be_loaded_later() -> None:
    code = (
        "import sys\n"
        "from mmdin.tensorflow_loading import load_tensorflow\n"
        "load_tensorflow()\n"
        "assert {'tensorflow', 'keras'} <= set(sys.modules)\n"
        "assert not {'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "import matplotlib.pyplot, sklearn.metrics\n"
        "load_tensorflow()\n"
        "assert {'matplotlib', 'sklearn'} <= set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
