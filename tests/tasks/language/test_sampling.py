"""Sampling text: the rule, the seed, beyond the window, and to the end of a document."""

import warnings

import pytest
import torch

from tests.tasks.language.small import config, write_corpus
from tests.tasks.zero_shot.always import always
from topolearn.cli import main
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.tasks.language import LanguageModel, Tokenizer, learn_tokenizer, sample, sampling, train

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    write_corpus(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LanguageModel.load(train(config(folder, "run", steps=40, lr=1e-2), quiet=True).path, "last")


def likeliest(model, tokens):
    with torch.no_grad():
        return int(model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1].argmax())


def test_at_temperature_0_each_token_is_the_likeliest_past_the_window_too(writer):
    prompt, window = "the dog", writer.config.window
    tokens = [writer.tokenizer.end, *writer.tokenizer.encode([prompt])[0]]
    n_given, seen = len(tokens), list(tokens)
    while len(tokens) < n_given + 40:
        seen = tokens[-(window // 2) :] if len(seen) == window else seen
        token = likeliest(writer.model, seen)
        tokens, seen = [*tokens, token], [*seen, token]
    text = writer.sample(prompt, n_tokens=40, temperature=0)
    assert text == writer.tokenizer.decode(tokens[n_given:])
    assert writer.sample(prompt, n_tokens=40, temperature=1, top_k=1) == text
    assert writer.sample(prompt, n_tokens=40, temperature=1, top_p=1e-9) == text


def test_a_seed_fixes_the_text_and_leaves_the_generator_of_others_alone(writer):
    before = torch.get_rng_state()
    texts = [writer.sample("a", seed=seed, temperature=1.5) for seed in (0, 1, 0)]
    assert texts[0] == texts[2] != texts[1]
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(module.training for module in writer.model.modules())


def test_tokens_are_drawn_by_their_probability(writer):
    tokens = [writer.tokenizer.end, *writer.tokenizer.encode(["a"])[0]]
    with torch.no_grad():
        logits = writer.model(input_ids=torch.tensor([tokens])).logits[0, -1]
    likely = torch.softmax(logits / 0.5, 0)
    token = int(likely.argmax())
    drawn = [writer.sample("a", n_tokens=1, temperature=0.5, seed=seed) for seed in range(300)]
    share, expected = drawn.count(writer.tokenizer.decode([token])) / 300, float(likely[token])
    assert 0.05 < expected < 0.95
    assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 300) ** 0.5)


def test_a_document_that_ends_ends_the_text(writer, monkeypatch):
    steps = []

    def forward(self, *args, **kwargs):
        out = original(self, *args, **kwargs)
        steps.append(1)
        if len(steps) == 3:
            out.logits[..., writer.tokenizer.end] = 1e4
        return out

    original = type(writer.model).forward
    monkeypatch.setattr(type(writer.model), "forward", forward)
    text = writer.sample("a", n_tokens=100)
    assert len(steps) == 3
    assert len(writer.tokenizer.encode([text])[0]) <= 2
    assert "end" not in text


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"n_tokens": 0}, InvalidValueError, "n_tokens=0 must be at least 1"),
        ({"seed": -1}, InvalidValueError, r"seed=-1 must be at least 0 and below 2\*\*63"),
        ({"seed": 10**20}, InvalidValueError, r"seed=10{20} must be at least 0 and below 2\*\*63"),
        ({"seed": 2**63}, InvalidValueError, "seed=9223372036854775808 must be at least 0"),
        ({"seed": 1.5}, InvalidTypeError, "seed=1.5 must be an integer"),
        ({"seed": None}, InvalidTypeError, "seed=None must be an integer"),
        ({"temperature": "0.5"}, InvalidTypeError, "temperature='0.5' must be a number"),
        (
            {"prompt": "\udcff\udcfe"},
            InvalidValueError,
            r"prompt=...: byte 0xff in '\\udcff\\udcfe' is not UTF-8: .* iconv",
        ),
        ({"prompt": "a \ud800"}, InvalidValueError, r"character U\+D800 in 'a \\ud800' is not UTF-8"),
        ({"prompt": 5}, InvalidTypeError, "prompt=...: 5 must be text"),
        ({"temperature": -1}, InvalidValueError, "temperature=-1 must be at least 0"),
        ({"temperature": float("nan")}, InvalidValueError, "temperature=nan must be"),
        ({"top_k": 0}, InvalidValueError, "top_k=0 must be at least 1"),
        ({"top_k": 1.5}, InvalidTypeError, "top_k=1.5 must be an integer"),
        ({"top_p": 0}, InvalidValueError, "top_p=0 must be above 0"),
        ({"top_p": 2}, InvalidValueError, "top_p=2 must lie in"),
        ({"temperature": 0, "top_k": 0}, InvalidValueError, "top_k=0 must be at least 1"),
    ],
)
def test_what_cannot_be_drawn_is_rejected(writer, options, kind, said):
    with pytest.raises(kind, match=said):
        writer.sample(**{"prompt": "a", **options})


def test_the_smallest_temperatures_take_the_likeliest_token(writer):
    texts = [writer.sample("the", temperature=each, n_tokens=20) for each in (0, 1e-300, 1e-40, 1e-31, 1e-29, 1e-20)]
    assert len(set(texts)) == 1


def test_the_space_between_prompt_and_text_is_kept_by_tokenizers_that_strip_it(monkeypatch):
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers

    inner = Library(models.WordLevel({"</s>": 0, "▁a": 1, "▁dog": 2, "▁runs": 3}, unk_token="</s>"))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer = Tokenizer(inner.to_str())
    assert tokenizer.decode([3]) == "runs"
    monkeypatch.setattr(sampling, "_continued", lambda *_: [3, 3])
    assert sample(always(tokenizer, "runs"), tokenizer, "a dog", n_tokens=2) == " runs runs"


def test_the_tokenizer_of_another_run_is_rejected(writer):
    with pytest.raises(InvalidValueError, match="use the tokenizer of the model's own run"):
        sample(writer.model, learn_tokenizer(["other"], 258), "a")


def test_the_command_prints_prompt_and_text(writer, capsys, tmp_path):
    run = str(writer.config.run_dir)
    options = ["--which", "last", "--prompt", "the dog", "--tokens", "9", "--device", "cpu"]
    assert main(["sample", run, *options, "--seed", "3"]) == 0
    assert capsys.readouterr().out == "the dog" + writer.sample("the dog", n_tokens=9, seed=3) + "\n"
    assert main(["sample", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tokens", "0"], "--tokens 0 must be at least 1"),
        (["--seed", "-1"], "--seed -1 must be at least 0 and below 2**63"),
        (["--seed", "9" * 20], f"--seed {'9' * 20} must be at least 0 and below 2**63"),
        (["--prompt", "\udcff\udcfe"], "--prompt: byte 0xff in '\\udcff\\udcfe' is not UTF-8: convert the text"),
    ],
)
def test_a_mistake_on_the_command_line_names_the_flag(writer, words, said, capsys):
    assert main(["sample", str(writer.config.run_dir), "--which", "last", "--device", "cpu", *words]) == 2
    assert capsys.readouterr().err.startswith(f"topolearn: error: {said}")
