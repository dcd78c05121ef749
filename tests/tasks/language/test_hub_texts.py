"""Text from the hub: fetched once, cached, split where necessary, and rejected in one line."""

import json

import pytest

from tests.tasks.language.small import config
from topolearn.errors import DownloadError, InvalidValueError
from topolearn.tasks.language import hub_texts, read_texts, train

datasets = pytest.importorskip("datasets")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with data sets as folders that `datasets` loads; counts the loads."""
    loads, load = [], datasets.load_dataset

    def load_dataset(name, configuration):
        loads.append((name, configuration))
        return load(str(tmp_path / "sets" / name), cache_dir=str(tmp_path / "arrow"))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.chdir(tmp_path)

    def publish(name, column="text", **splits):
        folder = tmp_path / "sets" / name
        folder.mkdir(parents=True)
        for split, documents in splits.items():
            lines = [json.dumps({"id": i, column: each}) for i, each in enumerate(documents)]
            (folder / f"{split}.jsonl").write_text("\n".join(lines))

    return publish, loads


def documents(text):
    return [piece for piece, _ in text.pieces()]


def test_a_set_is_fetched_once_and_split_as_the_hub_has_it(hub, tmp_path):
    publish, loads = hub
    publish("owner/notes", train=["a", "b", "c"], validation=["d"], test=["e"])
    for _ in range(2):
        corpus = read_texts("owner/notes:first", cache_dir=tmp_path / "cache")
        assert [documents(each) for each in (corpus.train, corpus.val, corpus.test)] == [["a", "b", "c"], ["d"], ["e"]]
    assert loads == [("owner/notes", "first")]
    assert corpus.name == "owner/notes:first"


def test_the_last_documents_are_held_out_where_there_is_nothing_to_validate_on(hub, tmp_path):
    publish, _ = hub
    publish("owner/web", column="body", train=[f"document {i}" for i in range(40)])
    corpus = read_texts("owner/web", column="body", cache_dir=tmp_path)
    assert documents(corpus.train) == [f"document {i}" for i in range(38)]
    assert documents(corpus.val) == ["document 38", "document 39"]
    assert corpus.test is None


def test_a_model_trains_on_it_and_continues_without_a_network(hub, tmp_path):
    publish, _ = hub
    publish("owner/dogs", train=["a dog runs and a cat sleeps. " * 9] * 20)
    run = train(config(tmp_path, "run", steps=4).with_values({"dataset": "owner/dogs"}), quiet=True)
    assert run.is_complete


@pytest.mark.parametrize(
    ("name", "column", "kind", "said"),
    [
        ("owner/notes", "body", InvalidValueError, "has no column 'body', only id, text: name the text column"),
        ("owner/tests", "text", InvalidValueError, "has no split 'train', only test: choose another data set"),
        ("owner/nothing", "text", DownloadError, "file or folder 'owner/nothing', and loading it from the hub fails"),
    ],
)
def test_what_the_hub_does_not_have_is_rejected(hub, tmp_path, name, column, kind, said):
    publish, _ = hub
    publish("owner/notes", train=["a"])
    publish("owner/tests", test=["a"])
    with pytest.raises(kind, match=said):
        read_texts(name, column=column, cache_dir=tmp_path)
    assert [each.suffix for each in (tmp_path / "hub").iterdir()] == [".lock"]


def test_without_a_network_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadError, match="the hub cannot be reached") as told:
        hub_texts.fetched_text("owner/name:x", "text", tmp_path)
    assert "run 'hf download --repo-type dataset owner/name'" in str(told.value)
    assert "\n" not in str(told.value)
