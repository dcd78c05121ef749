"use strict";
// Steps through the frames of the topology, with a slider, a play button, and the URL fragment (#step=1200).
const data = JSON.parse(document.getElementById("frames").textContent);
const panel = document.getElementById("slider");
const slider = panel.querySelector("input");
const play = panel.querySelector("button");
const title = panel.querySelector("output");
const images = [...panel.querySelectorAll("img")];
const rows = [...panel.querySelectorAll("tbody tr")].map(row => [...row.querySelectorAll("td")]);
let timer = null;

function show(index) {
  const frame = data.frames[index];
  slider.value = index;
  slider.setAttribute("aria-valuetext", frame.title);
  title.textContent = frame.title;
  images.forEach((image, i) => {
    image.src = "data:image/png;base64," + frame.pictures[i];
    image.alt = `Adjacency of ${data.layers[i].name} at ${frame.title}: ${frame.rows[i][0]} links.`;
  });
  rows.forEach((cells, i) => cells.forEach((cell, k) => { cell.textContent = frame.rows[i][k]; }));
}

function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "Play";
}

function start() {
  const last = data.frames.length - 1;
  if (+slider.value === last) show(0);
  play.textContent = "Pause";
  timer = setInterval(() => {
    show(+slider.value + 1);
    if (+slider.value === last) stop();
  }, 250);
}

function go() {
  const wanted = /^#step=(\d+)$/.exec(location.hash);
  if (!wanted) return;
  stop();
  show(Math.max(0, data.frames.findLastIndex(frame => frame.step <= +wanted[1])));
}

play.addEventListener("click", () => timer === null ? start() : stop());
slider.addEventListener("input", () => { stop(); show(+slider.value); });
slider.addEventListener("change", () => history.replaceState(null, "", `#step=${data.frames[slider.value].step}`));
addEventListener("hashchange", go);
panel.hidden = false;
show(data.frames.length - 1);
go();
