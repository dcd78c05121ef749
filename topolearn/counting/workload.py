"""`Workload`: the training to count, a model and how it is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from topolearn.checks import check_size
from topolearn.counting.optimizers import OPTIMIZERS
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.evolution import METHODS, Method
from topolearn.registry import suggest
from topolearn.sparse import sparse_layers


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A model and the training that it will get.

    Attributes
    ----------
    model : torch.nn.Module
        The dense model, on the meta device: create it within ``with torch.device("meta")``. A transformers model must
        not inspect the values of its masks, which encoder-decoders with ``scaled_dot_product_attention`` do; call
        ``model.set_attn_implementation("eager")``, which multiplies as much.
    inputs : Mapping of str to Tensor, or sequence of Tensor
        The arguments of one forward pass, by keyword or by position, on the meta device. All steps are assumed to be
        this large.
    method : Method or str
    steps : int
        Optimizer steps.
    interval : int, optional
        Steps between two updates; by default, the interval that the method demands.
    optimizer : str
        One of `topolearn.counting.OPTIMIZERS`; every parameter gets its state.
    accumulation : int
        Forward passes per step.
    exclude : sequence of str, optional
        Layers that stay dense, as for `topolearn.sparsify`.
    idle : sequence of str
        Names of parameters that the model has but never uses, outside the layers that are made sparse: they take
        memory, but have no gradient and no state of the optimizer, and do not count as parameters.
    step : str
        A description of one step, such as "2,048 tokens, in windows of 256".
    notes : tuple of str
        Other assumptions of the count, one sentence each.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownNameError
        When the model or its inputs are not on the meta device, the model is already sparse, a number is below 1, or
        the name of the method, of the optimizer or of an idle parameter is unknown.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     mlp = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    ...     x = torch.empty(32, 64)
    >>> Workload(model=mlp, inputs=[x], method="set", steps=100, interval=10).method.title
    'SET'
    """

    model: nn.Module
    inputs: Mapping[str, Tensor] | Sequence[Tensor]
    method: Method | str
    steps: int
    interval: int | None = None
    optimizer: str = "adam"
    accumulation: int = 1
    exclude: Sequence[str] | None = None
    idle: Sequence[str] = ()
    step: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise InvalidTypeError(f"model must be a torch.nn.Module, not {type(self.model).__name__}")
        if isinstance(self.method, str):
            object.__setattr__(self, "method", METHODS[self.method])
        if not isinstance(self.method, Method):
            raise InvalidTypeError(f"method must be a Method or the name of one, not {type(self.method).__name__}")
        for name in ("steps", "accumulation"):
            check_size(name, getattr(self, name))
        if self.interval is not None:
            check_size("interval", self.interval)
        OPTIMIZERS[self.optimizer]
        if sparse_layers(self.model):
            raise InvalidValueError("the model is already sparse: pass the dense model, and the method to apply to it")
        self._check_meta()
        names = [name for name, _ in self.model.named_parameters()]
        for name in self.idle:
            if name not in names:
                raise UnknownNameError(f"the model has no parameter {name!r}, named as idle: {suggest(name, names)}")

    @property
    def unused(self) -> set[int]:
        """The identities of the idle parameters."""
        return {id(self.model.get_parameter(name)) for name in self.idle}

    def _check_meta(self) -> None:
        given = self.inputs.values() if isinstance(self.inputs, Mapping) else self.inputs
        tensors = [("an input", each) for each in given] + list(self.model.named_parameters())
        for name, tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise InvalidTypeError(f"{name} is of type {type(tensor).__name__}, not a tensor on the meta device")
            if not tensor.is_meta:
                raise InvalidValueError(
                    f"{name} is on {tensor.device}, where it takes memory: create the model and its inputs within "
                    "'with torch.device(\"meta\")'"
                )
