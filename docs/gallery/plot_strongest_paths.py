"""
The strongest paths
===================

Paths from inputs to outputs whose weights have the largest product, in a network that was trained with 5 % of its
links.
"""

import tempfile

from matplotlib import pyplot as plt

import topolearn as tl

config = tl.TrainConfig(method="chts", density=0.05, hidden=(64, 64), epochs=10, run_dir=tempfile.mkdtemp() + "/run")
run = tl.train(config, quiet=True)
tl.plotting.strongest_paths(run.load_model())
plt.show()
