"""`export_dense`: saves the weights of a sparse model in the form that its plain architecture loads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from topolearn.errors import InvalidValueError
from topolearn.files import written_aside
from topolearn.sparse.conversion.dense_layers import dense_layer
from topolearn.sparse.linear import SparseLinear
from topolearn.sparse.weights.packed_links import KEY

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
OF_LINKS = {"weight", "values", "crow", "col", KEY}  # under which the backends store the weight and its links


def dense_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the ``state_dict`` of the model with its sparse layers turned back into the dense layers they replaced.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), "set", backend="csr")
    >>> list(dense_state(model))
    ['0.weight', '0.bias', '1.weight', '1.bias']
    """
    return as_dense(model, model.state_dict())


def as_dense(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a model's ``state_dict`` with sparse layers turned back into the dense layers they replaced.

    Parameters
    ----------
    model : torch.nn.Module
    state : Mapping of str to Tensor
        The model's current ``state_dict``.
    """
    modules = model.named_modules(remove_duplicate=False)
    sparse = {path: module for path, module in modules if isinstance(module, SparseLinear)}
    dense: dict[str, Tensor] = {}
    for key, tensor in state.items():
        path, _, name = key.rpartition(".")
        if path in sparse and name in OF_LINKS:
            weight = f"{path}.weight"
            if weight not in dense:
                dense[weight] = dense_layer(sparse[path]).get_parameter("weight").detach()
        else:
            dense[key] = tensor
    return dense


def export_dense(model: nn.Module, path: str | Path) -> Path:
    """Save the weights of a model, zero off its links, to a file or folder that its plain architecture loads strictly.

    Parameters
    ----------
    model : torch.nn.Module
        A model with sparse layers of any backend; it is not changed.
    path : str or Path
        A ``.safetensors``, ``.pt``, ``.pth`` or ``.bin`` file for ``load_state_dict``; or, for a model with
        ``save_pretrained``, a folder for ``from_pretrained``. Existing files are replaced.

    Returns
    -------
    Path
        The path of the file or folder.

    Raises
    ------
    InvalidValueError
        For any other suffix, or a folder for a model without ``save_pretrained``.
    OSError
        When the file or folder cannot be written.

    Examples
    --------
    >>> import tempfile, topolearn as tl
    >>> model = tl.sparsify(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), "set", backend="csr")
    >>> file = export_dense(model, Path(tempfile.mkdtemp()) / "dense.pt")
    >>> nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)).load_state_dict(torch.load(file))
    <All keys matched successfully>
    """
    path, state = Path(path), {key: tensor.detach().cpu() for key, tensor in dense_state(model).items()}
    if not path.suffix or path.is_dir():
        save_pretrained: Any = getattr(model, "save_pretrained", None)
        if not callable(save_pretrained):
            raise InvalidValueError(
                f"path={str(path)!r} is a folder, but the model has no save_pretrained: name a file, such as "
                f"{str(path / 'dense.safetensors')!r}"
            )
        save_pretrained(path, state_dict=state)
        return path
    if path.suffix not in SUFFIXES:
        raise InvalidValueError(f"path={str(path)!r} has the suffix {path.suffix!r}: use one of {', '.join(SUFFIXES)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        if path.suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file({key: tensor.clone().contiguous() for key, tensor in state.items()}, aside)
        else:
            torch.save(state, aside)
    return path
