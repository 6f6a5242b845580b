import os
import subprocess
import sys
from pathlib import Path

import pytest

from codec.exact.machines import digest
from underdraw.codec import exact

ROOT = Path(__file__).parents[2]
MATRIX_PRODUCTS = {"default": "COMPATIBLE", "avx2": "AVX2", "avx512": "AVX512"}  # where it is MKL


@pytest.mark.parametrize("capability", MATRIX_PRODUCTS)
def test_every_way_of_computing_comes_to_the_same(folder, capability):
    wanted = digest(exact.load(folder, "int64"), 4)
    machine = {"ATEN_CPU_CAPABILITY": capability, "MKL_CBWR": MATRIX_PRODUCTS[capability]}
    told = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("machines.py")), str(folder)],
        env={**os.environ, **machine, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    used, *found = told.stdout.split()
    assert capability != "default" or used == "DEFAULT"  # the variable is obeyed
    assert found == [wanted] * 8
