"""Whether runs, studies and files are whole: `verify`."""

from topolearn.verification.verify import verify

__all__ = ["verify"]
