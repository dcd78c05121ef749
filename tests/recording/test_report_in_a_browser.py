"""The report in a browser; needs Chromium, and is run by hand."""

import json
import re
import shutil
import subprocess

import pytest

from tests.plotting.fake_run import fake_run
from topolearn.recording.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("rendered"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install -y --no-install-recommends chromium"),
]


def shown(path, fragment="", milliseconds=500):
    """Return the content of a page opened from disk, after its scripts have run for a while."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--virtual-time-budget={milliseconds}", f"{path.as_uri()}{fragment}",
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr, done.stderr  # errors and warnings of scripts
    return done.stdout


def title(html):
    return re.search(r"<output[^>]*>(.*?)</output>", html)[1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return fake_run(tmp_path_factory.mktemp("run"), shapes={"fc1": (30, 16), "fc2": (30, 30)}, epochs=2, updates=4)


@pytest.fixture(scope="module")
def page(run):
    return write_report(run)


def test_the_last_step_is_shown_first(page, run):
    html = shown(page)
    assert title(html) == f"step {run.history.graph_steps[-1]:,}, after update 4"
    assert '<div id="slider">' in html  # which is hidden without scripts


@pytest.mark.parametrize("index", [0, 2])
def test_the_address_leads_to_a_step(page, run, index):
    step = run.history.graph_steps[index]
    html = shown(page, f"#step={step}")
    assert title(html).startswith(f"step {step:,}")
    frames = json.loads(re.search(r'id="frames">(.*?)</script>', html, re.S)[1])
    assert f'src="data:image/png;base64,{frames["frames"][index]["pictures"][1]}"' in html
    links = run.history.at(step)["fc2"].n_links
    assert f"Adjacency of fc2 at {title(html)}: {links:,} links." in html
    assert re.search(rf'<th scope="row">fc2</th><td>{links:,}</td>', html)


@pytest.mark.parametrize("fragment", ["#step=999999", "#step=", "#elsewhere"])
def test_any_other_address_shows_the_last_step(page, run, fragment):
    assert title(shown(page, fragment)).startswith(f"step {run.history.graph_steps[-1]:,}")


def test_play_goes_on_by_itself_and_stops_at_the_end(page, run, tmp_path):
    click = '<script>document.querySelector("#slider button").click()</script></body>'
    copy = tmp_path / "playing.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", click), encoding="utf-8")
    steps = run.history.graph_steps
    begun = shown(copy, milliseconds=600)  # two frames of 250 ms
    assert title(begun).startswith(f"step {steps[2]:,},")
    assert ">Pause</button>" in begun
    ended = shown(copy, milliseconds=5000)
    assert title(ended).startswith(f"step {steps[-1]:,},")
    assert ">Play</button>" in ended
