"""A page of the explorer opened in a browser, and a topology that evolves at random to show in it."""

import json
import time
from itertools import pairwise

import numpy as np

from topolearn.graph import BipartiteGraph, LayeredNetwork
from topolearn.plotting.explorer import Scene, SceneLayer, lives_through, populations_of


class Opened:
    """A page in a browser, with its elements and the selected neuron."""

    def __init__(self, browser, path):
        self.browser = browser
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get(path.as_uri())
        self.wait("return document.getElementById('counted')?.textContent")

    def wait(self, script, seconds=20):
        end = time.monotonic() + seconds
        while not (value := self.browser.execute_script(script)):
            assert time.monotonic() < end, script
            time.sleep(0.02)
        return value

    def get(self, name):
        return self.browser.find_element("id", name)

    def text(self, name):
        self.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        return self.get(name).text

    def actions(self, milliseconds=20):
        from selenium.webdriver import ActionChains

        return ActionChains(self.browser, duration=milliseconds)

    def move(self, across, down, *, click=False):
        """Move the mouse to a point of the picture, given as fractions of its width and height."""
        size = self.get("stage").size
        moved = self.actions().move_to_element_with_offset(
            self.get("stage"), round((across - 0.5) * size["width"]), round((down - 0.5) * size["height"])
        )
        (moved.click() if click else moved).perform()

    def neuron(self):
        """Return the selected neuron, as its population and number."""
        self.text("told")
        told = self.get("marked").get_attribute("data-neuron")
        return tuple(map(int, told.split("/"))) if told else None

    def slide(self, name, share):
        """Drag a slider to a fraction of its length."""
        slider = self.get(name)
        now, least, most = (float(slider.get_attribute(each)) for each in ("value", "min", "max"))
        width = slider.size["width"] - 16  # between the middles of its thumb at both ends
        place = (now - least) / (most - least)
        grip = self.actions().move_to_element_with_offset(slider, round((place - 0.5) * width), 0).click_and_hold()
        grip.move_by_offset(round((share - place) * width), 0).release().perform()
        return int(slider.get_property("value"))

    def drawn(self):
        return int(self.text("counted").split()[0].replace(",", ""))

    def messages(self):
        return self.browser.get_log("browser")

    def requests(self):
        events = [json.loads(each["message"])["message"] for each in self.browser.get_log("performance")]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]


def grown(sizes, n_links, n_states, *, zeta=0.3, seed=0):
    """Yield the graphs of a chain of layers in each state."""
    rng = np.random.default_rng(seed)
    shapes = {f"fc{i + 1}": shape for i, shape in enumerate(pairwise(sizes))}
    cells = {name: rng.choice(n_in * n_out, n_links, replace=False) for name, (n_in, n_out) in shapes.items()}
    for _ in range(n_states):
        yield {name: BipartiteGraph.from_cells(cells[name], *shape) for name, shape in shapes.items()}
        for name, (n_in, n_out) in shapes.items():
            kept = rng.permutation(cells[name])[int(zeta * n_links) :]
            others = np.setdiff1d(rng.permutation(n_in * n_out)[: 3 * n_links], kept)
            cells[name] = np.concatenate([kept, rng.permutation(others)[: n_links - kept.size]])


def scene_through(states, shown, rng=None):
    """Return the scene of a chain of layers, with weights if a generator is given."""
    lives = lives_through(states, shown)
    network = LayeredNetwork(states[0])
    populations, ends = populations_of(network, network.graphs)
    weights = {
        name: np.where(each.died == len(states), rng.normal(size=each.cells.size), np.nan) if rng else None
        for name, each in lives.items()
    }
    layers = [SceneLayer(name, *ends[name], lives[name], weights[name]) for name in lives]
    return Scene("a run", "chain", populations, layers, [10 * i for i in range(len(states))], shown)
