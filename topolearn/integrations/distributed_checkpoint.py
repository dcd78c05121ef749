"""Converting checkpoints of ``torch.distributed.checkpoint`` from several ranks to one folder: `to_folder`."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from topolearn.errors import CheckpointError, MissingFileError
from topolearn.evolution import Method
from topolearn.evolution import method as find_method
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.scheduling.state import check_state
from topolearn.evolution.sharded.state import as_lists
from topolearn.integrations.checkpoints.dense import take_links
from topolearn.integrations.checkpoints.topology_file import save_topology
from topolearn.read_errors import reading
from topolearn.sparse import export_dense, sparse_layers

__all__ = ["to_folder"]

KEYS = ("model", "topology")
WEIGHTS = "model.safetensors"


def to_folder(checkpoint: str | Path, folder: str | Path, model: nn.Module, method: Method | str) -> Path:
    """Convert a checkpoint of any number of ranks to one folder that the dense architecture can load.

    The checkpoint contains ``{"model": ..., "topology": topology.state_dict(), ...}``, where the model's state comes
    from ``torch.distributed.checkpoint.state_dict.get_model_state_dict``. Call this in one process, without a process
    group.

    Parameters
    ----------
    checkpoint : path
        A folder written by ``torch.distributed.checkpoint.save``.
    folder : path
        The folder to write. The weights can be loaded with ``from_pretrained`` of the dense class; for a model without
        ``save_pretrained`` they are in ``model.safetensors``. The links and the scheduler's state are written to
        ``topology.safetensors``.
    model : torch.nn.Module
        The model as it was before ``fully_shard``, made sparse by the method. Links and weights are loaded into it.
    method : Method or str

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError
        When there is no checkpoint, it is cut off or contains objects that could run code, it lacks a model or a
        topology, or it has other layers.

    Examples
    --------
    ::

        model = tl.sparsify(LlamaForCausalLM(config), method, backend="masked")
        to_folder("out/step-1000", "out/plain", model, method)
        LlamaForCausalLM.from_pretrained("out/plain")
    """
    from topolearn.integrations.checkpoints.distributed_reader import (
        read_distributed,  # importing it takes half a second
    )

    rule, folder = find_method(method) if isinstance(method, str) else method, Path(folder)
    if not (Path(checkpoint) / ".metadata").is_file():
        raise MissingFileError(f"{checkpoint} is not a folder written by torch.distributed.checkpoint.save")
    with reading(checkpoint, "a whole checkpoint of torch.distributed", "use another one"):
        saved = read_distributed(Path(checkpoint))
        for key in KEYS:
            if key not in saved:
                raise CheckpointError(
                    f"{checkpoint} has no {key!r}, only {sorted(saved)}: save {{'model': ..., 'topology': "
                    "topology.state_dict()}"
                )
        layers, state = sparse_layers(model), as_lists(saved["topology"])
        check_state(state, layers, kind_of(rule))
        take_links(layers, state)
        model.load_state_dict(saved["model"])
    export_dense(model, folder if hasattr(model, "save_pretrained") else folder / WEIGHTS)
    save_topology(folder, state, {"method": rule.name})
    return folder
