"""Every program of analysis/ parses its options and ends alike."""

import argparse
import importlib
from itertools import chain
from pathlib import Path

import pytest

from analysis.program import Program
from topolearn.errors import MissingFileError

ROOT = Path(__file__).parents[2]
ELSEWHERE = ("examples", "cuda")  # programs as users write them, and one that runs without most packages
GUARD = 'if __name__ == "__main__":\n'
PROGRAMS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "analysis").rglob("*.py"))
    if path.parent.name not in ELSEWHERE and GUARD in path.read_text(encoding="utf-8")
}


def saying(program: Program) -> Program:
    program.add_argument("--data-dir", default="data")
    program.add_argument("--jobs", type=int, default=1)
    return program


def test_there_are_programs() -> None:
    assert len(PROGRAMS) > 30


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_as_all_others_do(name: str) -> None:
    assert PROGRAMS[name].partition(GUARD)[2] == "    program().run(main)\n"
    program = importlib.import_module(name).program()
    assert isinstance(program, Program)
    assert program.description.strip() in program.format_help()


def unreached(args: argparse.Namespace) -> None:
    pytest.fail(f"the program ran with {args}")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_count_below_one_is_rejected_before_a_program_runs(name: str) -> None:
    program = importlib.import_module(name).program()
    required = [[*each.option_strings[:1], "here"] for each in program._actions if each.required]
    for option in program._actions:
        if option.type is int and option.dest != "seed":
            n = option.nargs if isinstance(option.nargs, int) else 1
            with pytest.raises(SystemExit) as end:
                program.run(unreached, [*chain(*required), option.option_strings[0], *["0"] * n])
            assert end.value.code == f"error: {option.option_strings[0]} 0 must be at least 1"


def test_a_seed_may_be_zero() -> None:
    program = Program("A study.")
    program.add_argument("--seed", type=int)
    program.add_argument("--steps", type=int, nargs="*")
    seen: list[argparse.Namespace] = []
    program.run(seen.append, ["--seed", "0", "--steps"])
    assert seen == [argparse.Namespace(seed=0, steps=[])]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("jobs=0 must be a positive integer", "--jobs 0 must be a positive integer"),
        ("no file of MNIST in 'nowhere': pass data_dir=...", "no file of MNIST in 'nowhere': pass --data-dir"),
    ],
)
def test_a_mistake_ends_in_one_line_with_flags(reason: str, shown: str) -> None:
    def main(args: argparse.Namespace) -> None:
        raise MissingFileError(reason)

    with pytest.raises(SystemExit) as end:
        saying(Program("A study.")).run(main, [])
    assert end.value.code == f"error: {shown}"


def test_a_fault_of_a_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        Program("A study.").run(lambda args: print(1 / 0), [])


def test_an_interrupted_program_says_how_to_continue(capsys: pytest.CaptureFixture[str]) -> None:
    def main(args: argparse.Namespace) -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        Program("A study.", "start again").run(main, [])
    assert end.value.code == 130
    assert capsys.readouterr().err.endswith("start again\n")
