#!/usr/bin/env bash
# Makes .venv-parity with TensorFlow Addons (its wheels end at Python 3.11) and runs the parity check in it.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv-parity

suits() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

if [ ! -f "$venv/.installed" ] || [ setup.cfg -nt "$venv/.installed" ] || [ constraints.txt -nt "$venv/.installed" ]; then
    python=
    for candidate in "${PYTHON:-python3}" python3.11; do
        if suits "$candidate"; then python=$candidate && break; fi
    done
    if [ -z "$python" ]; then
        echo "make parity: PYTHON must be a Python 3.11 (TensorFlow Addons has no wheels for later ones). Received: PYTHON=${PYTHON:-python3}" >&2
        exit 1
    fi
    "$python" -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --upgrade pip
    "$venv/bin/pip" install --quiet --constraint constraints.txt --editable '.[addons]'
    touch "$venv/.installed"
fi
exec "$venv/bin/python" benchmarks/parity.py "$@"
