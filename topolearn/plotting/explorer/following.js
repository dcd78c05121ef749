// The links of a neuron, and where they lead.

const none = new Int32Array(0);

// The links of a layer that satisfy a condition.
function linksWhere(layer, holds) {
  const chosen = [];
  for (const list of [layer.kept, layer.fresh]) for (const link of list) if (holds(link)) chosen.push(link);
  return chosen.length ? Int32Array.from(chosen) : none;
}

// The links into and out of a neuron; the links of a node in a ring all count as out.
function ownLinks(scene, { population, i }) {
  const into = [], out = [];
  for (const layer of scene.layers) {
    const { from, to } = layer;
    if (!scene.has_sides) {
      out.push({ layer, list: linksWhere(layer, (link) => from[link] === i || to[link] === i) });
      continue;
    }
    if (layer.target === population) into.push({ layer, list: linksWhere(layer, (link) => to[link] === i) });
    if (layer.source === population) out.push({ layer, list: linksWhere(layer, (link) => from[link] === i) });
  }
  return { into, out };
}

// Follow the links of a neuron upstream and downstream through all layers, or up to two links in a ring.
// `near` are its own links, `far` those beyond, and `reached` the number of neurons in each population.
function follow(scene, neuron) {
  const { into, out } = ownLinks(scene, neuron);
  const near = [...into, ...out];
  if (!scene.has_sides) return { near, ...secondLinks(scene, neuron, out[0]) };
  const down = spread(scene, neuron, scene.layers, "source", "from", "target", "to");
  const up = spread(scene, neuron, [...scene.layers].reverse(), "target", "to", "source", "from");
  const reached = scene.populations.map((each, population) => ({
    title: each.title, n: each.n, isOwn: population === neuron.population,
    up: up.marks[population] ? total(up.marks[population]) : 0, down: down.marks[population] ? total(down.marks[population]) : 0,
  })).filter(({ up: a, down: b, isOwn }) => !isOwn && (a || b));
  return { near, far: [...up.groups, ...down.groups], reached };
}

const total = (marks) => marks.reduce((sum, mark) => sum + mark, 0);

function spread(scene, { population, i }, layers, side, end, otherSide, otherEnd) {
  const marks = { [population]: new Uint8Array(scene.populations[population].n) };
  marks[population][i] = 1;
  const groups = [];
  for (const layer of layers) {
    const marked = marks[layer[side]];
    if (!marked) continue;
    const ends = layer[end], others = layer[otherEnd];
    const list = linksWhere(layer, (link) => marked[ends[link]] === 1);
    const next = marks[layer[otherSide]] ??= new Uint8Array(scene.populations[layer[otherSide]].n);
    for (const link of list) next[others[link]] = 1;
    if (layer[side] !== population) groups.push({ layer, list });
  }
  return { marks, groups };
}

function secondLinks(scene, { i }, { layer, list }) {
  const { from, to } = layer, [ring] = scene.populations;
  const near = new Uint8Array(ring.n);
  for (const link of list) near[from[link]] = near[to[link]] = 1;
  near[i] = 0;
  const beyond = linksWhere(layer, (link) => from[link] !== i && to[link] !== i && (near[from[link]] || near[to[link]]));
  const far = new Uint8Array(ring.n);
  for (const link of beyond) far[from[link]] = far[to[link]] = 1;
  far[i] = 0;
  for (let node = 0; node < ring.n; node++) if (near[node]) far[node] = 0;
  const reached = [{ title: "one link away", down: total(near) }, { title: "two links away", down: total(far) }];
  return { far: [{ layer, list: beyond }], reached };
}

// The neurons that match a name or number: exact matches, then prefixes, then substrings.
function find(scene, words, most) {
  const wanted = words.trim().toLowerCase(), ranked = [[], [], []];
  if (!wanted) return [];
  scene.populations.forEach((each, population) => {
    const number = /^\d+$/.test(wanted) && Number(wanted) < each.n ? Number(wanted) : -1;
    if (number >= 0) ranked[0].push({ population, i: number });
    if (!each.names) return;
    each.names.forEach((name, i) => {
      const place = i === number ? -1 : name.toLowerCase().indexOf(wanted);
      const rank = name.toLowerCase() === wanted ? 0 : place === 0 ? 1 : 2;
      if (place >= 0 && ranked[rank].length < most) ranked[rank].push({ population, i });
    });
  });
  return ranked.flat().slice(0, most);
}
