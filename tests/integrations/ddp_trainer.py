"""One of several processes of a Hugging Face trainer: trains, may stop, resumes, and reports its state."""

import hashlib
import sys
import warnings

from tests.integrations.hugging_face import attached, state_of


def digest(trainer):
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in state_of(trainer).values())).hexdigest()


def main():
    method, backend, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    options = {"ddp_backend": "gloo", "gradient_accumulation_steps": 2, "record": f"{folder}/run"}
    whole, attachment = attached(method, f"{folder}/out", backend, **options)
    whole.train()
    resumed, _ = attached(method, f"{folder}/out", backend, **options)
    resumed.train(resume_from_checkpoint=f"{folder}/out/checkpoint-4")
    print("\nrank", whole.args.world_size, attachment.topology.n_updates, digest(whole), digest(resumed), flush=True)


if __name__ == "__main__":
    main()
