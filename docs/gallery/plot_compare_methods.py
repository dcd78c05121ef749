"""
Methods over seeds
==================

Accuracy of three methods with the same links, as mean and range over three seeds. Runs that differ only in the seed are
drawn as one band.
"""

import tempfile

from matplotlib import pyplot as plt

import topolearn as tl

folder = tempfile.mkdtemp()
runs = [
    tl.train(
        tl.TrainConfig(
            method=name, density=0.05, hidden=(128, 128), epochs=10, seed=seed, run_dir=f"{folder}/{name}{seed}"
        ),
        quiet=True,
    )
    for name in ("set", "rigl", "chts")
    for seed in range(3)
]
tl.plotting.accuracy(runs)
plt.show()
