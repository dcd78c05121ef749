"""Sharded by torch itself, a masked layer trains only its links, or raises an error."""

import json
import os
import socket
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_fully_sharded_layers_stay_sparse_and_parallelized_ones_are_rejected():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "tests.sparse.sharded"],
        env=os.environ | {"MASTER_PORT": str(port)}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["n_off"] == 0
    assert result["n_links"] == 48
    assert "the weight of layer '0' is a DTensor" in result["rejected"]
