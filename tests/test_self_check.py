"""The self-checks of an installation: they pass here, and each of them can fail."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn import self_check
from topolearn.self_check import SELF_CHECKS, SelfCheckError


@pytest.mark.parametrize("name", SELF_CHECKS)
def test_this_installation_passes(name):
    SELF_CHECKS[name]()


def unlike(monkeypatch, change):
    """Make the two compared networks differ."""
    networks = self_check._networks

    def changed():
        first, second = networks()
        change(second)
        yield first
        yield second

    monkeypatch.setattr(self_check, "_networks", changed)


@torch.no_grad()
def scale(model):
    model[2].link_parameter.mul_(1 + 1e-6)


def other_links(model):
    layer = model[2]
    free = np.setdiff1d(np.arange(layer.shape[0] * layer.shape[1]), layer.cells())
    layer.set_links(torch.from_numpy(np.sort(np.concatenate([layer.cells()[1:], free[:1]]))))


def test_different_products_are_reported(monkeypatch):
    unlike(monkeypatch, scale)
    with pytest.raises(SelfCheckError, match="outputs of masked and csr layers differ"):
        self_check.products()


def test_different_steps_are_reported(monkeypatch):
    run = tl.CompiledSteps.run
    monkeypatch.setattr(tl.CompiledSteps, "run", lambda steps, x, y, order, n: run(steps, x, y, order[:-n], n))
    with pytest.raises(SelfCheckError, match="weights after steps with autograd and in compiled code differ"):
        self_check.compiled_steps()


def test_different_updates_are_reported(monkeypatch):
    unlike(monkeypatch, other_links)
    with pytest.raises(SelfCheckError, match="updates of masked and csr layers choose different links"):
        self_check.updates()


def test_different_link_choices_are_reported(monkeypatch):
    select = self_check.select
    monkeypatch.setattr(
        self_check, "select", lambda *a, seed, form, **o: select(*a, seed=int(form == "stream"), form=form, **o)
    )
    with pytest.raises(SelfCheckError, match="the implementations of ch2_l3n choose different links"):
        self_check.link_prediction()


def test_damaged_runs_are_reported(monkeypatch):
    verify = self_check.verify

    def cut(path):
        (path / "metrics.csv").write_text("epoch\n")
        return verify(path)

    monkeypatch.setattr(self_check, "verify", cut)
    with pytest.raises(SelfCheckError, match="a run that was just written has damaged files"):
        self_check.runs()


def test_resumed_runs_that_differ_are_reported(monkeypatch):
    resume = self_check.resume

    def differently(path, *, quiet):
        metrics = resume(path, quiet=quiet).metrics
        metrics.loc[metrics.index[-1], "train_loss"] += 1e-9
        return SimpleNamespace(metrics=metrics)

    monkeypatch.setattr(self_check, "resume", differently)
    with pytest.raises(SelfCheckError, match="a resumed run differs"):
        self_check.runs()


def test_ctrl_c_during_a_check_ends_it(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(self_check, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        self_check.runs()
