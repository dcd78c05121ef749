"""The manifest of a run recognises its files, and detects any change in them."""

import hashlib
import json
import shutil
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topolearn as tl
from tests.recording.any_loop import Loop
from topolearn.errors import ChangedFileWarning, ChangedRunError, CorruptFileError
from topolearn.recording.integrity.listed import CHANGED, CUT, MISSING, UNCHECKED, WHOLE
from topolearn.recording.integrity.manifest import Manifest
from topolearn.recording.plan import manifest_of

OPTIONS = {"measures": ["closure"], "every": 2, "config": {"lr": 0.01}}


def states(manifest):
    return {each.file: each.state for each in manifest.check()}


def listed(path):
    """Return the combined content of a manifest's lines."""
    files = {}
    for line in (path / "manifest.jsonl").read_text().splitlines():
        change = json.loads(line)
        files |= change.get("files", {})
        for name in change.get("gone", ()):
            del files[name]
    return files


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "topology").mkdir()
    for name in ("config.json", "rows.csv", "topology/initial.npz", "notes.txt"):
        (tmp_path / name).write_text(f"what is in {name}\n")
    return tmp_path


@pytest.fixture
def manifest(folder):
    made = Manifest(folder, ["config.json", "rows.csv", "later.json", "topology"], growing=["rows.csv"])
    made.begin()
    return made


def test_checksums_match_sha256sum(folder, manifest):
    manifest.close(complete=True)
    assert listed(folder) == {
        name: [(folder / name).stat().st_size, hashlib.sha256((folder / name).read_bytes()).hexdigest()]
        for name in ("config.json", "rows.csv", "topology/initial.npz")  # and not what is somebody else's
    }


@pytest.mark.parametrize(
    ("damage", "state"),
    [
        (lambda file: None, WHOLE),
        (lambda file: file.unlink(), MISSING),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), CUT),
        (lambda file: file.write_bytes(b""), CUT),
        (lambda file: file.write_bytes(file.read_bytes()[:-1] + b"x"), CHANGED),
        (lambda file: file.write_bytes(file.read_bytes() + b"x"), CHANGED),
        (lambda file: shutil.copy(file.with_name("notes.txt"), file), CUT),
    ],
)
def test_a_file_is_whole_changed_cut_or_missing(damage, state, folder, manifest):
    damage(folder / "config.json")
    assert states(manifest) == {"config.json": state, "rows.csv": WHOLE, "topology/initial.npz": WHOLE}


def test_a_table_grows_until_the_run_is_complete(folder, manifest):
    with (folder / "rows.csv").open("a") as file:
        file.write("another row\n")
    assert states(manifest)["rows.csv"] == WHOLE
    manifest.seal()
    with (folder / "rows.csv").open("r+") as file:
        file.write("W")  # within what was listed
    assert states(Manifest(folder, ["rows.csv"], ["rows.csv"]))["rows.csv"] == CHANGED
    manifest.close(complete=True)
    with (folder / "rows.csv").open("a") as file:
        file.write("a row too many\n")
    assert states(manifest)["rows.csv"] == CHANGED


def test_what_is_new_is_unchecked_until_it_is_sealed(folder, manifest):
    (folder / "later.json").write_text("{}")
    assert states(manifest)["later.json"] == UNCHECKED
    manifest.seal(now=False)  # less than a second after the beginning
    assert states(manifest)["later.json"] == UNCHECKED
    manifest.seal()
    assert states(manifest)["later.json"] == WHOLE
    (folder / "later.json").unlink()
    manifest.seal()
    assert "later.json" not in states(manifest)


def test_a_file_that_is_being_replaced_may_be_either(folder, manifest):
    with manifest.replacing("topology"):
        assert states(Manifest(folder, ["topology"]))["topology/initial.npz"] == UNCHECKED
        (folder / "topology" / "initial.npz").write_text("another")
        assert states(Manifest(folder, ["topology"]))["topology/initial.npz"] == UNCHECKED
    assert states(Manifest(folder, ["topology"]))["topology/initial.npz"] == WHOLE
    (folder / "topology" / "initial.npz").write_text("a third")
    assert states(Manifest(folder, ["topology"]))["topology/initial.npz"] == CHANGED


@given(kept=st.integers(0, 400))
@settings(max_examples=40)
def test_a_manifest_that_was_cut_off_lists_less_but_nothing_wrong(kept, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "a.json").write_text("first")
    manifest = Manifest(folder, ["a.json", "b.json"])
    manifest.begin()
    (folder / "b.json").write_text("second")
    manifest.seal()
    content = manifest.path.read_bytes()
    manifest.path.write_bytes(content[:kept])
    assert set(states(Manifest(folder, ["a.json", "b.json"])).values()) <= {WHOLE, UNCHECKED}


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "null", '{"files": {}}', '{"complete": 1, "files": 3}', '{"complete": 1, "files": {"a": [1]}}', "\x00"],
)
def test_a_damaged_manifest_is_reported(line, folder, manifest):
    with manifest.path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(CorruptFileError, match=r"manifest\.jsonl, line 2 is not readable .* --accept-changes"):
        manifest.check()


def test_many_lines_become_one(folder, manifest):
    for i in range(1000):
        (folder / "later.json").write_text(str(i))
        manifest.seal()
    assert manifest.path.stat().st_size < 2**17
    assert set(states(manifest).values()) == {WHOLE}


def test_every_file_of_a_recorded_run_is_listed(tmp_path):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, **OPTIONS) as recorder:
        loop.run(recorder, until=10)
        assert set(states(manifest_of(recorder.path)).values()) <= {WHOLE, UNCHECKED}
    found = states(manifest_of(tmp_path / "run"))
    assert set(found.values()) == {WHOLE}
    assert found.keys() == {
        each.relative_to(tmp_path / "run").as_posix()
        for each in (tmp_path / "run").rglob("*")
        if each.is_file() and each.name not in (".lock", "manifest.jsonl")
    }


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("metrics.csv", lambda run: run.metrics),
        ("layers.csv", lambda run: run.layers),
        ("network.csv", lambda run: run.network),
        ("measures.csv", lambda run: run.measures),
        ("config.json", lambda run: run.config),
        ("environment.json", lambda run: run.environment),
        ("summary.json", lambda run: run.summary),
        ("recording.json", lambda run: run.schedulers),
        ("topology/initial.npz", lambda run: run.history),
    ],
)
def test_a_run_warns_about_changed_files_that_it_reads(name, read, tmp_path):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, **OPTIONS) as recorder:
        loop.run(recorder, until=10)
    run, file = tl.Run(tmp_path / "run"), tmp_path / "run" / name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(tl.Run(tmp_path / "run"))
    content = file.read_bytes()
    file.write_bytes(content + b" " if b"{" in content or name.endswith(".npz") else content[:-2] + b"7\n")
    with pytest.warns(ChangedFileWarning, match=rf"{file.name} has changed since it was written: .* 'topolearn verify"):
        read(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.__dict__.pop("config", None)
        read(run)  # once is enough


def test_a_run_with_a_damaged_manifest_can_be_read(tmp_path):
    loop = Loop()
    with tl.record(tmp_path / "run", loop.topology, **OPTIONS) as recorder:
        loop.run(recorder, until=10)
    (tmp_path / "run" / "manifest.jsonl").write_text("{\n")
    with pytest.warns(ChangedFileWarning, match=r"manifest\.jsonl, line 1 is not readable"):
        assert len(tl.Run(tmp_path / "run").metrics) == 10


def test_a_changed_run_continues_if_changes_are_accepted(tmp_path):
    loop = Loop()
    recorder = tl.record(tmp_path / "run", loop.topology, **OPTIONS)
    loop.run(recorder, until=10)
    recorder.close(complete=False)
    metrics = tmp_path / "run" / "metrics.csv"
    text = metrics.read_text()
    metrics.write_text(text.replace("0.", "1.", 1))
    with pytest.raises(ChangedRunError, match=r"metrics\.csv has changed since it was written\. Restore .* continue"):
        tl.record(tmp_path / "run", loop.topology, resume=True, **OPTIONS)
    with tl.record(tmp_path / "run", loop.topology, resume=True, accept_changes=True, **OPTIONS) as recorder:
        loop.run(recorder)
    run = tl.Run(tmp_path / "run")
    assert run.environment["accepted"] == ["metrics.csv has changed since it was written"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(run.metrics) == 40


@pytest.mark.parametrize("name", ["torch", "topolearn"])
def test_another_version_is_reported(name, tmp_path, monkeypatch):
    loop = Loop()
    recorder = tl.record(tmp_path / "run", loop.topology, **OPTIONS)
    loop.run(recorder, until=10)
    recorder.close(complete=False)
    now = {"topolearn": tl.__version__, "torch": "3.0"} if name == "torch" else {"topolearn": "9", "torch": "3.0"}
    monkeypatch.setattr("topolearn.recording.integrity.unchanged.versions", lambda: now)
    with pytest.raises(ChangedRunError, match=rf"{name} was .* and is now {now[name]}"):
        tl.record(tmp_path / "run", loop.topology, resume=True, **OPTIONS)
    tl.record(tmp_path / "run", loop.topology, resume=True, accept_changes=True, **OPTIONS).close(complete=False)
    tl.record(tmp_path / "run", loop.topology, resume=True, **OPTIONS).close()  # which is asked once
