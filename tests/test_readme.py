"""The README's own examples run as they stand."""

import re
from pathlib import Path

from topolearn import topology_of

ROOT = Path(__file__).parents[1]


def test_the_python_examples_run(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    namespaces: list[dict] = [{} for _ in range(8)]
    for namespace, example in zip(namespaces, re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL), strict=True):
        exec(example, namespace)
    assert namespaces[0]["topology"].n_updates == 9
    assert capsys.readouterr().out.count("TopologyUpdate(") == 9
    assert len(namespaces[1]["network"].groups) == 2 * 3
    assert len(topology_of(namespaces[2]["model"]).groups) == 2 * 3
    assert type(namespaces[3]["model"][0]).__name__ == "CsrLinear"
    assert namespaces[4]["runs"]["state"].tolist() == ["done"] * 12
    assert sum(namespaces[4]["rates"]) == 1
    assert namespaces[5]["world"].sigma > 1
    assert namespaces[6]["config"].build_method().regrowth == "degree_product-soft"
    namespaces[6]["REGROWTHS"].unregister("degree_product")
    namespaces[6]["MEASURES"].unregister("hub")
    assert namespaces[7]["scores"].shape == (14, 18)
    assert namespaces[7]["new"].shape == (10, 2)


def test_the_pictures_and_commands_it_names_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (ROOT / picture).is_file(), picture
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, flags=re.MULTILINE):
        assert f"\n{target}:" in makefile
    for module in re.findall(r"python -m (analysis\.[\w.]+)", text):
        assert (ROOT / module.rstrip(".").replace(".", "/")).with_suffix(".py").is_file(), module
