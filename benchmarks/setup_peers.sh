#!/bin/sh
# Makes the environment that peer_compressai.py runs in: benchmarks/setup_peers.sh DIR [PYTHON]
# CompressAI needs older NumPy and SciPy than jaxcodec, and PyTorch, so it has an environment of its own.
set -eu
directory=${1:?usage: benchmarks/setup_peers.sh DIR [PYTHON]}
"${2:-python3.11}" -m venv "$directory"
pip="$directory/bin/python -m pip --quiet --disable-pip-version-check"
$pip install torch==2.13.0
# Without its dependencies: torchvision has no CPU build beside that PyTorch, and models and coders need nothing of it.
$pip install --no-deps compressai==1.2.8
$pip install einops 'numpy<2' 'scipy<1.14' 'pandas<2.3' pytz python-dateutil matplotlib pytorch-msssim tqdm requests \
    torch-geometric aiohttp jinja2 psutil xxhash typing_extensions pillow
