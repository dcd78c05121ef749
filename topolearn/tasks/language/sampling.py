"""Sampling: generate text with a language model, token by token."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import torch

from topolearn.checks import check_seed, check_share, check_size, check_text
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.sampling import torch_draws_from
from topolearn.tasks.evaluating import evaluating
from topolearn.tasks.language.model import check_fits
from topolearn.tasks.packages import hf_package

if TYPE_CHECKING:
    from topolearn.tasks.language.tokenizer import Tokenizer

COLDEST = 1e-30  # below it, logits over the temperature would leave float32, and all but ties is decided anyway


def sample(
    model: Any,
    tokenizer: Tokenizer,
    prompt: str = "",
    *,
    n_tokens: int = 200,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> str:
    r"""Return the text with which a model continues a prompt.

    Each token is drawn from :math:`p(y)^{1/T} / Z`. The model sees what fits its window; once that is full, it
    continues from the second half. The text ends where the model ends the document, or after `n_tokens`. A model that
    was trained with ``windows="document"`` never ends a document, since it was not trained to predict the end mark.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal model that was trained with this tokenizer, masked or csr.
    tokenizer : Tokenizer
    prompt : str
        The text to continue; an empty prompt starts a new document.
    n_tokens : int
        The maximum number of tokens to generate.
    temperature : float
        T; lower is more conservative. 0, and anything below 1e-30, always takes the likeliest token.
    top_k : int, optional
        Sample only from this many likeliest tokens; default all.
    top_p : float, optional
        Sample only from the likeliest tokens with this total probability; default all.
    seed : int
        From 0 to 2**63 - 1; the same seed gives the same text.

    Returns
    -------
    str
        The generated text, without the prompt.

    Raises
    ------
    MissingPackageError
        When transformers is not installed.
    InvalidTypeError, InvalidValueError
        When the tokenizer does not belong to the model, the prompt is not text, or a number is out of range.

    Examples
    --------
    >>> from transformers import LlamaConfig, LlamaForCausalLM
    >>> from topolearn.tasks.language import learn_tokenizer
    >>> tokenizer = learn_tokenizer(["a dog runs"], 260)
    >>> sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    >>> model = LlamaForCausalLM(LlamaConfig(vocab_size=tokenizer.n_tokens, **sizes))
    >>> sample(model, tokenizer, "a dog", seed=1) == sample(model, tokenizer, "a dog", seed=1)
    True
    """
    n_tokens, settings = check_size("n_tokens", n_tokens), _settings(temperature, top_k, top_p)
    seed, prompt = check_seed(seed), check_text("prompt=...", prompt)
    check_fits(model, tokenizer)
    if tokenizer.n_tokens < model.config.vocab_size:
        raise InvalidValueError(
            f"the tokenizer has only {tokenizer.n_tokens} tokens and the model {model.config.vocab_size}: use the "
            "tokenizer of the model's own run"
        )
    tokens, window = [tokenizer.end, *tokenizer.encode([prompt])[0]], int(model.config.max_position_embeddings)
    n_given = len(tokens)
    with evaluating(model), torch.no_grad(), torch_draws_from(seed):
        while len(tokens) < n_given + n_tokens:
            seen = tokens if len(tokens) < window else tokens[-max(1, window // 2) :]
            n_new = min(max(1, window - len(seen)), n_given + n_tokens - len(tokens))
            tokens += _continued(model, seen, n_new, tokenizer.end, settings)
            if tokens[-1] == tokenizer.end:
                break
    return _decoded(tokenizer, tokens, n_given)


def _decoded(tokenizer: Tokenizer, tokens: list[int], n_given: int) -> str:
    """Return the text of the tokens that follow the given ones, with the space that may separate them."""
    given, whole = tokenizer.decode(tokens[:n_given]), tokenizer.decode(tokens)
    if whole.startswith(given):
        return whole.removeprefix(given)
    return tokenizer.decode(tokens[n_given:])  # the last given token is only a character together with the next ones


def _settings(temperature: float, top_k: int | None, top_p: float | None) -> dict[str, Any]:
    if isinstance(temperature, bool) or not isinstance(temperature, Real):
        raise InvalidTypeError(f"temperature={temperature!r} must be a number of at least 0")
    if not 0 <= temperature < math.inf:
        raise InvalidValueError(f"temperature={temperature} must be at least 0, and finite")
    if top_p is not None and not check_share("top_p", top_p):
        raise InvalidValueError(f"top_p={top_p} must be above 0")
    drawn = {
        "temperature": float(temperature),
        "top_k": 0 if top_k is None else check_size("top_k", top_k),
        "top_p": 1.0 if top_p is None else float(top_p),
    }
    return {"do_sample": False} if temperature < COLDEST else {"do_sample": True, **drawn}


def _continued(model: Any, seen: list[int], n_new: int, end: int, settings: dict[str, Any]) -> list[int]:
    """Return up to `n_new` tokens that follow those seen; the last is the end mark if the document ends."""
    inputs = torch.tensor([seen], device=model.device)
    marks = {"pad_token_id": end, "eos_token_id": end, "max_new_tokens": n_new, "use_cache": True}
    rows = model.generate(
        input_ids=inputs,
        attention_mask=torch.ones_like(inputs),
        generation_config=hf_package("transformers").GenerationConfig(**settings, **marks),
    )
    return [int(token) for token in rows[0, len(seen) :].tolist()]
