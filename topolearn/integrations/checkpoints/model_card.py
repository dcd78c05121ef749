"""The section of a model card about the sparse topology, as Markdown."""

from collections.abc import Mapping

from topolearn.evolution import Method
from topolearn.sparse import SparseLinear
from topolearn.terminal import markdown_cell

TITLE = "## Sparse topology"


def section(method: Method, layers: Mapping[str, SparseLinear], n_updates: int = 0) -> str:
    """Return a section for a model card: the method, and the links and density of each layer.

    Examples
    --------
    >>> import topolearn as tl
    >>> rule = tl.method("set", density=0.25)
    >>> layer = tl.SparseLinear(8, 4, graph=tl.generators.erdos_renyi(8, 4, 0.25, seed=0))
    >>> print(section(rule, {"fc": layer}, 3))
    ## Sparse topology
    <BLANKLINE>
    Trained with topolearn, method `set`, 3 topology updates. 1 layer is sparse: 8 of its 32 weights are links
    (25.00%), and all others are zero. `topology.safetensors` has the links; the weights are those of the dense
    architecture.
    <BLANKLINE>
    | layer | inputs | outputs | links | density |
    | --- | ---: | ---: | ---: | ---: |
    | fc | 8 | 4 | 8 | 25.00% |
    <BLANKLINE>
    """
    if not layers:
        return f"{TITLE}\n\nTrained with topolearn, method `{method.name}`: all layers are dense.\n"
    n_links = {name: layer.n_links for name, layer in layers.items()}
    n_cells = {name: layer.in_features * layer.out_features for name, layer in layers.items()}
    links, cells = sum(n_links.values()), sum(n_cells.values())
    one = len(layers) == 1
    lines = [
        TITLE,
        "",
        f"Trained with topolearn, method `{method.name}`, {n_updates} "
        f"topology updates. {len(layers)} layer{' is' if one else 's are'} sparse: {links:,} of "
        f"{'its' if one else 'their'} {cells:,} weights are links ({links / cells:.2%}), and all others are "
        "zero. `topology.safetensors` has the links; the weights are those of the dense architecture.",
        "",
        "| layer | inputs | outputs | links | density |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {markdown_cell(name)} | {layer.in_features} | {layer.out_features} | {n_links[name]:,} "
            f"| {n_links[name] / n_cells[name]:.2%} |"
            for name, layer in layers.items()
        ),
        "",
    ]
    return "\n".join(lines)
