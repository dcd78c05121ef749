"""What ``topolearn diagnose`` prints about a checkpoint of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topolearn.cli.graphs import is_graph_file

if TYPE_CHECKING:
    from topolearn.graph import LayeredNetwork

SUFFIXES = (".safetensors", ".safetensors.index.json", ".bin", ".pt", ".pth", ".ckpt")  # pickles are rejected later
# Measures that take no longer than reading the file, however large the model is.
MEASURES = ("fan_in_gini", "fan_out_gini", "degree_correlation", "active_neurons", "credit_paths", "hub_share")
SHOWN = 8  # dead heads that are listed by name


def is_checkpoint(path: Path) -> bool:
    """Return whether a path leads to weights, or is not here but can be the ``owner/name`` of a model on the hub."""
    from topolearn.recording.plan import is_run

    if path.is_dir():
        return not is_run(path) and any(each.name.endswith(SUFFIXES) for each in path.iterdir())
    if path.name.endswith(SUFFIXES):
        return True
    is_name = path.as_posix().count("/") == 1 and not is_graph_file(path)
    return is_name and not path.exists() and not path.parent.exists()


def with_idle_links(
    measures: Mapping[str, Mapping[str, float]], network: LayeredNetwork, whole: str
) -> dict[str, dict[str, float]]:
    """Return the measures of layers and of the whole network, with idle links and attention heads added.

    Without neuron groups it is unknown which links are idle, so those columns are omitted.
    """
    from topolearn.diagnostics import attention_heads, idle_links

    more: dict[str, dict[str, float]] = {name: {} for name in measures}
    if network.groups:
        idle = idle_links(network)
        heads = attention_heads(network)
        more |= {name: {"idle_links": idle[name]} for name in network}
        more[whole] = {"idle_links": sum(idle.values())}
        if len(heads):
            more[whole] |= {"heads": len(heads), "dead_heads": int((~heads["alive"]).sum())}
    of_sizes = ("n_layers", "n_neurons", "n_in", "n_out", "n_links", "density")
    return {
        name: {key: values[key] for key in of_sizes if key in values} | more[name] | dict(values)
        for name, values in measures.items()
    }


def dead_heads(network: LayeredNetwork) -> list[dict[str, Any]]:
    """Return the heads without an active neuron: the layers that write to each, and its index."""
    from topolearn.diagnostics import attention_heads

    heads = attention_heads(network)
    dead = heads.loc[~heads["alive"].astype(bool), ["writers", "head"]]
    return [{"writers": writers, "head": int(head)} for writers, head in dead.itertuples(index=False)]


def notes(network: LayeredNetwork, left_out: Mapping[str, str]) -> list[str]:
    """Return notes for below the table: the share of idle links, the dead heads, and the tensors left out."""
    from topolearn.diagnostics import idle_links
    from topolearn.evolution.starting.short_names import shortened
    from topolearn.integrations.checkpoint_graphs import NOT_ASKED_FOR

    lines = []
    if network.groups:
        idle = sum(idle_links(network).values())
        share = f"{idle:,} of {network.n_links:,} links ({100 * idle / max(network.n_links, 1):.2g} %)"
        lines.append(f"idle links: {share} have no effect (biases aside); percolation would remove them")
    else:
        lines.append("idle links: unknown without neuron groups: give --n-heads, or put config.json by the weights")
    dead = dead_heads(network)
    if dead:
        more = f" and {len(dead) - SHOWN} more" if len(dead) > SHOWN else ""
        named = "; ".join(f"{each['writers']}: {each['head']}" for each in dead[:SHOWN])
        lines.append(f"dead heads: {named}{more}")
    for reason in dict.fromkeys(why for why in left_out.values() if why != NOT_ASKED_FOR):
        lines.append(f"left out ({reason}): {shortened(name for name, why in left_out.items() if why == reason)}")
    return lines
