"""What a link predictor is: one weight for each neuron of a local community, summed over neurons or over paths."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Weight = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LinkPredictor:
    r"""A score of non-links from the paths of length three that join their ends.

    For a non-link (u, v) the local community holds every neuron z on a path :math:`u - z_2 - z_1 - v`. Of its
    :math:`d_z` links, :math:`di_z` lead to other members, and :math:`de_z` to neurons that are neither members nor u
    or v. With a weight :math:`w_z = w(d_z, di_z, de_z)` the score is

    .. math:: \sum_{z} w_z \;\text{(per neuron)} \qquad \text{or} \qquad
              \sum_{(z_1, z_2)} w_{z_1} w_{z_2} \;\text{(per path)}

    Attributes
    ----------
    name : str
        Its name in the registry.
    per : {"neuron", "path"}
        What the sum runs over.
    weight : callable
        ``weight(degree, internal, external)`` of three tensors of counts that broadcast: finite for any counts with
        a degree of at least 1, and positive where there is an internal link.
    products : callable, optional
        A cheaper dense form than the general one: ``products(adjacency)``, of shape (..., n_out, n_in).
    """

    name: str
    per: Literal["neuron", "path"]
    weight: Weight
    products: Callable[[Tensor], Tensor] | None = None

    @property
    def per_path(self) -> bool:
        """Whether the sum runs over paths, not over neurons."""
        return self.per == "path"
