// Links as a density: how many pass through each pixel. A few links are drawn as lines. Without a graphics card, drawing
// a hundred thousand lines takes seconds, but their sum 20 ms; so the page needs neither a graphics card nor a library.

const FEW = 300; // up to this number, links are drawn as lines
const LEVELS = 2048; // of density
const OVERSAMPLING = 2; // pixels per screen pixel when nothing moves

const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const countLinks = (groups) => groups.reduce((n, { list }) => n + list.length, 0);

// A picture of links that is computed step by step: `groups` are lists of links by layer, `scaleX` and `scaleY` its
// pixels per screen pixel, and `samples` the number of points along each link.
class Density {
  constructor(scene, groups, { width, height, scaleX, scaleY, samples }) {
    Object.assign(this, { scene, groups, scaleX, scaleY, samples, group: 0, next: 0 });
    this.width = Math.ceil(width * scaleX) + 1;
    this.height = Math.ceil(height * scaleY) + 1;
  }

  // Continue until a given time; return whether the picture is complete.
  work(until) {
    this.counts ??= new Uint32Array(this.width * this.height);
    const { counts, width, samples, scene, scaleX, scaleY } = this;
    for (; this.group < this.groups.length; this.group++, this.next = 0) {
      const { layer: { source, target, from, to }, list } = this.groups[this.group];
      const a = scene.populations[source], b = scene.populations[target];
      while (this.next < list.length) {
        const end = Math.min(list.length, this.next + 512);
        for (let k = this.next; k < end; k++) {
          const i = from[list[k]], j = to[list[k]];
          let x = (a.x[i] + a.gutter) * scaleX * 65536, y = a.y[i] * scaleY * 65536;
          const dx = ((b.x[j] - b.gutter) * scaleX * 65536 - x) / samples | 0;
          const dy = (b.y[j] * scaleY * 65536 - y) / samples | 0;
          const late = k * 0.618 % 1; // a different offset for each link prevents stripes
          x = x + late * dx | 0;
          y = y + late * dy | 0;
          for (let s = 0; s < samples; s++) {
            counts[(y >> 16) * width + (x >> 16)]++;
            x = x + dx | 0;
            y = y + dy | 0;
          }
        }
        this.next = end;
        if (performance.now() > until && end < list.length) return false;
      }
    }
    return true;
  }

  show(pen, colour, alpha) {
    this.work(Infinity);
    pen.globalAlpha = alpha;
    pen.drawImage(this.picture(colour), 0, 0, this.width / this.scaleX, this.height / this.scaleY);
    pen.globalAlpha = 1;
  }

  // The picture: the more links, the more opaque.
  picture(colour) {
    const { counts, width, height } = this;
    let sum = 0, n = 0;
    for (let i = 0; i < counts.length; i++) if (counts[i]) sum += counts[i], n++;
    const mean = sum / Math.max(n, 1);
    const [r, g, b] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
    const shades = new Uint32Array(LEVELS + 1);
    for (let level = 1; level <= LEVELS; level++) {
      const alpha = 0.06 + 0.94 * (1 - Math.exp(-0.6 * (level / LEVELS) * 8));
      shades[level] = (Math.round(255 * alpha) << 24 | b << 16 | g << 8 | r) >>> 0;
    }
    const pixels = new Uint32Array(counts.length), scale = LEVELS / (8 * mean);
    for (let i = 0; i < counts.length; i++) {
      if (counts[i]) pixels[i] = shades[Math.max(1, Math.min(LEVELS, counts[i] * scale | 0))];
    }
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height), 0, 0);
    return canvas;
  }
}

// Draw a few links as lines.
function drawLines(pen, scene, groups, colour, alpha, thick) {
  pen.strokeStyle = colour;
  pen.globalAlpha = alpha;
  pen.lineWidth = thick;
  for (const { layer: { source, target, from, to }, list } of groups) {
    const a = scene.populations[source], b = scene.populations[target];
    for (const link of list) {
      pen.beginPath();
      pen.moveTo(a.x[from[link]] + a.gutter, a.y[from[link]]);
      pen.lineTo(b.x[to[link]] - b.gutter, b.y[to[link]]);
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
}

function drawBars(pen, scene) {
  const most = Math.max(1, ...scene.populations.map((each) => largest(each.fanIn, each.fanOut)));
  pen.fillStyle = pen.strokeStyle = colourOf("--bar");
  for (const each of scene.populations) {
    const space = scene.has_sides ? each.tall : 2 * Math.PI * each.radius;
    const bins = Math.min(each.n, Math.floor(space));
    const inward = binned(each, each.fanIn, bins), outward = binned(each, each.fanOut, bins);
    const size = space / bins, thick = size > 3 ? Math.min(size - 1, 9) : size;
    const long = (n) => (n ? Math.max(1.5, (GUTTER - 2) * n / most) : 0);
    if (!scene.has_sides) pen.lineWidth = thick, pen.beginPath();
    for (let bin = 0; bin < bins; bin++) {
      if (scene.has_sides) {
        const y = each.top + (bin + 0.5) * size - thick / 2;
        pen.fillRect(each.middle - long(inward[bin]), y, long(inward[bin]) + long(outward[bin]), thick);
      } else {
        const angle = 2 * Math.PI * bin / bins - Math.PI / 2, [x, y] = each.centre;
        for (const reach of [2, 2 + long(outward[bin])]) {
          const point = [x + (each.radius + reach) * Math.cos(angle), y + (each.radius + reach) * Math.sin(angle)];
          if (reach === 2) pen.moveTo(...point);
          else pen.lineTo(...point);
        }
      }
    }
    if (!scene.has_sides) pen.stroke();
  }
}

function largest(...arrays) {
  let most = 0;
  for (const array of arrays) for (let i = 0; i < array.length; i++) if (array[i] > most) most = array[i];
  return most;
}

// The maximum over the neurons that share a bar.
function binned({ n, at }, numbers, bins) {
  const result = new Int32Array(bins);
  for (let place = 0; place < n; place++) {
    const bin = Math.floor(place * bins / n), number = numbers[at[place]];
    if (number > result[bin]) result[bin] = number;
  }
  return result;
}

function shortened(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let n = text.length;
  while (n > 1 && pen.measureText(`${text.slice(0, n)}…`).width > room) n--;
  return `${text.slice(0, n)}…`;
}

function drawWords(pen, scene, width) {
  pen.fillStyle = colourOf("--soft");
  const n = 1 + Math.max(...scene.populations.map((each) => each.column));
  for (const each of scene.populations) {
    if (scene.has_sides) {
      const [side, x] = each.column === 0 ? ["left", 6] : each.column === n - 1 ? ["right", width - 6] : ["center", each.middle];
      pen.textAlign = side;
      pen.fillText(shortened(pen, each.title, width / n - 10), x, each.top - 20);
      pen.fillText(each.n.toLocaleString("en"), x, each.top - 7);
    }
    if (each.showsNames) for (let i = 0; i < each.n; i++) drawName(pen, scene, each, i);
  }
}

function drawName(pen, scene, each, i) {
  const name = shortened(pen, nameOf(each, i), each.room);
  if (scene.has_sides) {
    if (each.column && each.is_read) return;
    const before = each.column === 0;
    pen.textAlign = before ? "right" : "left";
    pen.fillText(name, each.middle + (before ? -1 : 1) * (GUTTER - 8), each.y[i] + 4);
    return;
  }
  const angle = angleOf(each, i), turned = Math.cos(angle) < -1e-9;
  pen.save();
  pen.translate(each.x[i], each.y[i]);
  pen.rotate(turned ? angle + Math.PI : angle);
  pen.textAlign = turned ? "right" : "left";
  pen.fillText(name, (turned ? -1 : 1) * (GUTTER + 6), 4);
  pen.restore();
}
