"""`verify`: checks that runs, studies and files are complete and unchanged."""

from topolearn.verification.verify import verify

__all__ = ["verify"]
