// From the page's data to arrays: the lives of all links, and the populations that they connect.

async function unpacked(columns) {
  const packed = Uint8Array.from(atob(columns.bytes), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let start = 0;
  return columns.widths.map((width) => {
    const numbers = new Float64Array(columns.n);
    for (let plane = 0; plane < width; plane++, start += columns.n) {
      const worth = 256 ** plane;
      for (let i = 0; i < columns.n; i++) numbers[i] += worth * bytes[start + i];
    }
    return numbers;
  });
}

async function readLayer(layer) {
  const [steps, born, died] = await unpacked(layer.lives);
  const n = layer.lives.n;
  const from = new Int32Array(n), to = new Int32Array(n);
  for (let i = 0, cell = 0; i < n; i++) {
    cell += steps[i];
    to[i] = Math.floor(cell / layer.n_in);
    from[i] = cell - to[i] * layer.n_in;
  }
  let weight = null;
  if (layer.weights) weight = new Float32Array(Uint32Array.from((await unpacked(layer.weights))[0]).buffer);
  return {
    name: layer.name, source: layer.source, target: layer.target, from, to, weight,
    born: Int32Array.from(born), died: Int32Array.from(died),
    present: new Map(), // the lives in each state
    kept: new Int32Array(0), fresh: new Int32Array(0), // the drawn links: kept from the previous state, and new
  };
}

function presentAt({ born, died, present }, state) {
  if (!present.has(state)) {
    const lives = new Int32Array(born.length);
    let n = 0;
    for (let i = 0; i < born.length; i++) if (born[i] <= state && state < died[i]) lives[n++] = i;
    present.set(state, lives.slice(0, n));
  }
  return present.get(state);
}

async function readScene(data) {
  const layers = await Promise.all(data.layers.map(readLayer));
  const populations = data.populations.map((each) => ({
    ...each,
    title: data.has_sides ? each.title : "nodes",
    fanIn: new Int32Array(each.n), fanOut: new Int32Array(each.n),
    place: Int32Array.from({ length: each.n }, (_, i) => i), // the position of each neuron, from the top
    at: Int32Array.from({ length: each.n }, (_, i) => i), // the neuron at each position
    x: new Float32Array(each.n), y: new Float32Array(each.n), gutter: 0,
  }));
  layers.sort((a, b) => populations[a.source].column - populations[b.source].column);
  return { ...data, layers, populations };
}

// Choose the links to draw by state, age and weight. Links that also exist in the previous state come first.
function choose(scene, { state, before, youngest, oldest, leastWeight }) {
  for (const population of scene.populations) population.fanIn.fill(0), population.fanOut.fill(0);
  let n = 0;
  for (const layer of scene.layers) {
    const { born, weight, from, to } = layer, lives = presentAt(layer, state), there = new Int32Array(lives.length);
    const { fanOut } = scene.populations[layer.source];
    const fanIn = scene.has_sides ? scene.populations[layer.target].fanIn : fanOut;
    let first = 0, last = there.length;
    for (const i of lives) {
      const age = state - born[i];
      if (age < youngest || age > oldest) continue;
      if (leastWeight > 0 && !(weight && Math.abs(weight[i]) >= leastWeight)) continue;
      if (born[i] > before) there[--last] = i;
      else there[first++] = i;
      fanOut[from[i]]++;
      fanIn[to[i]]++;
    }
    layer.kept = there.subarray(0, first);
    layer.fresh = there.subarray(last);
    n += first + there.length - last;
  }
  return n;
}
