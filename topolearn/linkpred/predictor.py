"""`LinkPredictor`: a weight for each neuron of a local community, summed over neurons or over paths."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Weight = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LinkPredictor:
    r"""A score of non-links based on the paths of length three between their ends.

    The local community of a non-link (u, v) consists of the neurons z on the paths :math:`u - z_2 - z_1 - v`. Of the
    :math:`d_z` links of a member, :math:`di_z` lead to other members, and :math:`de_z` to neurons that are neither
    members nor u or v. With the weight :math:`w_z = w(d_z, di_z, de_z)`, the score is

    .. math:: \sum_{z} w_z \;\text{(per neuron)} \qquad \text{or} \qquad
              \sum_{(z_1, z_2)} w_{z_1} w_{z_2} \;\text{(per path)}

    Attributes
    ----------
    name : str
        Its name in the registry.
    per : {"neuron", "path"}
        What the sum runs over.
    weight : callable
        ``weight(degree, internal, external)`` takes three tensors of counts that broadcast. It must be finite for any
        counts with a degree of at least 1, and positive if there is an internal link.
    products : callable, optional
        A cheaper dense form than the general one: ``products(adjacency)``, with shape (..., n_out, n_in).
    """

    name: str
    per: Literal["neuron", "path"]
    weight: Weight
    products: Callable[[Tensor], Tensor] | None = None

    @property
    def per_path(self) -> bool:
        """Whether the sum runs over paths rather than neurons."""
        return self.per == "path"
