"""Runs as earlier versions wrote them."""

import json


def without_manifest(path):
    """Turn a run into one of an earlier version without manifests."""
    (path / "manifest.jsonl").unlink()
    recording = path / "recording.json"
    recorded = json.loads(recording.read_text())
    del recorded["manifest"]
    recording.write_text(json.dumps(recorded))
