"""Causal models of transformers that prefer certain tokens, always or depending on the sum of what they read."""

from functools import cache

import torch
from torch import nn


@cache
def moods():
    """Return the class; a function, as importing transformers takes seconds."""
    from transformers import LlamaConfig, PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutput

    class Moods(PreTrainedModel):
        """A model whose logits are a row of a table, chosen by the sum of all tokens so far."""

        config_class = LlamaConfig

        def __init__(self, table, window):
            super().__init__(LlamaConfig(vocab_size=table.shape[1], max_position_embeddings=window))
            self.table = nn.Parameter(table)
            self.longest = 0
            self.post_init()

        def _init_weights(self, module):
            pass

        def forward(self, input_ids, **kwargs):
            self.longest = max(self.longest, input_ids.shape[1])
            return CausalLMOutput(logits=self.table.detach()[input_ids.cumsum(1) % len(self.table)])

    return Moods


def always(tokenizer, answer, window=4096):
    """Return a model that always gives the same answer."""
    [tokens] = tokenizer.encode([answer])
    logits = torch.zeros(1, tokenizer.n_tokens)
    logits[0, tokens] = 10.0
    return moods()(logits, window)


def moody(tokenizer, window=4096):
    """Return a model whose answers vary."""
    return moods()(torch.randn(7, tokenizer.n_tokens, generator=torch.Generator().manual_seed(0)), window)
