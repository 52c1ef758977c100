# Two commands do everything on a fresh machine: make demo, make test.

.DEFAULT_GOAL := help
DEMO := conf/demo.yaml
SMOKE := conf/smoke.yaml
BIN := .venv/bin
# Tests that share expensive fixtures stay together. Two workers keep two cores busy; a third would cost a
# twelfth of the CPU time for its imports and its Spark session. Cluster tests wait for hosts: there it pays.
TOGETHER := --dist loadscope --no-loadscope-reorder
AT_ONCE := -n 2 $(TOGETHER)

.PHONY: help setup demo smoke test test-fast test-quality test-cluster bench check format lock clean docs docs-reference coverage wheel

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## make .venv ready (does nothing when it is)
	@submit/setup.sh

# Too short to repay the second compiler, which also brings the room for compiled code that Spark needs.
demo smoke: export SPARK_SUBMIT_OPTS := -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m
demo: setup ## generate a world, train and evaluate five networks on it, and recommend
	@submit/local.sh make_demo_data --conf $(DEMO)
	@submit/local.sh pipeline --conf $(DEMO)
	@submit/local.sh recommend --conf $(DEMO)
	@submit/local.sh report --conf $(DEMO)
	@echo
	@echo "Look next at:"
	@echo "  submit/sql.sh \"SELECT model, roc_auc, pr_auc FROM metrics ORDER BY roc_auc\""
	@echo "  build/demo/tables      Delta tables, for submit/sql.sh and any Spark"
	@echo "  build/demo/report      figures with their numbers, the table of metrics as CSV"
	@echo "  build/demo/logs        what each job printed, with times"
	@echo "  $(BIN)/tensorboard --logdir build/demo/checkpoints"
	@echo "The report: build/demo/report/index.html"

smoke: setup ## a minute: one network on a thousand ratings, from raw files to the report
	@rm -rf build/smoke
	@submit/local.sh make_demo_data --conf $(SMOKE)
	@submit/local.sh pipeline --conf $(SMOKE)

test: check ## format, lint, types, then every test but the clusters'
	$(BIN)/python -m pytest $(AT_ONCE)

test-fast: setup ## the tests that start no Spark
	$(BIN)/python -m pytest $(AT_ONCE) -m "not spark and not e2e and not cluster"

test-quality: setup ## MMDIN against LightGBM and matrix factorisation: ROOTS=build/table1[:...]
	MMDIN_QUALITY_ROOTS="$(ROOTS)" $(BIN)/python -m pytest -s -m quality tests/quality

test-cluster: setup ## killed and hanging ranks, the packed environment, clusters on this machine; minutes
	$(BIN)/python -m pytest -x -m cluster -n 3 $(TOGETHER)

bench: setup ## measure sessions, steps, ranks, stages and sizes; figures go to benchmarks/results/
	$(BIN)/python -m benchmarks.run $(BENCH)

check: setup ## format, lint, imports, shell scripts, prose, pins, types and documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/shellcheck submit/*.sh .ci/run
	$(BIN)/python docs/check_prose.py
	$(BIN)/python docs/check_pins.py
	$(BIN)/mypy
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs: setup ## build the documentation into build/site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-reference: setup ## write docs/reference/ again from the code
	$(BIN)/python docs/generate_reference.py

coverage: setup ## the lines that tests run, as HTML in build/coverage/
	$(BIN)/python -m pytest $(AT_ONCE) --cov --cov-report=html:build/coverage

wheel: setup ## build the wheel into build/dist/, with those of Horovod and Petastorm, which pip cannot build
	rm -rf build/lib build/bdist.* build/dist
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir build/dist .
	cp .venv/wheels/*.whl "$$($(BIN)/python -c 'import json; from importlib.metadata import distribution; from urllib.parse import unquote, urlsplit; print(unquote(urlsplit(json.loads(distribution("horovod").read_text("direct_url.json"))["url"]).path))')" build/dist/
	@ls build/dist/*.whl

format: setup ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## write requirements.lock again from what setup.py asks for
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make the lock with Python 3.11: its versions are there for 3.12 too")'
	rm -rf build/lock && $(BIN)/python -m venv build/lock
	$(BIN)/python -c 'from importlib.metadata import requires; print(*(r.split(";")[0] for r in requires("mmdin") if "gpu" not in r and not r.startswith("horovod")), sep="\n")' > build/lock/wanted
	build/lock/bin/pip install --quiet --upgrade --find-links .venv/wheels --requirement build/lock/wanted cloudpickle setuptools wheel # Horovod's
	(sed -n '/^#/p' requirements.lock; build/lock/bin/pip list --format=freeze | grep -v '^pip==') > build/lock/new
	mv build/lock/new requirements.lock

clean: ## remove what runs wrote
	rm -rf build
