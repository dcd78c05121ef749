"""What tests of several rooms need."""

import pytest
import torch


@pytest.fixture
def n_threads():
    """Set the number of threads of torch, and put the former back afterwards."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
