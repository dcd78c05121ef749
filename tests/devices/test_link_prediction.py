"""Every predictor scores and chooses links on a device as on the CPU; forms that need the CPU raise an error."""

import networkx
import numpy as np
import pytest
import torch

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.linkpred import PREDICTORS, random, score, select, select_cells
from topolearn.linkpred.form_names import AUTO, DENSE, FORMS
from topolearn.sampling import RandomField

COMPILED = [form for form in FORMS if form not in (AUTO, DENSE)]
K = 25


def layers(n=2, n_in=18, n_out=14, density=0.15):
    graphs = [tl.generators.erdos_renyi(n_in, n_out, density, seed=i) for i in range(n)]
    return graphs, [graph.to_torch() for graph in graphs]


def forms_of(predictor):
    """Return the forms that a predictor has on the CPU."""
    graph, left = layers()[0][0], []
    for form in FORMS:
        try:
            score(graph, predictor, form=form)
        except InvalidValueError:
            continue
        left.append(form)
    return left


@pytest.mark.parametrize("predictor", [*PREDICTORS, "random"])
def test_scores_are_those_of_the_dense_form(predictor, pretend):
    """Up to rounding, since the CPU adds up the contributions of paths in place."""
    graphs, masks = layers()
    seed = {"seed": 3} if predictor == "random" else {}
    for graph, mask in zip(graphs, masks, strict=True):
        for dtype, rtol in (("float64", 1e-12), ("float32", 1e-5)):
            expected = score(mask, predictor, form=DENSE, dtype=dtype, **seed)
            scores = score(mask.to(pretend.device), predictor, dtype=dtype, **seed)
            assert scores.device == pretend.device
            torch.testing.assert_close(scores.cpu(), expected, rtol=rtol, atol=rtol)
            assert torch.equal(scores.cpu() > 0, expected > 0)
            by_name = score(graph, predictor, device="pretend", dtype=dtype, **seed)
            assert np.array_equal(by_name, scores.cpu().numpy())
    stacked = score(torch.stack(masks).to(pretend.device), predictor, **seed)
    torch.testing.assert_close(stacked.cpu(), score(torch.stack(masks), predictor, form=DENSE, **seed))


@pytest.mark.parametrize("soft", [False, True], ids=["best", "sampled"])
@pytest.mark.parametrize("predictor", [*PREDICTORS, "random"])
def test_a_device_chooses_the_cells_of_every_form(predictor, soft, pretend):
    """Compiled forms add in another order; choices agree because scores that agree to 33 bits count as ties."""
    forms = forms_of(predictor)
    assert DENSE in forms
    for i, graph in enumerate(layers(3)[0]):
        mask, field = graph.to_torch(), RandomField(i, layer="layer", update=i)
        chosen = select(graph, predictor, K, soft=soft, seed=i, device=pretend.device)
        cells = select_cells(mask.to(pretend.device), predictor, K, field, soft=soft)
        assert cells.device == pretend.device
        for form in forms:
            assert select(graph, predictor, K, soft=soft, seed=i, form=form).tolist() == chosen.tolist(), form
            assert torch.equal(select_cells(mask, predictor, K, field, soft=soft, form=form), cells.cpu()), form


@pytest.mark.parametrize("soft", [False, True], ids=["best", "sampled"])
def test_barred_cells_are_not_chosen_on_a_device(soft, pretend):
    graph = layers()[0][0]
    mask, field = graph.to_torch(), RandomField(0, layer="layer", update=1)
    free = (~mask).flatten().nonzero().squeeze(1)
    barred = select_cells(mask, "ch3_l3p", K, field, soft=soft)
    chosen = select_cells(mask.to(pretend.device), "ch3_l3p", K, field, soft=soft, barred=barred.to(pretend.device))
    assert torch.equal(select_cells(mask, "ch3_l3p", K, field, soft=soft, barred=barred), chosen.cpu())
    assert set(chosen.tolist()) <= set(free.tolist()) - set(barred.tolist())


@pytest.mark.parametrize("form", COMPILED)
def test_compiled_forms_are_rejected_on_a_device(form, pretend):
    graph, mask = (each[0] for each in layers())
    rejected = pytest.raises(InvalidValueError, match=rf"form={form!r} runs on the CPU, not on pretend.*use 'dense'")
    for use in (
        lambda: score(graph, "ch3_l3p", form=form, device="pretend"),
        lambda: score(mask.to(pretend.device), "ch3_l3p", form=form),
        lambda: score(mask.to(pretend.device)[None], "ch3_l3p", form=form),
        lambda: select(graph, "ch3_l3p", 3, form=form, device="pretend"),
        lambda: select_cells(mask.to(pretend.device), "ch3_l3p", 3, RandomField(0), soft=True, form=form),
    ):
        with rejected:
            use()


def test_graphs_of_one_kind_of_nodes_are_rejected_on_a_device(pretend):
    graph = networkx.karate_club_graph()
    with pytest.raises(InvalidValueError, match="device='pretend': one-mode graphs are scored on the CPU"):
        score(graph, "ch3_l3p", device="pretend")


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", r"device='gpu' is unknown: did you mean 'cpu'\? Known names: cpu, "),
        ("cpu:3", "device='cpu:3', but torch sees 1 CPU device here: use one of cpu"),
        ("xpu:99", "device='xpu:99', but torch sees"),
        ("mps:99", "device='mps:99', but torch sees"),
        ("cuda:99", "device='cuda:99', but torch sees"),
        ("vulkan", "device='vulkan', but torch sees no VULKAN device here"),
    ],
)
def test_devices_that_are_not_here_are_rejected(device, message, pretend):
    graph = layers()[0][0]
    for use in (
        lambda: score(graph, "ch3_l3p", device=device),
        lambda: score(graph.to_torch()[None], "ch3_l3p", device=device),
        lambda: score(graph, "random", device=device),
        lambda: random(graph, device=device),
        lambda: select(graph, "ch3_l3p", 3, device=device),
        lambda: select_cells(graph, "ch3_l3p", 3, RandomField(0), soft=False, device=device),
    ):
        with pytest.raises(InvalidValueError, match=message):
            use()
