"""Runs as earlier versions left them."""

import json


def without_manifest(path):
    """Let a run be as it was before there were manifests."""
    (path / "manifest.jsonl").unlink()
    recording = path / "recording.json"
    recorded = json.loads(recording.read_text())
    del recorded["manifest"]
    recording.write_text(json.dumps(recorded))
