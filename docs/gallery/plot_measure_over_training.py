"""
A measure over training
=======================

Closure of each layer while CHTs trains: a small world becomes something else.
"""

import tempfile

from matplotlib import pyplot as plt

import topolearn as tl

config = tl.TrainConfig(
    method="chts", density=0.1, hidden=(128, 128), epochs=15, measures=("closure", "fan_in_gini"),
    run_dir=tempfile.mkdtemp() + "/run",
)  # fmt: skip
run = tl.train(config, quiet=True)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
tl.plotting.measure(run, "closure", ax=left)
tl.plotting.active_neurons(run, ax=right)
plt.show()
