"""Models in memory and runs answer tasks; the table has the results of the harness, along with constant answers."""

import json
from dataclasses import replace

import pytest
import torch

from tests.tasks.language.small import config, write_corpus
from tests.tasks.zero_shot.always import always, moody
from tests.tasks.zero_shot.glue import write_glue
from topolearn.cli import main
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.recording import Run
from topolearn.sparse import sparse_layers
from topolearn.sparse.conversion.topology import graphs_of
from topolearn.tasks.language import Tokenizer, learn_tokenizer, train
from topolearn.tasks.zero_shot import CONSTANT, LOCAL, UNTRAINED, ZERO_SHOT, as_it_began, evaluate, evaluate_runs
from topolearn.tasks.zero_shot.definitions import definition_file, load_task
from topolearn.tasks.zero_shot.harness import ask, harness_model

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.slow  # the harness takes seconds to be imported

TEXT = ["Question: does it rain? Answer: yes no negative positive True False Neither " * 3]


@pytest.fixture(scope="module")
def tokenizer():
    return learn_tokenizer(TEXT, 300)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return write_glue(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write_corpus(folder)
    values = {"window": 128, "batch_windows": 1}
    for name, method in (("dense", "dense"), ("chts", "chts")):
        train(config(folder, name, method, **values), quiet=True)
    return folder


def test_a_model_that_always_gives_the_same_answer_is_a_constant_answer(tokenizer, data_dir):
    table = evaluate(always(tokenizer, " yes"), tokenizer, ["boolq", "cola"], data_dir=data_dir, quiet=True)
    assert list(table["model"]) == ["model", CONSTANT] * 2
    for name in ("boolq", "cola"):
        model, constant = (row for _, row in table[table["task"] == name].iterrows())
        same = ["task", "n", "accuracy", "stderr", "f1", "f1_of", "mcc", "majority", "commonest", "commonest_share"]
        assert model[same].to_dict() == constant[same].to_dict()
        assert (model["commonest"], model["commonest_share"], model["mcc"]) == ("yes", 1.0, 0.0)


def test_results_equal_those_of_the_harness(tokenizer, data_dir, tmp_path):
    """Accuracy, F1, MCC and, with resampling, the standard error, for answers that are not constant."""
    from lm_eval import evaluate as by_harness

    lm = harness_model(moody(tokenizer), tokenizer, batch_size=3, quiet=True)
    varied = 0
    for name in LOCAL:
        folder = tmp_path / name
        folder.mkdir()
        ready = load_task(name, ZERO_SHOT[name], data_dir, folder)
        answers, measured = ask(lm, name, ready, len(ZERO_SHOT[name].answers))
        ours = {"acc": answers.accuracy, "mcc": answers.mcc, "f1": answers.f1(ZERO_SHOT[name].positive)}
        assert measured == pytest.approx({metric: ours[metric] for metric in ZERO_SHOT[name].metrics}), name
        values = by_harness(lm, {"tasks": {name: ready}}, bootstrap_iters=10)["results"][name]
        if "acc_stderr,none" in values:
            assert answers.standard_error == pytest.approx(values["acc_stderr,none"])
        varied += answers.commonest[1] < 1
    assert varied >= 3


def test_a_long_prompt_is_cut_and_counted(tokenizer, data_dir):
    model = always(tokenizer, " yes", window=40)
    table = evaluate(model, tokenizer, ["boolq", "cola"], data_dir=data_dir, quiet=True)
    prompts = [f"Dogs -- {'It rains. ' * i}\nQuestion: is the dog wet?\nAnswer: yes" for i in range(1, 4)]
    too_long = sum(len(tokens) > 41 for tokens in tokenizer.encode(prompts))
    assert dict(zip(table["task"], table["cut"], strict=True))["boolq"] == 0  # of the constant answer, which comes last
    assert table.loc[table["task"] == "boolq", "cut"].iloc[0] == too_long > 0
    assert model.longest == 40
    assert evaluate(model, tokenizer, ["boolq"], data_dir=data_dir, max_length=400, quiet=True)["cut"].sum() == 0


def test_model_and_tokenizer_stay_as_they_are(tokenizer, data_dir):
    model = always(tokenizer, " no").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, tokenizer, ["cb"], data_dir=data_dir, quiet=True)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_any_causal_model_with_a_tokenizer_of_transformers_answers(tokenizer, data_dir, capsys):
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    inner = tokenizers.Tokenizer.from_str(tokenizer.content)
    theirs = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<| end |>")
    model = always(tokenizer, " yes")
    first = evaluate(model, theirs, ["rte"], data_dir=data_dir, name="mine")
    second = evaluate(model, tokenizer, ["rte"], data_dir=data_dir, name="mine", quiet=True)
    assert first.drop(columns="seconds").equals(second.drop(columns="seconds"))
    assert theirs.pad_token is None
    assert "mine  rte  accuracy" in capsys.readouterr().err


def test_what_cannot_be_evaluated_is_rejected(tokenizer, data_dir):
    values = {"data_dir": data_dir, "quiet": True}
    with pytest.raises(InvalidValueError, match=r"copa: an answer has \d+ tokens, more than the window of 3"):
        evaluate(always(tokenizer, " yes", window=3), tokenizer, ["copa"], **values)
    broken = always(tokenizer, " yes")
    broken.table.data.fill_(float("nan"))
    with pytest.raises(InvalidValueError, match="cola: the model's probabilities are not numbers"):
        evaluate(broken, tokenizer, ["cola"], **values)
    with pytest.raises(InvalidTypeError, match="model=Linear must be a causal model of transformers"):
        evaluate(torch.nn.Linear(2, 2), tokenizer, ["cola"], **values)
    with pytest.raises(InvalidTypeError, match="tokenizer=str must be a Tokenizer"):
        evaluate(always(tokenizer, " yes"), "gpt2", ["cola"], **values)


@pytest.mark.parametrize(
    ("max_length", "error"), [(0, InvalidValueError), (-3, InvalidValueError), (8.5, InvalidTypeError)]
)
def test_a_window_that_is_no_size_is_rejected(max_length, error, tokenizer, data_dir):
    with pytest.raises(error, match=f"max_length={max_length} must be"):
        evaluate(always(tokenizer, " yes"), tokenizer, ["cola"], data_dir=data_dir, max_length=max_length)


def test_the_tokenizer_must_be_that_of_the_model(tokenizer, data_dir):
    model = always(tokenizer, " yes")
    larger = learn_tokenizer(["a dog runs and a cat sleeps", *TEXT], 320)
    with pytest.raises(InvalidValueError, match=f"has {larger.n_tokens} tokens and the model {tokenizer.n_tokens}"):
        evaluate(model, larger, ["cola"], data_dir=data_dir)
    model.config.tokenizer_hash = "0" * 64
    with pytest.raises(InvalidValueError, match="the model was trained with another tokenizer"):
        evaluate(model, tokenizer, ["cola"], data_dir=data_dir)


def test_a_tokenizer_that_adds_marks_to_texts_adds_none_between_prompt_and_answer(tokenizer):
    from tokenizers import Tokenizer as Library
    from tokenizers import processors

    inner = Library.from_str(tokenizer.content)
    inner.post_processor = processors.TemplateProcessing(
        ["$A", "<| end |>"], special_tokens=[("<| end |>", tokenizer.end)]
    )
    pairs = [
        harness_model(always(tokenizer, " yes"), each, batch_size=1)._encode_pair("a dog\nAnswer:", " True")
        for each in (tokenizer, Tokenizer(inner.to_str()))
    ]
    assert pairs[0] == pairs[1] == tuple(tokenizer.encode(["a dog\nAnswer:", " True"]))


def test_a_custom_task_uses_its_definition(tokenizer, data_dir, tmp_path):
    definition = tmp_path / "own.yaml"
    own = {"include": str(definition_file(ZERO_SHOT["rte"])), "task": "own", "doc_to_choice": ["yes", "no"]}
    definition.write_text(json.dumps(own))
    ZERO_SHOT.register("own", replace(ZERO_SHOT["rte"], definition=str(definition), answers=("yes", "no")))
    try:
        table = evaluate(always(tokenizer, " no"), tokenizer, ["own"], data_dir=data_dir, quiet=True)
    finally:
        ZERO_SHOT.unregister("own")
    assert table["commonest"].tolist() == ["no", "yes"]
    assert table["accuracy"].tolist() == [1 / 3, 2 / 3]


def test_the_untrained_network_is_that_with_which_the_run_began(runs):
    run = Run(runs / "chts")
    model, _ = as_it_began("untrained", run).load()
    first, last = run.history.at(0), run.history.at(run.history.steps[-1])
    assert graphs_of(sparse_layers(model)) == first
    assert first != last


def test_runs_are_evaluated_next_to_the_untrained_network(runs, data_dir):
    table = evaluate_runs([runs / "chts", runs / "dense"], ["cola", "copa"], data_dir=data_dir, quiet=True)
    assert list(table["model"]) == ["chts", "dense", UNTRAINED, CONSTANT] * 2
    assert list(table["task"]) == ["cola"] * 4 + ["copa"] * 4
    each = evaluate_runs([runs / "chts"], ["copa"], data_dir=data_dir, untrained="each", quiet=True)
    assert list(each["model"]) == ["chts", "chts, untrained", CONSTANT]
    of_copa = table[table["task"] == "copa"]
    columns = ["n", "accuracy", "mcc", "commonest"]
    assert each[columns].values.tolist() == of_copa.iloc[[0, 2, 3]][columns].values.tolist()


def test_the_command_prints_a_table_and_compares(runs, data_dir, tmp_path, capsys):
    file = tmp_path / "table.csv"
    command = [
        "evaluate",
        str(runs / "chts"),
        str(runs / "dense"),
        "--data-dir",
        str(data_dir),
        "--tasks",
        "rte, cb,cola",
    ]
    assert main([*command, "--output", str(file)]) == 0
    printed = capsys.readouterr()
    heading, *lines = printed.out.splitlines()
    assert heading.split() == ["task", "model", "n", "accuracy", "+-", "F1", "of", "MCC", "answers", "same", "cut"]
    assert [line.split()[0] for line in lines[:12:4]] == ["rte", "cb", "cola"]
    assert lines[12].startswith("chts against dense, win rate over 3 tasks: accuracy ")
    assert lines[13].startswith("time ")
    assert "dense  cb  accuracy" in printed.err
    assert main([*command, "--json", "--untrained", "none", "--limit", "2"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in rows[:3]] == ["chts", "dense", CONSTANT]
    assert {row["n"] for row in rows} == {2}
    assert file.read_text().startswith("task,model,n,accuracy,stderr,f1,f1_of,mcc,majority,commonest,")
