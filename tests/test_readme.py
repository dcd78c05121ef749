"""The examples in the README run unchanged."""

import re
from pathlib import Path

from topolearn import topology_of
from topolearn.recording import Logger

ROOT = Path(__file__).parents[1]


def test_the_python_examples_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    namespaces: list[dict] = [{} for _ in range(12)]
    for namespace, example in zip(namespaces, re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL), strict=True):
        exec(example, namespace)
    network, loop, wandb, transformer, llama, compiled, csr, study, measures, one_mode, own, predictors = namespaces
    assert f"# {network['graph'].source}" in text
    assert network["weights"].sum() == 231
    assert loop["topology"].n_updates == 9
    assert (loop["run"].path / "report.html").is_file()
    assert capsys.readouterr().out.count("report.html") == 1
    assert isinstance(wandb["WandbLogger"].__new__(wandb["WandbLogger"]), Logger)
    assert len(transformer["network"].groups) == 2 * 3
    assert len(topology_of(llama["model"]).groups) == 2 * 3
    assert compiled["topology"].n_updates == 9
    assert type(csr["model"][0]).__name__ == "CsrLinear"
    assert study["runs"]["state"].tolist() == ["done"] * 12
    assert sum(study["rates"]) == 1
    assert measures["world"].sigma > 1
    assert one_mode["karate"].n_links == 78
    assert own["config"].build_method().regrowth == "degree_product-soft"
    own["REGROWTHS"].unregister("degree_product")
    own["MEASURES"].unregister("hub")
    assert predictors["scores"].shape == (14, 18)
    assert predictors["new"].shape == (10, 2)


def test_the_pictures_and_commands_it_names_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (ROOT / picture).is_file(), picture
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, flags=re.MULTILINE):
        assert f"\n{target}:" in makefile
    for module in re.findall(r"python -m (analysis\.[\w.]+)", text):
        assert (ROOT / module.rstrip(".").replace(".", "/")).with_suffix(".py").is_file(), module
