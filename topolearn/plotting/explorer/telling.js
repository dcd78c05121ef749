// The text about a neuron. Names are inserted as text, never as HTML.

const MOST_ROWS = 12; // maximum number of links listed of each kind

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

function table(caption, head, rows) {
  const made = element("table", null, element("caption", caption));
  const headCells = head.map((text) => Object.assign(element("th", text), { scope: "col" }));
  made.append(element("thead", null, element("tr", null, ...headCells)));
  const lines = rows.map((row) => element("tr", null, ...row.map((text) => element("td", text))));
  made.append(element("tbody", null, ...lines));
  return made;
}

const plural = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const written = (weight) => (Number.isNaN(weight) ? "–" : weight.toPrecision(3));
const calling = (each, i) => (each.names ? each.names[i] : `${each.title === "nodes" ? "node" : "neuron"} ${i}`);

// The strongest links of a neuron, or the oldest if there are no weights, with age and weight if available.
function linkTable(scene, state, neuron, groups, caption) {
  const links = groups.flatMap(({ layer, list }) => Array.from(list, (link) => ({ layer, link })));
  const weigh = ({ layer, link }) => (layer.weight && !Number.isNaN(layer.weight[link]) ? Math.abs(layer.weight[link]) : -1);
  links.sort((a, b) => weigh(b) - weigh(a) || a.layer.born[a.link] - b.layer.born[b.link]);
  const ages = scene.shown.length > 1, weights = scene.layers.some((layer) => layer.weight);
  const rows = links.slice(0, MOST_ROWS).map(({ layer, link }) => {
    const isSource = layer.source === neuron.population && layer.from[link] === neuron.i;
    const other = scene.populations[isSource ? layer.target : layer.source], born = layer.born[link];
    const row = [nameOf(other, isSource ? layer.to[link] : layer.from[link])];
    if (ages) row.push(String(state - born), scene.steps[born].toLocaleString("en"));
    if (weights) row.push(layer.weight ? written(layer.weight[link]) : "–");
    return row;
  });
  if (links.length > MOST_ROWS) rows.push([`and ${(links.length - MOST_ROWS).toLocaleString("en")} more`, ...rows[0].slice(1).map(() => "")]);
  return table(caption, [scene.has_sides ? "neuron" : "node", ...(ages ? ["age", "since step"] : []), ...(weights ? ["weight"] : [])], rows);
}

function tell(box, scene, state, neuron, isPinned) {
  if (!neuron) {
    box.replaceChildren(element("p", `Hover over a ${scene.has_sides ? "neuron" : "node"}.`));
    return;
  }
  const each = scene.populations[neuron.population], { into, out } = ownLinks(scene, neuron);
  const said = [element("h2", calling(each, neuron.i))];
  const number = each.names ? [`number ${neuron.i.toLocaleString("en")}`] : [];
  said.push(element("p", [...number, each.title].join(", ")));
  if (isPinned) said.push(reachTable(scene, neuron));
  if (scene.has_sides) {
    if (into.length) said.push(linkTable(scene, state, neuron, into, `fan-in: ${plural(countLinks(into), "link", "links")}`));
    if (out.length) said.push(linkTable(scene, state, neuron, out, `fan-out: ${plural(countLinks(out), "link", "links")}`));
  } else {
    said.push(linkTable(scene, state, neuron, out, `degree: ${plural(countLinks(out), "link", "links")}`));
  }
  box.replaceChildren(...said);
}

function reachTable(scene, neuron) {
  const { reached } = follow(scene, neuron);
  if (!scene.has_sides) {
    return table("Followed", ["", "nodes"], reached.map(({ title, down }) => [title, down.toLocaleString("en")]));
  }
  const rows = reached.map(({ title, n, up, down }) => [title, `${(up || down).toLocaleString("en")} of ${n.toLocaleString("en")}`, up ? "upstream" : "downstream"]);
  return table("Followed through the layers", ["neurons", "", ""], rows);
}
