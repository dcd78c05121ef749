"""
Where links come from and go
============================

Links that each update removes, percolates and regrows, and how long links survive.
"""

import tempfile

from matplotlib import pyplot as plt

import topolearn as tl

config = tl.TrainConfig(method="chts", density=0.1, hidden=(128, 128), epochs=15, run_dir=tempfile.mkdtemp() + "/run")
run = tl.train(config, quiet=True)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
tl.plotting.link_flow(run, ax=left)
tl.plotting.survival(run, ax=right)
plt.show()
