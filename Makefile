# make install | page | demo | study | docs | test | coverage | lint | dist | parity | bench | bench-full | bench-serve
# PYTHON=python3.12 chooses the interpreter
PYTHON ?= python3
# What the benchmarks read, and where they write their results
DATA ?= ../shared/data
BENCH_OUT ?= build/benchmarks
# The plan of a study, the folder of its runs, and one for their results alone, with which another machine resumes
PLAN ?= docs/study/plan.toml
STUDY ?= studies/founding
RESULTS ?=
VENV := .venv
BIN := $(VENV)/bin
# The page of the server; without npm it is left out, and the server answers its API alone
PAGE := pianoroll_tf/serving/page
NPM := $(shell command -v npm)

.PHONY: install page demo study docs test coverage lint dist parity bench bench-full bench-serve clean

install: $(VENV)/.installed
	$(if $(NPM),$(MAKE) page || echo "the page could not be built: the server will answer its API alone")

page: $(PAGE)/dist/index.html

$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci
	touch $@

$(PAGE)/dist/index.html: $(PAGE)/node_modules/.package-lock.json $(wildcard $(PAGE)/*.* $(PAGE)/public/* $(PAGE)/src/* $(PAGE)/styles/*)
	cd $(PAGE) && npm run build

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,grpc,serve,tuner]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[beam,demo,grpc,serve,tuner,test]'
	touch $@

$(VENV)/.documented: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[beam,demo,grpc,serve,tuner,docs]'
	touch $@

# A peer that cannot be installed becomes a row with the reason
$(VENV)/.benched: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[beam,demo,bench]' \
		|| $(BIN)/pip install --quiet --constraint constraints.txt pypianoroll zstandard \
		|| echo 'the peers could not be installed'
	touch $@

demo: install
	$(BIN)/python -m pianoroll_tf.demo

# Some ten hours of two cores; the same command resumes. `make study --dry-run` tells how long each part takes: make
# executes lines that begin with + even then, and the first word of MAKEFLAGS has its one-letter flags
study: $(VENV)/.installed
	+$(BIN)/python -m tuner.plan $(PLAN) $(STUDY) --data $(DATA) $(if $(RESULTS),--results $(RESULTS)) $(if $(findstring n,$(firstword -$(MAKEFLAGS))),--dry-run)
	$(BIN)/python -m tuner.report $(STUDY)

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint install
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# The tests again, with the lines that none of them runs: they take almost half as long again
coverage: $(VENV)/.tested
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --cov --cov-report=term-missing:skip-covered

# A warning is an error, and a dead link is a warning
docs: $(VENV)/.documented
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

# Source distribution and wheel, with the page; the wheel is tried in an environment of its own
dist: $(VENV)/.installed page
	rm -rf dist build/dist
	$(BIN)/pip install --quiet build twine
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv build/dist
	build/dist/bin/pip install --quiet --constraint constraints.txt "$$(ls dist/*.whl)[serve]"
	rm -rf build/check && mkdir -p build/check/sources build/check/wheel
	cd build && $(abspath $(BIN))/python ../deploy/check_wheel.py train check/sources
	cd build && dist/bin/python ../deploy/check_wheel.py serve check/sources
	build/dist/bin/pip install --quiet --constraint constraints.txt "$$(ls dist/*.whl)[train]"
	cd build && dist/bin/python ../deploy/check_wheel.py train check/wheel

parity:
	PYTHON=$(PYTHON) bash benchmarks/parity.sh

bench: $(VENV)/.benched
	$(BIN)/python -m benchmarks.run --data $(DATA) --out $(BENCH_OUT)

bench-full: bench
	$(BIN)/python -m benchmarks.run --long --data $(DATA) --out $(BENCH_OUT)

# Serves saved_models/demo if `make demo` made it, else an untrained model
bench-serve: install
	$(BIN)/python -m benchmarks.serving --data $(DATA) --out $(BENCH_OUT)

clean:
	rm -rf $(VENV) build dist docs/reference *.egg-info $(PAGE)/dist $(PAGE)/node_modules
