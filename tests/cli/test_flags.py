"""Errors on the command line name the flags of the command, not the arguments of Python."""

import argparse

import pytest

from topolearn.cli import parser
from topolearn.cli.flags import in_flags


@pytest.fixture
def actions():
    command = argparse.ArgumentParser()
    command.add_argument("file")
    command.add_argument("--header", action=argparse.BooleanOptionalAction)
    command.add_argument("--directed", action="store_true")
    command.add_argument("-n", "--n-heads", type=int)
    command.add_argument("--run-dir")
    command.add_argument("--sep")
    command.add_argument("--seed", type=int)
    command.add_argument("--top", dest="k", type=int)
    command.add_argument("--one-mode", action="store_const", dest="sides", const=1)
    return command._actions


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("pass header=True", "pass --header"),
        ("pass header=False, or", "pass --no-header, or"),
        ("pass directed=True.", "pass --directed."),
        ("give n_heads=..., or", "give --n-heads, or"),
        ("n_heads=3: does not fit", "--n-heads 3: does not fit"),
        ("seed=-1 must be at least 0", "--seed -1 must be at least 0"),
        ("sep='tab' or sep=','", "--sep tab or --sep ','"),
        ("run_dir='cuda:0'", "--run-dir cuda:0"),
        ("lr=1e-5, seed=2.5e-3.", "lr=1e-5, --seed 2.5e-3."),
        ("choose another run_dir", "choose another --run-dir"),
        ("try another seed", "try another seed"),
        ("tl.train(x, seed=1), or seed=1", "tl.train(x, seed=1), or --seed 1"),
        ("2 seeds (seed=1, seed=2)", "2 seeds (--seed 1, --seed 2)"),
        ("run.seed=1, its_seed=1", "run.seed=1, its_seed=1"),
        ("directed=False, file='a', sides=2", "directed=False, file='a', sides=2"),
        ("k=-1 is too few: k must be at least 0", "--top -1 is too few: --top must be at least 0"),
        ("k must be below n_k, and risk must be low", "--top must be below n_k, and risk must be low"),
        ("topolearn.resume('a')", "topolearn train --resume a"),
    ],
)
def test_arguments_become_flags(message, shown, actions):
    assert in_flags(message, actions) == shown


def test_values_stay_as_a_file_has_them(actions):
    message = "seed=-1 must be at least 0; pass header=True, or another run_dir"
    assert in_flags(message, actions, has_file=True) == (
        "seed=-1 must be at least 0; pass --header, or another --run-dir"
    )


def test_every_command_knows_its_flags():
    commands = next(each.choices for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    for name, command in commands.items():
        assert command.get_default("actions") == command._actions, name
