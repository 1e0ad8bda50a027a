#!/usr/bin/env bash
# The whole GPU part in one go, on a machine with one: to be run in the root of a checkout.
#
#   bash tests/gpu/everything.sh OUT      what is found is written to the folder OUT
#
# Needs python3 with torch for CUDA, torchvision, numpy and onnxruntime, which is most of such machines. A
# TensorRT may lie unpacked on PYTHONPATH, its libraries on LD_LIBRARY_PATH. What else is missing there can
# be carried along in the folder .gpu-packages, made where there is a registry (for Python 3.12):
#   pip install --target .gpu-packages --no-deps --only-binary=:all: --python-version 3.12 \
#     --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 \
#     onnx onnxscript onnx-ir ml-dtypes protobuf pydicom pillow scipy typer rich click shellingham \
#     markdown-it-py mdurl pygments pytest pluggy iniconfig packaging pandas python-dateutil six pytz
# No step keeps the next from running; the last line says what failed.
set -uo pipefail
out=${1:?where to write what is found}
mkdir -p "$out"
export PYTHONPATH=$PWD:$PWD/tests${PYTHONPATH:+:$PYTHONPATH}:$PWD/.gpu-packages
py=${PYTHON:-python3}
failed=()
step() {
    local name=$1
    shift
    echo "== $name: $*"
    if timeout "${LIMIT_S:-540}" "$@" >"$out/$name.txt" 2>&1; then echo "   ok"; else
        echo "   failed ($?)"
        failed+=("$name")
    fi
    tail -n 25 "$out/$name.txt"
}

step machine bash -c 'nvidia-smi; nproc; free -g; python3 --version'
step packages "$py" - <<'P'
import importlib
for name in ("torch", "cuda.bindings", "tensorrt", "tensorrt_rtx", "onnx", "onnxruntime", "numpy", "scipy",
             "pydicom", "typer", "rich", "pytest"):
    try:
        print(name, getattr(importlib.import_module(name), "__version__", "there"))
    except Exception as error:
        print(name, "MISSING:", error)
P
step gpu "$py" -c 'from engines.runtime import gpu; print(gpu.present()); gpu.enter(); print(gpu.Stream().handle)'
# the first thing to know: an H100 is not among the GPUs that TensorRT for RTX names
step accepted "$py" - <<'P'
import tempfile, pathlib
from engines.candidates import Candidate, Precision, Runtime
from engines.cards import read_weights
from engines.runtime import trt_package
from engines.runtime.choosing import Terms, serve
from engines.runtime.plans import Plans
from engines.candidates import ORDER, read_order
print(trt_package.title())
plans = Plans(pathlib.Path(tempfile.mkdtemp()))
for model in ("cxr_osporscreen", "cxr_multimodal", "hip_vit", "ct_multitask", "onfh_mri"):
    for name, served in serve(read_weights(model), 0.005, Terms(read_order(ORDER), plans=plans)).items():
        print(model, name, served.told())
P
REQUIRE_GPU=1 GPU_TRAFFIC_S=${GPU_TRAFFIC_S:-60} step tests \
    "$py" -m pytest -q -rs -c /dev/null --rootdir . --confcutdir tests/gpu -p no:cacheprovider tests/gpu
for model in cxr_osporscreen cxr_multimodal hip_vit ct_multitask onfh_mri; do
    step "bench-$model" "$py" -m engines bench "$model" --batches 1,8,32,64 --rounds 50 --compile --out "$out/engines"
done
for model in cxr_osporscreen cxr_multimodal hip_vit; do
    step "whole-cases-$model" "$py" -m bench.whole_cases "$model" --threads 16 --cases 128
done
step bench-vit-b-16 "$py" -m engines bench hip_vit --config paper --batches 1,8,32,64 --rounds 30 --compile --out "$out/engines"
step bench-resnet50 "$py" -m engines bench cxr_multimodal --config paper --batches 1,8,32 --rounds 30 --compile --out "$out/engines"
rm -rf "$out/engines"
echo "failed: ${failed[*]:-nothing}"
[ "${#failed[@]}" = 0 ]
