"""LLaMA: its layers, and what each position may see."""

import pytest
import torch

from topolearn.errors import InvalidValueError
from topolearn.training.models import Llama, LlamaLayer

SMALL = {"vocabulary": 10, "width": 16, "hidden": 8, "n_layers": 1, "n_heads": 4}


def test_parameters_have_the_names_of_hugging_face():
    assert list(LlamaLayer(16, 24, 4, 2).state_dict()) == [
        "input_layernorm.weight",
        *(f"self_attn.{name}_proj.weight" for name in "qkvo"),
        "post_attention_layernorm.weight",
        *(f"mlp.{name}_proj.weight" for name in ("gate", "up", "down")),
    ]


def test_llama_130m_has_84_linear_layers_and_134_million_weights():
    with torch.device("meta"):
        model = Llama()
    shapes = [tuple(each.weight.shape) for each in model.modules() if isinstance(each, torch.nn.Linear)]
    assert shapes[:-1] == 12 * [*4 * [(768, 768)], *2 * [(2048, 768)], (768, 2048)]
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_105_856


def test_no_position_sees_a_later_one_and_order_matters():
    torch.manual_seed(0)
    model = Llama(**SMALL).double()
    torch.nn.init.normal_(model.lm_head.weight)
    tokens = torch.tensor([[1, 2, 3, 4, 5], [1, 2, 3, 4, 6], [2, 1, 3, 4, 5]])
    logits = model(tokens)
    torch.testing.assert_close(logits[0, :4], logits[1, :4])
    assert not torch.allclose(logits[0, 4], logits[1, 4])
    assert not torch.allclose(logits[0, 2], logits[2, 2])  # the same two tokens before, in another order


def test_only_the_distance_of_a_position_counts():
    layer = LlamaLayer(16, 24, 4, 2).double().self_attn
    x = torch.randn(1, 1, 16, generator=torch.Generator().manual_seed(0)).double().repeat(1, 9, 1)
    q, k = (layer._turned(layer._heads(each(x))) for each in (layer.q_proj, layer.k_proj))
    scores = q[:, :2] @ k.transpose(-1, -2)
    for distance in range(9):
        diagonal = scores.diagonal(-distance, -2, -1)
        torch.testing.assert_close(diagonal, diagonal[..., :1].expand_as(diagonal))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"width": 15}, r"width=15 cannot be divided into n_heads=4 heads of even width"),
        ({"width": 12}, r"width=12 cannot be divided into n_heads=4 heads of even width"),
        ({"n_kv_heads": 3}, r"n_kv_heads=3 must divide n_heads=4"),
        ({"n_kv_heads": 0}, r"n_kv_heads=0"),
        ({"n_layers": 0}, r"n_layers=0"),
    ],
)
def test_sizes_that_do_not_fit(sizes, message):
    with pytest.raises(InvalidValueError, match=message):
        Llama(**{**SMALL, **sizes})
