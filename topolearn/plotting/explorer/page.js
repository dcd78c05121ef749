// The page: its controls, and when to draw what.

const REST = 120; // milliseconds without movement after which links are drawn in full quality
const MOST_MATCHES = 8;

const $ = (id) => document.getElementById(id);

async function main() {
  const scene = await readScene(JSON.parse($("scene").textContent));
  $("scene").remove();
  document.querySelector("main").hidden = false;
  new Page(scene);
}

const isSame = (a, b) => a?.i === b?.i && a?.population === b?.population;

class Page {
  constructor(scene) {
    Object.assign(this, { scene, hovered: null, pinned: null, waiting: false, moved: 0 });
    this.picture = new Picture(scene, [$("links"), $("neurons"), $("marked")]);
    this.prepareControls();
    this.listen();
    this.resize();
  }

  prepareControls() {
    const { shown, steps, layers, unit } = this.scene;
    $("time").max = shown.length - 1;
    $("time").value = shown.length - 1;
    $("of-time").hidden = $("of-age").hidden = shown.length < 2;
    document.querySelector(".fresh-told").hidden = shown.length < 2;
    $("youngest").max = $("oldest").max = $("oldest").value = steps.length - 1;
    document.querySelector("label[for=time]").textContent = unit === "updates" ? "Update" : "Snapshot";
    const sizes = layers.filter((layer) => layer.weight).map((layer) => layer.weight.map(Math.abs).filter((size) => !Number.isNaN(size)));
    $("of-weight").hidden = !sizes.length;
    const all = new Float32Array(sizes.reduce((n, each) => n + each.length, 0));
    sizes.reduce((start, each) => (all.set(each, start), start + each.length), 0);
    this.weights = all.sort();
  }

  listen() {
    const stage = $("stage");
    for (const id of ["time", "youngest", "oldest", "weight"]) $(id).addEventListener("input", () => this.change());
    $("order").addEventListener("change", () => {
      this.sort();
      this.change();
    });
    $("controls").addEventListener("submit", (event) => {
      event.preventDefault();
      $("matches").querySelector("button")?.click();
    });
    $("wanted").addEventListener("input", () => this.search());
    stage.addEventListener("pointermove", (event) => this.point(event));
    stage.addEventListener("pointerleave", () => this.hover(null));
    stage.addEventListener("click", (event) => {
      this.point(event);
      this.pin(this.hovered);
    });
    stage.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.resize()).observe(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.change());
  }

  point({ clientX, clientY }) {
    const box = $("stage").getBoundingClientRect();
    this.hover(neuronAt(this.scene, clientX - box.left, clientY - box.top));
  }

  hover(neuron) {
    if (isSame(neuron, this.hovered)) return;
    this.hovered = neuron;
    this.mark();
  }

  pin(neuron) {
    this.pinned = neuron;
    this.mark();
  }

  press(event) {
    const { key } = event;
    if (key.startsWith("Arrow")) {
      const first = { population: 0, i: this.scene.populations[0].at[0] }, now = this.hovered ?? this.pinned;
      this.hover(now ? neighbourOf(this.scene, now, key) : first);
    } else if (key === "Enter") this.pin(this.hovered);
    else if (key === "Escape") this.hover(null), this.pin(null);
    else return;
    event.preventDefault();
  }

  search() {
    const matches = find(this.scene, $("wanted").value, MOST_MATCHES);
    const buttons = matches.map((neuron) => {
      const { populations } = this.scene, each = populations[neuron.population];
      const button = element("button", populations.length > 1 ? `${calling(each, neuron.i)} (${each.title})` : calling(each, neuron.i));
      button.type = "button";
      button.addEventListener("click", () => this.pin(neuron));
      return button;
    });
    $("matches").replaceChildren(...(buttons.length || !$("wanted").value.trim() ? buttons : [element("span", "no match")]));
  }

  resize() {
    const { width, height } = $("stage").getBoundingClientRect();
    this.picture.resize(width, height);
    this.change();
  }

  // Sort the neurons as chosen; degrees are those of the drawn links.
  sort() {
    order(this.scene, $("order").value);
    this.picture.place();
  }

  // Redraw the links, which have changed in number or appearance.
  change() {
    this.linksAreOld = true;
    this.mark();
  }

  // Redraw the highlighted links.
  mark() {
    this.marksAreOld = true;
    this.ask();
  }

  ask() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { picture, hovered, pinned } = this, begun = performance.now();
    this.waiting = false;
    if (this.linksAreOld) {
      this.chooseLinks();
      picture.drawLinks(begun);
      this.moved = performance.now();
    } else if (picture.fine && begun - this.moved > REST) picture.refine();
    if (this.marksAreOld) {
      const neuron = hovered ?? pinned, isPinned = isSame(neuron, pinned);
      tell($("told"), this.scene, this.state, neuron, isPinned);
      picture.drawMarks(neuron, isPinned);
    }
    this.linksAreOld = this.marksAreOld = false;
    if (picture.fine) this.ask();
  }

  chooseLinks() {
    const { shown, steps, unit } = this.scene, frame = Number($("time").value);
    this.state = shown[frame];
    const youngest = Number($("youngest").value), oldest = Number($("oldest").value), share = Number($("weight").value);
    const leastWeight = share ? this.weights[Math.min(this.weights.length - 1, Math.floor(share / 100 * this.weights.length))] : 0;
    const n = choose(this.scene, { state: this.state, before: frame ? shown[frame - 1] : this.state, youngest, oldest, leastWeight });
    if ($("order").value === "links") this.sort();
    $("counted").textContent = `${plural(n, "link", "links")} drawn`;
    $("time-told").textContent = `step ${steps[this.state].toLocaleString("en")}, ${unit.slice(0, -1)} ${this.state} of ${steps.length - 1}`;
    $("age-told").textContent = `${youngest} to ${plural(oldest, unit.slice(0, -1), unit)}`;
    $("weight-told").textContent = share ? `${100 - share} %, |weight| ≥ ${leastWeight.toPrecision(2)}` : "all links";
  }
}

main();
