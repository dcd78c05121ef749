"""Help is instant, as it imports nothing heavy, and lists exactly the names in the registries."""

import inspect
import subprocess
import sys
from dataclasses import fields

import pytest

import topolearn as tl
from topolearn import generators, linkpred
from topolearn.cli import choices, main, parser
from topolearn.diagnostics import MEASURES
from topolearn.graph.reading import FORMATS
from topolearn.studies import EXECUTORS
from topolearn.task_registry import TASKS, imported
from topolearn.training.data import DOWNLOADS
from topolearn.training.options import TrainOptions

COMMANDS = next(action for action in parser()._actions if action.dest == "==SUPPRESS==" or action.choices).choices
HEAVY = {"torch", "numpy", "scipy", "pandas", "numba", "matplotlib", "networkx", "igraph", "sklearn", "transformers"}
ASK = f"""
import contextlib, io, sys
from topolearn.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    for words in sys.argv[1:]:
        with contextlib.suppress(SystemExit):
            main(words.split())
print(sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))
"""


def test_no_help_imports_anything_heavy():
    asked = ["--help", "--version", "completion bash", *(f"{name} --help" for name in COMMANDS)]
    done = subprocess.run([sys.executable, "-c", ASK, *asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("written", "registry"),
    [
        (choices.GENERATORS, generators.names()),
        (choices.PREDICTORS, linkpred.names()),
        (choices.GRAPH_FORMATS, FORMATS),
        (choices.EXECUTORS, EXECUTORS),
        (choices.DOWNLOADS, DOWNLOADS),
        (choices.MEASURES, MEASURES),
    ],
    ids=["generators", "predictors", "formats", "executors", "downloads", "measures"],
)
def test_help_lists_the_names_of_the_registries(written, registry):
    assert list(written) == list(registry)


def test_parameters_of_generators_are_those_of_their_models():
    for name, (kind, owners) in choices.GENERATOR_PARAMETERS.items():
        assert [each for each in generators.GENERATORS if name in generators.model_parameters(each)] == list(owners)
        for owner in owners:
            default = inspect.signature(generators.GENERATORS[owner]).parameters[name].default
            assert type(default) is kind
    known = {name for each in generators.GENERATORS for name in generators.model_parameters(each)}
    assert known == set(choices.GENERATOR_PARAMETERS)


def test_options_of_trainings_are_the_fields_of_their_configuration():
    assert [f.name for f in fields(TrainOptions)] == [f.name for f in fields(tl.TrainConfig)]


@pytest.mark.parametrize("task", TASKS)
def test_the_docstring_of_a_configuration_documents_each_field(task):
    config = imported(TASKS[task].config)
    lines = inspect.getdoc(config).splitlines()
    for f in fields(config):
        (place,) = (number for number, line in enumerate(lines) if line.startswith(f"{f.name} : "))
        assert lines[place + 1].strip().startswith(" ".join(f.metadata["help"].split())[:40])


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_scripts_have_commands_and_options(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("train", "diagnose", "density", "accept-changes"):
        assert word in script


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"topolearn {tl.__version__}\n"
