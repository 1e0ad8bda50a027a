"""Tests that need a GPU: skipped without one, failing under REQUIRE_GPU=1."""

import os
from pathlib import Path

import pytest

from engines.runtime import gpu, trt_package
from engines.runtime.gpu import NotHere

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Skip what is in this folder where there is no GPU or no TensorRT that it takes."""
    ours = [item for item in items if HERE in item.path.parents]
    if not ours:
        return
    try:
        gpu.present()
        trt_package.package()
    except NotHere as missing:
        if os.environ.get("REQUIRE_GPU") == "1":
            raise pytest.UsageError(f"REQUIRE_GPU=1, but {missing}") from None
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=str(missing)))
