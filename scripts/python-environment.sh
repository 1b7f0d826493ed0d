#!/bin/sh
# Makes the opt-in environment of the trainers with PyTorch, transformers and peft, and of the tests of Keras (about 6 GB), for `npm run test:python`:
#   scripts/python-environment.sh [folder]       (.venv-trainers, which the tests find; another one by STARLINGS_PYTHON=folder/bin/python)
# PYTHON names the interpreter that it is made with, python3 else; PIP_INDEX_URL and the like go to pip as ever.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/.venv-trainers}
"${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 10) and "PyTorch needs Python 3.10 or later")'
[ -x "$folder/bin/python" ] || "${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --requirement "$root/examples/trainers/python/requirements.txt"
"$folder/bin/python" -c 'import torch, transformers, peft, safetensors; print("PyTorch", torch.__version__, "transformers", transformers.__version__, "peft", peft.__version__)'
