"""Draws within `torch_draws_from` equal those of the global generator, which stays unchanged."""

import threading

import pytest
import torch
from torch import nn

from topolearn.sampling import torch_draws_from

X = torch.linspace(0, 1, 30).view(5, 6)


def blank():
    return torch.empty(6, 5)


DRAWS = {
    "Linear": lambda: nn.Linear(5, 4).weight,
    "bias": lambda: nn.Linear(5, 4).bias,
    "Embedding": lambda: nn.Embedding(3, 4).weight,
    "LSTM": lambda: nn.LSTM(3, 4).weight_hh_l0,
    "MultiheadAttention": lambda: nn.MultiheadAttention(4, 2).in_proj_weight,
    **{
        name: lambda name=name: getattr(nn.init, name)(blank())
        for name in (
            "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "trunc_normal_", "orthogonal_",
            "uniform_", "normal_",
        )
    },
    "sparse_": lambda: nn.init.sparse_(blank(), 0.3),
    "rand": lambda: torch.rand(3, 4),
    "rand of a shape": lambda: torch.rand((2, 2), device="cpu"),
    "randn": lambda: torch.randn(3, dtype=torch.float64),
    "randint": lambda: torch.randint(2, 9, (4,)),
    "randperm": lambda: torch.randperm(7),
    "normal of numbers": lambda: torch.normal(0.0, 1.0, (3,)),
    "normal of tensors": lambda: torch.normal(X, 2 * X),
    "multinomial": lambda: torch.multinomial(X, 2),
    "bernoulli": lambda: torch.bernoulli(X),
    "bernoulli by p": lambda: torch.bernoulli(X, 0.3),
    "poisson": lambda: torch.poisson(X),
    "rand_like": lambda: torch.rand_like(X),
    "randn_like": lambda: torch.randn_like(X, dtype=torch.float64),
    "randint_like": lambda: torch.randint_like(X, 7),
    "randint_like by name": lambda: torch.randint_like(X, low=2, high=7),
    **{
        name: lambda name=name, values=values: getattr(torch.empty(40), name)(*values)
        for name, values in {
            "exponential_": (), "cauchy_": (), "geometric_": (0.3,), "log_normal_": (), "bernoulli_": (0.4,),
            "random_": (9,),
        }.items()
    },
    "a distribution": lambda: torch.distributions.Categorical(torch.ones(4)).sample((9,)),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_draws_equal_those_of_the_global_generator_which_stays_unchanged(name):
    before = torch.get_rng_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        expected = [DRAWS[name](), DRAWS[name]()]
    generator = torch.Generator().manual_seed(3)
    with torch_draws_from(generator):
        first = DRAWS[name]()
    with torch_draws_from(generator):  # continues its sequence
        second = DRAWS[name]()
    assert torch.equal(first, expected[0])
    assert torch.equal(second, expected[1])
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_innermost_generator_draws_unless_the_call_names_one():
    named = torch.Generator().manual_seed(1)
    with torch_draws_from(2), torch_draws_from(3):
        by_name, inner = torch.rand(4, generator=named), torch.rand(4)
    assert torch.equal(by_name, torch.rand(4, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(inner, torch.rand(4, generator=torch.Generator().manual_seed(3)))


def test_layers_on_the_meta_device_draw_nothing():
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    with torch_draws_from(generator):
        nn.Linear(3, 2, device="meta")
        with torch.device("meta"):
            nn.Linear(3, 2)
    assert torch.equal(generator.get_state(), before)


def test_other_threads_are_not_affected():
    drawn, before = [], torch.get_rng_state()
    with torch_draws_from(3):
        thread = threading.Thread(target=lambda: drawn.append(torch.rand(4)))
        thread.start()
        thread.join()
    torch.set_rng_state(before)
    assert torch.equal(drawn[0], torch.rand(4))
