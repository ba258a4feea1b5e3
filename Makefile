# make install | demo | test | lint | parity | bench | bench-full; PYTHON=python3.12 chooses the interpreter
PYTHON ?= python3
# What the benchmarks read, and where they write what they print
DATA ?= ../shared/data
BENCH_OUT ?= build/benchmarks
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install demo test lint parity bench bench-full clean

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,serve,tuner]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,serve,tuner,test]'
	touch $@

# A peer that cannot be installed is a row with the reason.
$(VENV)/.benched: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,bench]' \
		|| $(BIN)/pip install --quiet --constraint constraints.txt pypianoroll zstandard \
		|| echo 'the peers could not be installed'
	touch $@

demo: install
	$(BIN)/python -m pianoroll_tf.demo

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --cov --cov-report=term-missing:skip-covered

parity:
	PYTHON=$(PYTHON) bash benchmarks/parity.sh

bench: $(VENV)/.benched
	$(BIN)/python -m benchmarks.run --data $(DATA) --out $(BENCH_OUT)

bench-full: bench
	$(BIN)/python -m benchmarks.run --long --data $(DATA) --out $(BENCH_OUT)

clean:
	rm -rf $(VENV) build dist *.egg-info
