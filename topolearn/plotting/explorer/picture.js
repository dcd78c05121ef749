// What is drawn, and in which quality: links immediately, coarsely if necessary, and in full quality when nothing moves.

const TARGET = 15; // milliseconds for a picture while something moves
const SLICE = 8; // milliseconds of full-quality drawing at a time

class Picture {
  constructor(scene, canvases) {
    const pens = Object.fromEntries(canvases.map((canvas) => [canvas.id, canvas.getContext("2d")]));
    const nGaps = Math.max(1, ...scene.populations.map((each) => each.column)); // between columns
    Object.assign(this, { scene, pens, nGaps, fine: null, budget: 3e6 });
  }

  resize(width, height) {
    const ratio = devicePixelRatio || 1;
    Object.assign(this, { width, height });
    for (const pen of Object.values(this.pens)) {
      Object.assign(pen.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.font = "12px system-ui, sans-serif";
    }
    this.place();
  }

  place() {
    placeAll(this.scene, this.width, this.height, this.pens.neurons);
  }

  // Draw the chosen links and the neurons immediately, coarsely if necessary; `begun` is when choosing them began.
  drawLinks(begun) {
    const { links: pen, neurons } = this.pens;
    const groups = (kind) => this.scene.layers.map((layer) => ({ layer, list: layer[kind] }));
    const kinds = [[groups("kept"), colourOf("--kept")], [groups("fresh"), colourOf("--fresh")]];
    const n = kinds.reduce((sum, [each]) => sum + countLinks(each), 0);
    this.fine = null;
    if (n <= FEW) {
      pen.clearRect(0, 0, this.width, this.height);
      for (const [each, colour] of kinds) drawLines(pen, this.scene, each, colour, 0.6, 1);
    } else {
      const samples = this.samplesAt(OVERSAMPLING);
      if (n * samples > this.budget) {
        this.fine = kinds.map(([each, colour]) => [this.density(each, samples, OVERSAMPLING, OVERSAMPLING), colour]);
      }
      this.drawAtOnce(kinds, n, samples);
    }
    neurons.clearRect(0, 0, this.width, this.height);
    drawBars(neurons, this.scene);
    drawWords(neurons, this.scene, this.width);
    if (this.fine) this.budget *= Math.min(1.4, Math.max(0.6, TARGET / (performance.now() - begun)));
    this.budget = Math.min(3e7, Math.max(4e5, this.budget));
  }

  // The number of points along a link that leaves no gaps, in a picture with `scale` pixels per screen pixel.
  samplesAt(scale) {
    return Math.ceil(1.1 * scale * Math.max(this.width / this.nGaps, this.height));
  }

  // Use as many points along each link as the time budget allows, and a resolution that they fill.
  drawAtOnce(kinds, n, finest) {
    const samples = Math.max(8, Math.min(finest, Math.floor(this.budget / n))), share = samples / finest;
    const atLeast = (least, scale) => Math.min(OVERSAMPLING, Math.max(least, scale * OVERSAMPLING));
    const along = Math.min(OVERSAMPLING, samples * this.nGaps / this.width);
    const scales = this.scene.has_sides ? [along, atLeast(0.4, 4 * share)] : [atLeast(0.3, 3 * share), atLeast(0.3, 3 * share)];
    this.showDensities(kinds.map(([groups, colour]) => [this.density(groups, samples, ...scales), colour]));
  }

  density(groups, samples, scaleX, scaleY) {
    return new Density(this.scene, groups, { width: this.width, height: this.height, scaleX, scaleY, samples });
  }

  // Show links of both kinds; the rarer kind is paler.
  showDensities(kinds) {
    const { links: pen } = this.pens, n = kinds.reduce((sum, [{ groups }]) => sum + countLinks(groups), 0);
    pen.clearRect(0, 0, this.width, this.height);
    for (const [made, colour] of kinds) made.show(pen, colour, Math.max(0.5, Math.sqrt(countLinks(made.groups) / Math.max(n, 1))));
  }

  // Continue the full-quality picture of links, and show it once it is complete.
  refine() {
    const until = performance.now() + SLICE;
    for (const [made] of this.fine) if (!made.work(until)) return;
    this.showDensities(this.fine);
    this.fine = null;
  }

  drawMarks(neuron, isFollowed) {
    const { marked: pen } = this.pens;
    pen.clearRect(0, 0, this.width, this.height);
    pen.canvas.dataset.neuron = neuron ? `${neuron.population}/${neuron.i}` : "";
    this.pens.links.canvas.className = neuron ? "behind" : "";
    if (!neuron) return;
    const { into, out } = ownLinks(this.scene, neuron);
    if (isFollowed) this.drawSome(follow(this.scene, neuron).far, colourOf("--kept"), 0.35, 0.8);
    this.drawSome([...into, ...out], colourOf("--ink"), 0.8, 1.2);
    this.drawEnds([...into, ...out], neuron);
  }

  drawSome(groups, colour, alpha, thick) {
    if (countLinks(groups) <= FEW) return drawLines(this.pens.marked, this.scene, groups, colour, alpha, thick);
    const finest = this.samplesAt(1), samples = Math.min(finest, Math.max(16, Math.floor(this.budget / countLinks(groups))));
    this.density(groups, samples, Math.min(1, Math.max(0.2, 2 * samples / finest)), 1).show(this.pens.marked, colour, 1);
  }

  drawEnds(groups, { population, i }) {
    const { marked: pen } = this.pens, { populations } = this.scene;
    const dot = (each, node, size) => pen.fillRect(each.x[node] - size / 2, each.y[node] - size / 2, size, size);
    pen.fillStyle = colourOf("--ink");
    for (const { layer: { source, target, from, to }, list } of groups) {
      for (const link of list) dot(populations[source], from[link], 4), dot(populations[target], to[link], 4);
    }
    pen.fillStyle = colourOf("--fresh");
    dot(populations[population], i, 9);
    const each = populations[population], name = calling(each, i), width = pen.measureText(name).width + 10;
    const x = Math.min(this.width - width - 4, Math.max(4, each.x[i] - width / 2));
    const y = each.y[i] > 40 ? each.y[i] - 26 : each.y[i] + 10;
    pen.fillStyle = colourOf("--ink");
    pen.fillRect(x, y, width, 18);
    pen.fillStyle = colourOf("--paper");
    pen.textAlign = "left";
    pen.fillText(name, x + 5, y + 13);
  }
}
