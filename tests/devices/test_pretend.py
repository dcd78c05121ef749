"""The pretend device behaves like an accelerator, and counts the waits of the host."""

import pytest
import torch

from tests.devices.pretend import pretend_device


def test_a_backward_pass_may_precede_the_registration_of_the_device():
    torch.ones(1, requires_grad=True).sum().backward()
    x = torch.ones(3, device=pretend_device().device, requires_grad=True)
    x.square().sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_a_layer_trains_as_on_the_cpu(pretend):
    layer, twin = torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)
    twin.load_state_dict(layer.state_dict())
    layer = layer.to(pretend.device)
    x = torch.randn(5, 4)
    layer(x.to(pretend.device)).square().sum().backward()
    twin(x).square().sum().backward()
    assert layer.weight.device == pretend.device
    assert torch.equal(layer.weight.grad.cpu(), twin.weight.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_numbers_are_as_precise_as_the_tensors_they_are_combined_with(shape, dtype, pretend):
    x = torch.ones(shape, dtype=dtype)
    for use in (lambda x: x * 0.1, lambda x: x / 3.0, lambda x: torch.where(x > 2.0, x, 0.1), lambda x: 1 - x * 0.3):
        y = use(x.to(pretend.device))
        assert y.dtype == dtype
        assert torch.equal(y.cpu(), use(x))


def test_two_devices_do_not_mix(pretend):
    x = torch.ones(3, device=pretend.device)
    with pytest.raises(RuntimeError, match="same device"):
        x + torch.ones(3)
    assert (x + torch.tensor(2.0)).tolist() == [3.0, 3.0, 3.0]


WAITING = {
    "a number": lambda x: x.sum().item(),
    "a copy to the host": lambda x: x.cpu(),
    "a copy to the device": lambda x: torch.ones(3).to(x.device),
    "positions": lambda x: x.nonzero(),
    "values that a mask selects": lambda x: x[x > 0],
    "values that a mask places": lambda x: x.index_put_((x > 0,), torch.ones(2, device=x.device)),
    "positions on the host": lambda x: x[torch.tensor([0])],
    "distinct values": lambda x: x.unique(),
    "counts": lambda x: torch.bincount(x.to(torch.int64)),
    "repeats": lambda x: torch.repeat_interleave(x, x.to(torch.int64)),
    "a number of the device that fills a mask": lambda x: x.masked_fill(x > 0, x.sum()),
    "whether all are equal": lambda x: torch.equal(x, x + 1),
}
GOING_ON = {
    "a sum": lambda x: x.sum(),
    "a non-blocking copy": lambda x: torch.empty(3).copy_(x, non_blocking=True),
    "a given number of positions": lambda x: torch.nonzero_static(x, size=2),
    "values at positions": lambda x: x[torch.arange(2, device=x.device)],
    "one value that a mask places": lambda x: x.index_put_((x > 0,), torch.tensor(1.0)),
    "a number that fills a mask": lambda x: x.masked_fill(x > 0, 2.0),
    "the largest": lambda x: x.topk(2),
    "a given number of repeats": lambda x: torch.repeat_interleave(x, x.to(torch.int64), output_size=3),
}


@pytest.mark.parametrize("what", WAITING)
def test_operations_that_wait_are_counted(pretend, what):
    x = torch.tensor([0.0, 1.0, 2.0]).to(pretend.device)
    with pretend.counted() as trips:
        WAITING[what](x)
    assert trips.total() == 1


@pytest.mark.parametrize("what", GOING_ON)
def test_operations_that_do_not_wait_are_not_counted(pretend, what):
    x = torch.tensor([0.0, 1.0, 2.0]).to(pretend.device)
    with pretend.counted() as trips:
        GOING_ON[what](x)
    assert trips.total() == 0


def test_memory_runs_out_on_request(pretend):
    x = torch.ones(3, device=pretend.device)
    with pretend.out_of_memory(after=1):
        y = x + 1
        with pytest.raises(torch.OutOfMemoryError):
            y + 1
    assert (y + 1).tolist() == [3.0, 3.0, 3.0]
