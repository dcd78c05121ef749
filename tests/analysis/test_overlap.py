"""The study of soft and hard selection, as its command runs it."""

from pathlib import Path

from analysis import overlap
from analysis.overlap import RULES

OPTIONS = ("--hidden", 16, 16, "--epochs", 2, "--density", 0.2, "--update-interval", 20)


def test_both_rules_are_trained_once_and_drawn(command, n_trained, capsys):
    command(overlap, *OPTIONS)
    soft, hard = n_trained
    assert [config.overrides["regrowth"] for config in n_trained] == ["ch2_l3n-soft", "ch2_l3n"]
    for config in n_trained:
        assert (config.dataset, config.hidden, config.epochs, config.update_interval) == ("digits", (16, 16), 2, 20)
        assert (config.density, config.threads, config.seed) == (0.2, 1, 0)
        assert Path(config.run_dir).parent == Path("runs/overlap").resolve()
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said[:2]] == list(RULES)
    assert said[2] == "figures/overlap_digits.png"
    assert Path(said[2]).stat().st_size > 10_000
    command(overlap, *OPTIONS)
    assert n_trained == [soft, hard]
    assert capsys.readouterr().out.splitlines() == said
    command(overlap, *OPTIONS, "--threads", 2, "--runs", "elsewhere")
    assert [config.threads for config in n_trained[2:]] == [2, 2]


def test_other_values_are_other_runs_of_one_folder(command, n_trained):
    command(overlap, *OPTIONS)
    command(overlap, *OPTIONS, "--epochs", 1)
    assert [config.epochs for config in n_trained] == [2, 2, 1, 1]
    assert len({config.run_dir for config in n_trained}) == 4
