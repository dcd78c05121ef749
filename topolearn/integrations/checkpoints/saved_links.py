"""The links that topolearn saves with weights: in a file next to them, or as bits among them."""

from pathlib import Path

from topolearn.errors import CheckpointError, InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.integrations.checkpoints.topology_file import FILE, checked_mask, saved_graph, saved_shapes
from topolearn.integrations.checkpoints.weight_files import WeightFiles
from topolearn.read_errors import reading
from topolearn.sparse.weights.packed_links import KEY

WEIGHT = "weight"
OF_CSR = ".crow"  # a key in the state_dict of a csr layer
OF_A_RUN = "random/torch"  # a key in a checkpoint of topolearn's own trainer


class SavedLinks:
    """The layers whose links are saved, and their graphs, which are read on request.

    Parameters
    ----------
    weights : WeightFiles
    folder : Path
        Their folder, which may also contain ``topology.safetensors``.

    Raises
    ------
    CorruptFileError, CheckpointError, InvalidValueError
        When that file is cut off or belongs to other weights, or the number of inputs of a layer is unknown.
    """

    def __init__(self, weights: WeightFiles, folder: Path) -> None:
        self._weights, self._folder = weights, folder
        if OF_A_RUN in weights.stored:
            raise InvalidValueError(
                "the file belongs to a run, whose history has the graphs: use tl.Run(folder).history.at(step), or "
                "'topolearn diagnose RUN'"
            )
        shapes = saved_shapes(folder) if (folder / FILE).is_file() else {}
        self._in_file = {name: shape for name, shape in shapes.items() if f"{name}.{WEIGHT}" in weights.stored}
        if shapes and not self._in_file:
            raise CheckpointError(
                f"{folder / FILE} has the links of {', '.join(list(shapes)[:3])}, but none of these layers is in the "
                "weights next to it: it belongs to another model, so move it away"
            )
        packed = [name.removesuffix(f".{KEY}") for name in weights.stored if name.endswith(f".{KEY}")]
        self._packed = [name for name in packed if name not in self._in_file]
        for name in weights.stored:
            if name.endswith(OF_CSR):
                raise InvalidValueError(
                    f"layer {name.removesuffix(OF_CSR)!r} is saved as csr, without its number of inputs: save the "
                    "model with tl.export_dense(model, path), or with its topology, as the trainers' checkpoints do"
                )

    def __contains__(self, name: str) -> bool:
        return name in self._in_file or name in self._packed

    def graph(self, name: str) -> BipartiteGraph:
        """Return the graph of a layer.

        Raises
        ------
        CorruptFileError, CheckpointError
            When the links cannot be read, or belong to a layer of another shape.
        """
        shape = self._weights.stored[f"{name}.{WEIGHT}"].shape
        if name in self._packed:
            bits, (n_out, n_in) = self._weights.read(f"{name}.{KEY}"), shape
            with reading(self._weights.stored[f"{name}.{KEY}"].file, "whole", "fetch it again"):
                return BipartiteGraph(checked_mask(bits, (n_out, n_in), f"{name}.{KEY}"))
        graph = saved_graph(self._folder, name)
        if graph.shape not in (shape, shape[::-1]):  # a Conv1D has the shape (n_in, n_out)
            raise CheckpointError(
                f"{self._folder / FILE} has layer {name!r} with shape {graph.shape}, but its weight has {shape}: the "
                "file belongs to another model, so move it away"
            )
        return graph
