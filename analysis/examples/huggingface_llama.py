"""A small sparse LLaMA in the Hugging Face Trainer: stopped half-way, resumed, and loaded with the original class.

Run it with ``python -m analysis.examples.huggingface_llama`` (``pip install 'topolearn[hf]'``); it trains on source
code of the standard library, and takes about a minute.
"""

import argparse
import inspect
import tempfile
import typing
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments

import topolearn as tl
from topolearn.integrations import huggingface

LENGTH = 64  # bytes per sequence


def main() -> None:
    """Train half-way, resume, and print the resulting topology."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--method", default="chts")
    parser.add_argument("--density", type=float, default=0.2)
    parser.add_argument("--out", type=Path, help="folder for checkpoints [a temporary one]")
    args = parser.parse_args()
    out = args.out or Path(tempfile.mkdtemp(prefix="huggingface-llama-"))

    first = _trainer(args, out)
    first.add_callback(_StopAt(args.steps // 2))
    first.train()

    trainer = _trainer(args, out)  # as a new process would create it
    trainer.train(resume_from_checkpoint=True)
    trainer.save_model(str(out / "final"))

    plain, model = LlamaForCausalLM.from_pretrained(out / "final").eval(), trainer.model
    assert model is not None
    tokens = _sentences()[0]["input_ids"][None]
    with torch.no_grad():
        difference = (plain(tokens).logits - model.eval()(tokens).logits).abs().max()
    run = tl.Run(out / "topology")
    losses = run.metrics["loss"].dropna()
    print(f"loss              {losses.iloc[0]:.3f} at first, {losses.iloc[-1]:.3f} at last")
    print(f"density           {run.summary['density']:.1%}, {run.summary['n_links']:,} links")
    print(f"active neurons    {run.summary['active_neurons']:.1%}")
    print(f"updates           {run.summary['n_updates']}, overlap {run.network['overlap'].iloc[-1]:.2f}")
    print(f"plain class       differs by {difference:.1e}")
    print(f"folders           {out}")


class _StopAt(TrainerCallback):
    """Stops training early, at a checkpoint, like a job queue with a time limit."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args, state, control, **kwargs) -> None:  # type: ignore[no-untyped-def]
        """Stop at the given step."""
        control.should_training_stop |= state.global_step == self.step


def _trainer(args: argparse.Namespace, out: Path) -> Trainer:
    """Create a sparse model and its trainer, and attach topolearn."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=256, hidden_size=args.width, intermediate_size=2 * args.width, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=LENGTH,
    )  # fmt: skip
    rule = tl.method(args.method, density=args.density, percolation_unit="rotary_pair")
    model = tl.sparsify(LlamaForCausalLM(config), rule, init="keep")
    options = TrainingArguments(
        str(out / "checkpoints"), max_steps=args.steps, per_device_train_batch_size=8, learning_rate=3e-3,
        save_steps=args.steps // 2, logging_steps=max(args.steps // 10, 1), report_to=[], use_cpu=True,
        disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(model, options, train_dataset=_sentences())
    huggingface.attach(trainer, rule, interval=max(args.steps // 20, 1), record=out / "topology")
    return trainer


def _sentences() -> list[dict[str, torch.Tensor]]:
    """Return the bytes of a file of the standard library, in sequences of equal length."""
    tokens = torch.tensor(list(inspect.getsource(typing).encode()))
    pieces = tokens[: len(tokens) // LENGTH * LENGTH].view(-1, LENGTH)
    return [{"input_ids": piece, "labels": piece} for piece in pieces]


if __name__ == "__main__":
    main()
