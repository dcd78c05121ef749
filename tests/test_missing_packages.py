"""Without the packages for tables, plots and runs, topolearn can be imported, and generates, scores and evolves."""

import subprocess
import sys

REFUSED = (
    "pandas", "matplotlib", "PIL", "tqdm", "filelock", "safetensors", "rich", "jinja2", "sklearn", "joblib",
    "cloudpickle", "tomli_w", "igraph",
)  # fmt: skip
WITHOUT = f"""
import importlib.abc, sys
import numba, torch, torch._dynamo  # they probe for some of these packages

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {REFUSED}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

for name in [name for name in sys.modules if name.partition(".")[0] in {REFUSED}]:
    del sys.modules[name]
sys.meta_path.insert(0, Refuse())
"""
USES = {
    "evolving": """
import torch, topolearn as tl
model = torch.nn.Sequential(torch.nn.Linear(30, 40), torch.nn.ReLU(), torch.nn.Linear(40, 3))
for name in ("set", "rigl", "chts", "chtss"):
    net = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(30, 40), torch.nn.ReLU(), torch.nn.Linear(40, 3)), name)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(net, optimizer, name, total_steps=8, interval=2)
    for _ in range(8):
        optimizer.zero_grad()
        net(torch.ones(4, 30)).square().mean().backward()
        optimizer.step()
        topology.step()
    assert topology.n_updates, name
""",
    "scoring": """
import topolearn as tl
graph = tl.generators.erdos_renyi(30, 30, 0.1, seed=0)
assert tl.linkpred.score(graph, "ch2_l3n").shape == (30, 30)
assert len(tl.linkpred.select(graph, "ch3_l3p", 5, seed=0)) == 5
""",
    "language models": """
import torch
from topolearn.training.models import Llama
assert Llama(20, 16, 24, 1, 2)(torch.zeros(1, 3, dtype=torch.int64)).shape == (1, 3, 20)
""",
    "calibrating": (
        "from topolearn.benchmarks import measure_crossovers\nfrom topolearn.devices import device_here\n"
        "device_here('device', 'cpu')"
    ),
    "the benchmark of an accelerator": "import analysis.benchmarks.cuda.__main__",
}


def run(code):
    return subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, check=False)


def test_it_works_without_them():
    done = run("".join(f"print({use!r})\n{code}\n" for use, code in USES.items()))  # in one process, which is quicker
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert done.stdout.split("\n")[:-1] == list(USES)


def test_an_error_names_the_missing_package():
    done = run("import topolearn\ntopolearn.methods().to_frame()")
    assert "ModuleNotFoundError: No module named 'pandas'" in done.stderr
