"""`verify` reports intact files as whole, and names all others."""

import pytest

import topolearn as tl
from tests.recording.earlier import without_manifest
from topolearn.cli import main
from topolearn.errors import InvalidValueError, MissingFileError
from topolearn.studies import Study, run_study
from topolearn.verification import verify


def wrong(path, **options):
    table = verify(path, **options)
    return {row.file: (row.state, row.detail) for row in table.itertuples() if row.state != "whole"}


def test_a_run_is_whole_and_nothing_is_written(chts, copy, tree):
    before = tree(copy(chts))
    table = verify(copy.path)
    assert set(table["state"]) == {"whole"}
    assert table["size"].sum() == sum(
        each.stat().st_size
        for each in copy.path.rglob("*")
        if each.is_file() and each.name not in (".lock", "manifest.jsonl", "report.html")
    )
    assert tree(copy.path) == before


@pytest.mark.parametrize(
    ("name", "content", "state", "detail"),
    [
        ("config.toml", b"", "cut", "has 0 bytes instead of"),
        ("metrics.csv", b"step,epoch\n" * 1000, "changed", "has changed since it was written"),
        ("checkpoints/last.safetensors", None, "missing", "is missing"),
        ("topology/initial.npz", None, "missing", "is missing"),
        ("manifest.jsonl", b"{\n", "corrupt", "line 1 is not readable"),
        ("manifest.jsonl", b'{"format": 2, "complete": true}\n', "corrupt", "belongs to another version of topolearn"),
        ("manifest.jsonl", b'{"complete": true, "files": {"../x": [1, "a"]}}\n', "corrupt", "outside the run"),
        ("manifest.jsonl", None, "missing", "is missing"),
    ],
)
def test_what_is_wrong_with_a_run(name, content, state, detail, chts, copy):
    file = copy(chts) / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    found = wrong(copy.path)
    assert found[name][0] == state
    assert detail in found[name][1]


def test_a_run_without_a_manifest_is_read(chts, copy):
    without_manifest(copy(chts))
    assert set(wrong(copy.path).values()) == {("unchecked", "the run has no manifest")}
    (copy.path / "metrics.csv").write_text("a,b\n1,2\n")
    assert wrong(copy.path)["metrics.csv"][0] == "corrupt"


def test_accepted_changes_are_whole_from_then_on(chts, copy):
    file = copy(chts) / "metrics.csv"
    file.write_text(file.read_text().replace("0.", "1."))
    assert list(wrong(copy.path)) == ["metrics.csv"]
    assert wrong(copy.path, accept_changes=True) == {}
    assert tl.Run(copy.path).environment["accepted"] == ["metrics.csv has changed since it was written"]


def test_accepting_changes_does_not_change_the_recorded_environment(chts, copy, monkeypatch):
    file = copy(chts) / "metrics.csv"
    file.write_text(file.read_text().replace("0.", "1."))
    before = tl.Run(copy.path).environment
    monkeypatch.setattr("topolearn.recording.integrity.unchanged.versions", lambda: {"topolearn": "9", "torch": "9"})
    assert wrong(copy.path, accept_changes=True) == {}
    after = tl.Run(copy.path).environment
    assert {name: value for name, value in after.items() if name != "accepted"} == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("graph.edges", "a x\nb\n"), ("graph.mtx", "%%MatrixMarket matrix\n"), ("summary.json", "{"),
        ("weights.safetensors", "no weights"), ("config.toml", "lr = fast"), ("study.toml", "name ="),
    ],
)  # fmt: skip
def test_one_file_is_read_as_what_its_name_says(name, content, tmp_path):
    file = tmp_path / name
    file.write_text(content)
    [(told, (state, detail))] = wrong(file).items()
    assert (told, state) == (name, "corrupt")
    assert name in detail
    assert "\n" not in detail


def test_good_files_are_whole(chts, tmp_path):
    tl.generators.erdos_renyi(8, 6, 0.5, seed=0).save(tmp_path / "layer.npz")
    history, checkpoint = chts.path / "topology" / "initial.npz", chts.path / "checkpoints" / "last.safetensors"
    for file in (tmp_path / "layer.npz", history, checkpoint, chts.path / "config.toml"):
        assert wrong(file) == {}


def test_all_runs_of_a_study(tmp_path, capsys):
    base = {"epochs": 1, "hidden": [16], "density": 0.2, "measures": ["none"]}
    run_study(Study(name="two", base=base, seeds=[0, 1]), tmp_path / "two", quiet=True)
    assert wrong(tmp_path / "two") == {}
    first = min(each for each in (tmp_path / "two").iterdir() if (each / "config.toml").is_file())
    (first / "layers.csv").unlink()
    assert list(wrong(tmp_path / "two")) == [f"{first.name}/layers.csv"]
    assert main(["verify", str(tmp_path / "two")]) == 1
    assert f"missing    {first.name}/layers.csv: is missing" in capsys.readouterr().out


def test_the_command_reports_what_is_whole(chts, capsys):
    assert main(["verify", str(chts.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "whole      config.toml" in lines
    assert lines[-1] == f"{len(lines) - 1} whole"


def test_there_is_nothing_to_verify(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file or directory"):
        verify(tmp_path / "none")
    with pytest.raises(InvalidValueError, match="is neither a run nor a study"):
        verify(tmp_path)
    (tmp_path / "a.csv").write_text("a,x\n")
    with pytest.raises(InvalidValueError, match="is a file, which has no manifest"):
        verify(tmp_path / "a.csv", accept_changes=True)
