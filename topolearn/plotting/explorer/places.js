// The positions of neurons: in columns, layer by layer, or around a ring.

const GUTTER = 16; // pixels next to a column, for the bars of its neurons
const LEAST_FOR_NAMES = 11; // minimum pixels between neurons for showing their names
const REACH = 42; // maximum distance in pixels between the pointer and the neuron it selects

const nameOf = (population, i) => (population.names ? population.names[i] : String(i));

function longestName(population, pen) {
  return population.names ? Math.max(...population.names.slice(0, 400).map((name) => pen.measureText(name).width)) : 0;
}

function placeAll(scene, width, height, pen) {
  if (scene.has_sides) placeColumns(scene, width, height, pen);
  else placeRing(scene, width, height, pen);
}

function placeColumns(scene, width, height, pen) {
  const columns = [];
  for (const each of scene.populations) (columns[each.column] ??= []).push(each);
  const top = 34, bottom = 14, between = 42;
  columns.forEach((column) => column.forEach((each, lane) => {
    const tall = (height - top - bottom - between * (column.length - 1)) / column.length;
    Object.assign(each, { top: top + lane * (tall + between), tall, gutter: GUTTER });
    each.showsNames = each.names !== null && tall / each.n >= LEAST_FOR_NAMES;
  }));
  const room = (column) => Math.min(150, width / 4, Math.max(40, ...column.filter((each) => each.showsNames)
    .map((each) => longestName(each, pen) + GUTTER + 14)));
  const left = room(columns[0]), right = room(columns.at(-1));
  for (const each of scene.populations) {
    const middle = left + (width - left - right) * each.column / Math.max(1, columns.length - 1);
    each.middle = middle;
    each.room = each.column ? right : left;
    each.x.fill(middle);
    for (let i = 0; i < each.n; i++) each.y[i] = each.top + (each.place[i] + 0.5) * each.tall / each.n;
  }
}

function placeRing(scene, width, height, pen) {
  const [ring] = scene.populations;
  const least = Math.min(width, height) / 2;
  ring.showsNames = ring.names !== null && 2 * Math.PI * least * 0.7 / ring.n >= LEAST_FOR_NAMES;
  ring.room = ring.showsNames ? Math.min(longestName(ring, pen), 110, least * 0.38) : 0;
  ring.radius = least - ring.room - GUTTER - 16;
  ring.centre = [width / 2, height / 2];
  for (let i = 0; i < ring.n; i++) {
    const angle = angleOf(ring, i);
    ring.x[i] = width / 2 + ring.radius * Math.cos(angle);
    ring.y[i] = height / 2 + ring.radius * Math.sin(angle);
  }
}

const angleOf = (ring, i) => 2 * Math.PI * ring.place[i] / ring.n - Math.PI / 2;

// Sort the neurons by number, or by decreasing degree.
function order(scene, by) {
  for (const { at, place, fanIn, fanOut } of scene.populations) {
    for (let i = 0; i < at.length; i++) at[i] = i;
    if (by === "links") at.sort((a, b) => fanIn[b] + fanOut[b] - fanIn[a] - fanOut[a] || a - b);
    for (let i = 0; i < at.length; i++) place[at[i]] = i;
  }
}

// The neuron at a point of the picture, or null.
function neuronAt(scene, x, y) {
  if (!scene.has_sides) {
    const [ring] = scene.populations;
    const [dx, dy] = [x - ring.centre[0], y - ring.centre[1]];
    if (Math.abs(Math.hypot(dx, dy) - ring.radius - GUTTER / 2) > REACH) return null;
    const turn = (Math.atan2(dy, dx) / (2 * Math.PI) + 1.25) % 1;
    return { population: 0, i: ring.at[Math.round(turn * ring.n) % ring.n] };
  }
  let nearest = null, least = REACH;
  scene.populations.forEach((each, population) => {
    const away = Math.abs(x - each.middle), down = (y - each.top) / each.tall;
    if (away > least || down < -0.03 || down > 1.03) return;
    least = away;
    const place = Math.min(each.n - 1, Math.max(0, Math.floor(down * each.n)));
    nearest = { population, i: each.at[place] };
  });
  return nearest;
}

// The neuron that an arrow key moves to from another.
function neighbourOf(scene, { population, i }, key) {
  const each = scene.populations[population];
  const step = { ArrowUp: -1, ArrowDown: 1 }[key] ?? (scene.has_sides ? 0 : { ArrowLeft: -1, ArrowRight: 1 }[key]);
  if (step) {
    const place = each.place[i] + step;
    return { population, i: each.at[scene.has_sides ? Math.min(each.n - 1, Math.max(0, place)) : (place + each.n) % each.n] };
  }
  const ahead = scene.populations.map((other, index) => ({ index, away: (other.column - each.column) * (key === "ArrowLeft" ? -1 : 1) }))
    .filter(({ away }) => away > 0).sort((a, b) => a.away - b.away)[0];
  if (!ahead) return { population, i };
  const other = scene.populations[ahead.index];
  return { population: ahead.index, i: other.at[Math.floor((each.place[i] + 0.5) / each.n * other.n)] };
}
