"""The benchmark of manifests compares runs that have one with runs that have none, and are the same otherwise."""

from analysis.benchmarks.manifest import Clock, loop, opened, recorded, timed_manifest, without_manifest


def test_the_peer_writes_no_manifest_and_the_same_run(tmp_path):
    clock = Clock()
    with timed_manifest(clock):
        listed = loop(tmp_path / "listed", 1)
    with without_manifest():
        peer = loop(tmp_path / "peer", 1)
    assert clock.seconds > 0
    assert (listed.path / "manifest.jsonl").is_file()
    assert not (peer.path / "manifest.jsonl").exists()
    assert len(listed.metrics) == len(peer.metrics) == 500
    assert listed.history.steps == peer.history.steps
    taken = opened(listed, 2)
    assert all(value > 0 for value in taken.values())
    assert (listed.path / "manifest.jsonl").is_file()


def test_a_row_has_medians_and_the_share(tmp_path):
    row = recorded(lambda path, scale: loop(path, 1), 1, 1)
    assert 0 < row["share"] < 1
    assert min(row.values()) > 0
