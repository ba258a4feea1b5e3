# make install | demo | test | lint | parity; PYTHON=python3.12 chooses the interpreter
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install demo test lint parity clean

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,test]'
	touch $@

demo: install
	$(BIN)/python -m pianoroll_tf.demo

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test: lint
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

parity:
	PYTHON=$(PYTHON) bash benchmarks/parity.sh

clean:
	rm -rf $(VENV) build dist *.egg-info
