"""The explorer in a browser, used by mouse and keyboard: requires Chromium and selenium, and is run manually."""

import shutil
import time

import numpy as np
import pytest

from tests.plotting.explorer_page import Opened, grown, scene_through
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork
from topolearn.plotting.explorer import Explorer, most_frames

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
NEEDS = "needs selenium, and chromium with its driver: apt-get install -y chromium chromium-driver"
webdriver = pytest.importorskip("selenium.webdriver", reason=NEEDS)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(None in (CHROMIUM, DRIVER), reason=NEEDS)]

EVIL = "</script><img src=x onerror=window.harmed=1>"
SIZES, N_STATES, N_LINKS = (12, 20, 15, 9), 7, 50
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1200,900",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return a browser that records its messages and requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def states():
    return list(grown(SIZES, N_LINKS, N_STATES))


@pytest.fixture(scope="module")
def scene(states):
    return scene_through(states, list(range(N_STATES)), np.random.default_rng(1))


@pytest.fixture
def page(browser, scene, tmp_path):
    opened = Opened(browser, Explorer(scene).save(tmp_path / "page.html"))
    yield opened
    assert opened.messages() == []


def test_the_neuron_under_the_mouse_is_described_with_its_links(page, states):
    pointed = set()
    graphs = list(states[-1].values())
    for column, across in enumerate((0.05, 0.35, 0.65, 0.95)):
        for down in np.linspace(0.1, 0.9, 6):
            page.move(across, down)
            population, i = page.neuron()
            assert population == column
            pointed.add((population, i))
            told = page.text("told")
            assert told.startswith(f"neuron {i}\n")
            if column > 0:
                n = graphs[column - 1].fan_in[i]
                assert f"fan-in: {n} link" in told
            if column < len(graphs):
                n = graphs[column].fan_out[i]
                assert f"fan-out: {n} link" in told
    assert len(pointed) == 24
    page.move(0.2, 0.5)
    assert page.neuron() is None


def test_ages_and_weights_of_links_are_shown(page, scene):
    page.move(0.95, 0.5)
    _, i = page.neuron()
    lives = scene.layers[-1].lives
    there = (lives.died == N_STATES) & (lives.cells // lives.n_in == i)
    expected = sorted(
        (str(cell % lives.n_in), str(N_STATES - 1 - born), f"{10 * born:,}", f"{weight:.3g}")
        for cell, born, weight in zip(
            lives.cells[there], lives.born[there], scene.layers[-1].weights[there], strict=True
        )
    )
    rows = page.browser.execute_script(
        "return [...document.querySelectorAll('#told tbody tr')].map((row) => [...row.cells].map((c) => c.textContent))"
    )
    told = sorted((neuron, age, step, f"{float(weight):.3g}") for neuron, age, step, weight in rows)
    assert told == expected


def test_a_click_follows_links_through_all_layers(page, states):
    page.move(0.35, 0.5, click=True)
    _, i = page.neuron()
    matrices = [g.to_scipy().toarray() for g in states[-1].values()]
    reached = [matrices[0][i].sum()]
    ahead = np.arange(SIZES[1]) == i
    for matrix in matrices[1:]:
        ahead = matrix @ ahead
        reached.append(ahead.sum())
    page.move(0.2, 0.5)  # to an empty spot: the clicked neuron stays selected
    rows = page.browser.execute_script(
        "const followed = document.querySelector('#told table');"
        "return [...followed.tBodies[0].rows].map((row) => row.cells[1].textContent)"
    )
    assert rows == [f"{n} of {SIZES[k]}" for n, k in zip(reached, (0, 2, 3), strict=True) if n]
    page.move(0.2, 0.5, click=True)
    assert page.neuron() is None


def test_the_slider_goes_through_the_updates_by_mouse_and_by_keys(page, states):
    assert page.text("time-told") == f"step {10 * (N_STATES - 1)}, update {N_STATES - 1} of {N_STATES - 1}"
    for share in (0, 0.5, 1, 0.34):
        state = page.slide("time", share)
        assert state == round(share * (N_STATES - 1))
        assert page.text("time-told") == f"step {10 * state}, update {state} of {N_STATES - 1}"
        page.move(0.95, 0.5)
        _, i = page.neuron()
        assert f"fan-in: {states[state]['fc3'].fan_in[i]} link" in page.text("told")
    page.get("time").send_keys(webdriver.Keys.ARROW_RIGHT)
    assert page.text("time-told").startswith(f"step {10 * (state + 1)}, ")
    page.get("time").send_keys(webdriver.Keys.HOME)
    assert page.text("time-told").startswith("step 0, ")


def test_links_are_filtered_by_age_and_weight(page, scene):
    assert page.drawn() == 3 * N_LINKS
    ages = np.concatenate([N_STATES - 1 - each.lives.born[each.lives.died == N_STATES] for each in scene.layers])
    weights = np.concatenate([each.weights[each.lives.died == N_STATES] for each in scene.layers])
    least = page.slide("youngest", 0.5)
    assert 0 < page.drawn() == (ages >= least).sum() < 3 * N_LINKS
    most = page.slide("oldest", 0.7)
    assert page.drawn() == ((ages >= least) & (ages <= most)).sum()
    page.slide("youngest", 0)
    page.slide("oldest", 1)
    percent = page.slide("weight", 0.8)
    strongest = np.sort(np.abs(weights))[int(percent / 100 * weights.size)]
    assert page.drawn() == (np.abs(weights) >= strongest).sum()
    assert "|weight| ≥" in page.text("weight-told")


def test_keys_go_from_neuron_to_neuron_and_follow(page):
    stage, keys = page.get("stage"), webdriver.Keys
    stage.send_keys(keys.ARROW_DOWN)
    assert page.neuron() == (0, 0)
    stage.send_keys(keys.ARROW_DOWN, keys.ARROW_DOWN, keys.ARROW_UP, keys.ARROW_RIGHT)
    assert page.neuron() == (1, 2)
    stage.send_keys(keys.ENTER)
    assert "Followed through the layers" in page.text("told")
    stage.send_keys(keys.ESCAPE)
    assert page.neuron() is None


def test_the_order_by_degree_puts_hubs_first(page, states):
    page.get("order").send_keys("by degree")
    page.move(0.95, 0.065)
    _, i = page.neuron()
    assert states[-1]["fc3"].fan_in[i] == states[-1]["fc3"].fan_in.max()
    page.slide("time", 0.0)
    page.move(0.2, 0.5)
    page.move(0.95, 0.065)
    _, i = page.neuron()
    assert states[0]["fc3"].fan_in[i] == states[0]["fc3"].fan_in.max()


def test_a_neuron_is_searched_by_number(page):
    page.get("wanted").send_keys("7")
    assert len(page.browser.find_elements("css selector", "#matches button")) == 4
    page.get("wanted").send_keys(webdriver.Keys.ENTER)
    page.move(0.2, 0.5)
    assert page.neuron() == (0, 7)
    page.get("wanted").send_keys("77")
    assert page.text("matches") == "no match"


def test_a_ring_shows_neighbours_and_finds_names(browser, tmp_path):
    names = [EVIL, "b", "c", "d", "e"]
    graph = Graph([(0, 1), (0, 2), (2, 3), (3, 4)], 5, names=names)
    page = Opened(browser, graph.explore(tmp_path / "ring.html").save(tmp_path / "ring.html"))
    page.get("wanted").send_keys("onerror")
    page.browser.find_element("css selector", "#matches button").click()
    told = page.text("told")
    assert told.startswith(f"{EVIL}\nnumber 0, nodes\n")
    assert "degree: 2 links" in told
    assert "one link away 2" in told
    assert "two links away 1" in told
    assert page.browser.execute_script("return [document.images.length, window.harmed ?? 0]") == [0, 0]
    page.move(0.5, 0.14)
    assert page.neuron() == (0, 0)
    assert page.messages() == []


def test_names_harm_nobody_and_nothing_is_loaded(browser, tmp_path):
    graph = BipartiteGraph(np.eye(2), input_names=[EVIL, "b"])
    path = tmp_path / "names.html"
    LayeredNetwork({EVIL: graph}).explore(path)
    page = Opened(browser, path)
    page.get("wanted").send_keys("img")
    page.get("wanted").send_keys(webdriver.Keys.ENTER)
    assert page.text("told").startswith(EVIL)
    assert page.browser.execute_script("return [document.images.length, window.harmed ?? 0]") == [0, 0]
    assert page.requests() == [path.as_uri()]
    assert page.messages() == []
    refused = "return fetch('data:text/plain,x').then(() => 'loaded', () => 'refused')"
    assert page.browser.execute_script(refused) == "refused"


def test_a_notebook_shows_the_page_in_a_frame(browser, tmp_path, scene):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{Explorer(scene)._repr_html_()}", encoding="utf-8")
    browser.get(path.as_uri())
    browser.switch_to.frame(0)
    end = time.monotonic() + 20
    while not browser.execute_script("return document.getElementById('counted')?.textContent"):
        assert time.monotonic() < end
    assert (
        browser.execute_script("return document.getElementById('counted').textContent") == f"{3 * N_LINKS} links drawn"
    )
    browser.switch_to.default_content()


@pytest.mark.parametrize("dark", [False, True])
def test_colours_follow_the_system(browser, page, dark):
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    page.text("told")
    pixels = """const pen = document.getElementById('links').getContext('2d');
        const all = pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height).data, seen = new Set();
        for (let i = 0; i < all.length; i += 4) if (all[i + 3] > 120) seen.add(all[i + 2] >> 6);
        return [...seen]"""
    assert (3 in browser.execute_script(pixels)) == dark  # only the dark page uses the bright blue
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


COUNT = """window.ticks = []; window.changes = 0;
    const tick = (now) => { ticks.push(now); requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
    const count = new MutationObserver(() => { changes++; });
    count.observe(document.getElementById('marked'), { attributes: true, attributeFilter: ['data-neuron'] });
    count.observe(document.getElementById('time-told'), { childList: true });"""


def rates(browser, perform):
    """Return frames per second and changes per second during an action, and the longest time between frames."""
    browser.execute_script("ticks.length = 0; changes = 0;")
    perform()
    ticks, changes = browser.execute_script("return [ticks, changes]")
    seconds = (ticks[-1] - ticks[0]) / 1000
    return len(ticks) / seconds, changes / seconds, max(np.diff(ticks))


@pytest.mark.parametrize("sizes", [(1000, 1000), (784, 1000, 1000, 1000)], ids=["one layer", "three layers"])
def test_a_hundred_thousand_links_move_at_30_frames_per_second(browser, tmp_path, sizes):
    n_states = most_frames(100_000)
    states = list(grown(sizes, 100_000 // (len(sizes) - 1), n_states))
    scene = scene_through(states, list(range(n_states)), np.random.default_rng(0))
    path = Explorer(scene).save(tmp_path / "large.html")
    page = Opened(browser, path)
    time.sleep(1)
    browser.execute_script(COUNT)
    stage, slider = page.get("stage"), page.get("time")

    def hover():
        moves = page.actions(12).move_to_element_with_offset(stage, round(0.45 * stage.size["width"]), -200)
        for _ in range(130):
            moves.move_by_offset(0, 3)
        moves.perform()

    def slide():
        stop = slider.size["width"] // n_states
        moves = page.actions(12).move_to_element_with_offset(slider, slider.size["width"] // 2 - 9, 0).click_and_hold()
        for i in range(130):
            moves.move_by_offset(-stop if i // (n_states - 1) % 2 == 0 else stop, 0)
        moves.release().perform()

    for what, perform in (("hovering", hover), ("sliding", slide)):
        pictures, changes, longest = rates(browser, perform)
        print(
            f"\n{len(sizes) - 1} layers, 100,000 links, {n_states} states, {path.stat().st_size / 1e6:.1f} MB, {what}: "
            f"{pictures:.0f} frames and {changes:.0f} changes per second, at most {longest:.0f} ms between frames"
        )
        assert pictures >= 30
        assert changes >= 15  # the rate of the mouse events
    assert page.messages() == []
