// How the timeline is painted: the methods of Timeline in timeline.js, to which this is put before, that draw its tracks.
// Where several lumisections share a column of pixels the most telling one is painted: strips by the order of their
// states, the heat map by its largest value, lines by their smallest and largest.
const LEFT = 150, RIGHT = 96, GAP = 8, STRIP = 22, LINE = 84, AXIS = 34, MOST_HEAT = 280, NOTHING = 255, LIMIT = 255;

const PAINTING = {
  paint() {
    if (!this.head) return;
    const style = getComputedStyle(this.root), css = (name, other) => style.getPropertyValue(name).trim() || other;
    this.ink = css("--st-text-color", "#31333F");
    this.paper = css("--st-background-color", "#FFFFFF");
    this.accent = css("--st-primary-color", "#0072B2");
    this.font = css("--st-font", "sans-serif");
    this.wide = Math.max(50, Math.floor(this.root.clientWidth) - LEFT - RIGHT);
    const rows = this.heat ? this.heat.rows.length : 0;
    this.tall = rows ? Math.max(36, Math.min(MOST_HEAT, rows * 15)) : 0;
    const height = this.strips.length * (STRIP + 3) + (rows ? this.tall + GAP : 0) + this.lines.length * (LINE + GAP) + GAP + AXIS + 1;
    const scale = window.devicePixelRatio || 1, width = LEFT + this.wide + RIGHT;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
      this.canvas.style.height = height + "px";
      this.canvas.style.width = width + "px";
    }
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.pen.clearRect(0, 0, width, height);
    const columns = this.columns();
    let y = 1;
    this.tracks = [];
    for (const each of this.strips) y = this.strip(each, y, columns);
    if (rows) y = this.map(y + GAP, columns);
    for (const each of this.lines) y = this.line(each, y + GAP, columns);
    this.axis(y + 2);
    this.bottom = y;
    this.marks();
  },

  title(text, y, right = LEFT - 8, size = 12) {
    const pen = this.pen;
    pen.fillStyle = this.ink;
    pen.font = size + "px " + this.font;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    let short = text;
    while (short.length > 4 && pen.measureText(short).width > right - 2) short = short.replace(/…$/, "").slice(0, -1) + "…";
    pen.fillText(short, right, y);
  },

  strip(track, y, [first, after]) {
    const pen = this.pen;
    const code = new Uint8Array(this.wide).fill(NOTHING);
    for (let x = 0; x < this.wide; x++) for (let i = first[x]; i < after[x]; i++) if (track.code[i] < code[x]) code[x] = track.code[i];
    this.title(track.title, y + STRIP / 2);
    for (let x = 0, from = 0; x <= this.wide; x++) {
      if (x < this.wide && code[x] === code[from]) continue;
      const state = track.states[code[from]];
      if (state) this.block(state, LEFT + from, y, x - from);
      from = x;
    }
    pen.globalAlpha = 0.25;
    pen.strokeStyle = this.ink;
    pen.strokeRect(LEFT - 0.5, y - 0.5, this.wide + 1, STRIP + 1);
    pen.globalAlpha = 1;
    this.tracks.push({ y, height: STRIP, say: (i) => this.sayStrip(track, i) });
    return y + STRIP + 3;
  },

  block(state, x, y, width) {
    const pen = this.pen;
    pen.fillStyle = state.colour;
    pen.fillRect(x, y, Math.max(width, 1), STRIP);
    if (state.pattern && width > 1) this.hatch(state.pattern, x, y, width, STRIP);
    if (width > 13) {
      pen.font = "bold 12px " + this.font;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      if (state.pattern) {
        pen.fillStyle = state.colour;
        pen.fillRect(x + width / 2 - 6, y + 4, 12, STRIP - 8);
      }
      pen.fillStyle = state.ink;
      pen.fillText(state.letter, x + width / 2, y + STRIP / 2 + 0.5);
    }
  },

  hatch(pattern, x, y, width, height) {
    const pen = this.pen;
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.strokeStyle = pen.fillStyle = "#FFFFFF";
    pen.lineWidth = 1.6;
    pen.beginPath();
    const from = x - (x % 8) - height - 8;
    for (let a = from; a < x + width + height + 8; a += 8) {
      if (pattern === ".") for (let b = y + 4; b < y + height; b += 7) pen.rect(a, b, 2, 2);
      else { pen.moveTo(a, y + height); pen.lineTo(a + height, y); }
      if (pattern === "x") { pen.moveTo(a, y); pen.lineTo(a + height, y + height); }
    }
    pattern === "." ? pen.fill() : pen.stroke();
    pen.restore();
  },

  map(y, [first, after]) {
    const heat = this.heat, rows = heat.rows.length, tall = this.tall, pen = this.pen, width = this.wide;
    const image = new ImageData(width, tall), pixel = new Uint32Array(image.data.buffer);
    const [shades, limit] = shadesOf(heat.colour, this.ink, heat.top);
    for (let x = 0; x < width; x++) {
      for (let line = 0; line < tall; line++) {
        const begin = Math.floor((line * rows) / tall), end = Math.max(begin + 1, Math.floor(((line + 1) * rows) / tall));
        let most = 0;
        for (let i = first[x]; i < after[x]; i++) {
          for (let j = begin, at = i * rows + begin; j < end; j++, at++) if (heat.level[at] > most) most = heat.level[at];
        }
        pixel[line * width + x] = most === LIMIT ? limit : shades[most];
      }
    }
    this.blit(image, LEFT, y);
    this.gaps(y, tall, first, after);
    pen.globalAlpha = 0.25;
    pen.strokeStyle = this.ink;
    pen.strokeRect(LEFT - 0.5, y - 0.5, width + 1, tall + 1);
    pen.globalAlpha = 1;
    this.rowNames(y, rows, tall);
    this.legend(y, heat);
    this.tracks.push({ y, height: tall, say: (i, at) => this.sayHeat(i, Math.floor(((at - y) * rows) / tall)) });
    return y + tall;
  },

  // Put over what is there; putImageData alone would make holes in it.
  blit(image, x, y) {
    this.spare = this.spare || document.createElement("canvas");
    this.spare.width = image.width;
    this.spare.height = image.height;
    this.spare.getContext("2d").putImageData(image, 0, 0);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(this.spare, x, y);
  },

  // What nothing scored is hatched over the whole map: no evidence is not a clean bill.
  gaps(y, tall, first, after) {
    const silent = this.heat.silent;
    if (!silent.length) return;
    const strip = this.strips[silent[0]], unknown = silent[1];
    for (let x = 0, from = -1; x <= this.wide; x++) {
      let here = false;
      if (x < this.wide) for (let i = first[x]; i < after[x] && !here; i++) here = strip.code[i] === unknown;
      if (here && from < 0) from = x;
      if (!here && from >= 0) {
        this.pen.fillStyle = strip.states[unknown].colour;
        this.pen.globalAlpha = 0.55;
        this.pen.fillRect(LEFT + from, y, x - from, tall);
        this.pen.globalAlpha = 1;
        this.hatch("/", LEFT + from, y, x - from, tall);
        from = -1;
      }
    }
  },

  rowNames(y, rows, tall) {
    const height = tall / rows;
    if (height >= 11) {
      this.heat.rows.forEach((name, j) => this.title(name, y + (j + 0.5) * height, LEFT - 8, Math.min(12, height - 1.5)));
      return;
    }
    let last = -20;
    this.heat.blocks.forEach(([name, at, size]) => {
      const middle = y + (at + size / 2) * height;
      if (middle - last >= 12) { this.title(name, middle); last = middle; }
      this.pen.globalAlpha = 0.3;
      this.pen.fillStyle = this.ink;
      this.pen.fillRect(LEFT - 5, y + at * height, 5, 0.7);
      this.pen.globalAlpha = 1;
    });
  },

  legend(y, heat) {
    const pen = this.pen, x = LEFT + this.wide + 8, height = Math.min(this.tall - 14, 90), [shades] = shadesOf(heat.colour, this.ink, heat.top);
    if (height < 20) return;
    for (let i = 0; i < height; i++) {
      const shade = shades[Math.round((1 - i / height) * heat.top)];
      pen.fillStyle = `rgba(${shade & 255},${(shade >> 8) & 255},${(shade >> 16) & 255},${(shade >>> 24) / 255})`;
      pen.fillRect(x, y + i, 10, 1);
    }
    pen.fillStyle = this.ink;
    pen.font = "11px " + this.font;
    pen.textAlign = "left";
    pen.fillText((heat.top * heat.step).toPrecision(2), x + 14, y + 6);
    pen.fillText("0", x + 14, y + height - 5);
    pen.fillText(heat.unit, x, y + height + 8);
  },

  line(track, y, [first, after]) {
    const pen = this.pen, bottom = y + LINE - 6;
    const [low, high] = track.range || extent(track.series);
    const at = (value) => bottom - ((value - low) / (high - low || 1)) * (LINE - 14);
    this.title(track.title, y + LINE / 2 - (track.unit ? 11 : 3), LEFT - 56);
    if (track.unit) this.title("[" + track.unit + "]", y + LINE / 2 + 5, LEFT - 56);
    pen.font = "10.5px " + this.font;
    pen.textAlign = "right";
    for (const [value, text] of track.ticks.length ? track.ticks : ticksOf(low, high)) {
      const here = at(value);
      pen.globalAlpha = 0.15;
      pen.fillStyle = this.ink;
      pen.fillRect(LEFT, here, this.wide, 1);
      pen.globalAlpha = 0.8;
      pen.textBaseline = "middle";
      pen.fillText(text, LEFT - 6, here);
      pen.globalAlpha = 1;
    }
    pen.textAlign = "left";
    track.marks.forEach(([value, text, colour], i) => {
      pen.strokeStyle = colour;
      pen.setLineDash([5, 4]);
      this.stroke([[LEFT, at(value)], [LEFT + this.wide, at(value)]], 1.4);
      pen.setLineDash([]);
      pen.fillStyle = this.ink;
      pen.fillText(text, LEFT + this.wide + 6, at(value));
    });
    track.series.forEach((each) => this.course(each, at, first, after));
    if (track.series.length > 1) this.keys(track.series, y);
    this.tracks.push({ y, height: LINE, say: (i) => this.sayLine(track, i) });
    return y + LINE;
  },

  course(series, at, first, after) {
    const pen = this.pen;
    pen.strokeStyle = pen.fillStyle = series.colour || this.ink;
    pen.lineWidth = 1.4;
    pen.setLineDash(series.dash || []);
    pen.beginPath();
    let joined = false, here = 0, alone = -1; // the lumisection that had the column painted last for itself
    for (let x = 0; x < this.wide; x++) {
      if (first[x] === after[x]) { joined = false; continue; }
      const single = after[x] === first[x] + 1;
      if (single && first[x] === alone && x + 1 < this.wide && first[x + 1] === alone && after[x + 1] === after[x]) continue;
      alone = single ? first[x] : -1;
      let least = Infinity, most = -Infinity;
      for (let i = first[x]; i < after[x]; i++) {
        const value = series.values[i];
        if (value < least) least = value;
        if (value > most) most = value;
      }
      if (least > most) { joined = false; continue; }
      let a = at(least), b = at(most);
      if (joined && Math.abs(here - b) < Math.abs(here - a)) [a, b] = [b, a];
      here = b;
      joined ? pen.lineTo(LEFT + x + 0.5, a) : pen.moveTo(LEFT + x - 0.5, a);
      pen.lineTo(LEFT + x + 0.5, b === a ? a + 0.01 : b);
      joined = true;
    }
    pen.stroke();
    pen.setLineDash([]);
  },

  keys(series, y) {
    const pen = this.pen;
    pen.font = "11px " + this.font;
    pen.textAlign = "left";
    let x = LEFT + 6;
    for (const each of series) {
      const width = pen.measureText(each.title).width;
      pen.strokeStyle = each.colour;
      pen.setLineDash(each.dash || []);
      this.stroke([[x, y + 5], [x + 20, y + 5]], 2);
      pen.setLineDash([]);
      pen.fillStyle = this.ink;
      pen.fillText(each.title, x + 24, y + 5);
      x += width + 40;
    }
  },

  stroke(points, width) {
    this.pen.lineWidth = width;
    this.pen.beginPath();
    points.forEach(([x, y], i) => (i ? this.pen.lineTo(x, y) : this.pen.moveTo(x, y)));
    this.pen.stroke();
  },

  axis(y) {
    const pen = this.pen, span = this.to - this.from;
    const step = niceStep(span / Math.max(2, this.wide / 90), true);
    pen.fillStyle = this.ink;
    pen.font = "11px " + this.font;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (let ls = Math.ceil(this.from / step) * step; ls <= this.to; ls += step) {
      pen.fillRect(this.x(ls), y, 1, 5);
      pen.fillText(String(ls), this.x(ls), y + 7);
    }
    pen.fillText(this.head.unit, LEFT + this.wide / 2, y + 20);
  },

  marks() {
    const pen = this.pen;
    for (const [first, last] of this.ranges) {
      const a = Math.max(this.x(first - 0.5), LEFT), b = Math.min(this.x(last + 0.5), LEFT + this.wide);
      if (b <= a) continue;
      pen.globalAlpha = 0.14;
      pen.fillStyle = this.accent;
      pen.fillRect(a, 0, Math.max(b - a, 1.5), this.bottom + 2);
      pen.globalAlpha = 1;
      pen.strokeStyle = this.accent;
      this.stroke([[a, 0], [a, this.bottom + 5]], 2);
      this.stroke([[b, 0], [b, this.bottom + 5]], 2);
      pen.fillStyle = this.accent;
      pen.fillRect(a, this.bottom + 1, Math.max(b - a, 2), 4);
    }
    if (this.cursor !== null) {
      pen.globalAlpha = 0.6;
      pen.strokeStyle = this.ink;
      this.stroke([[this.x(this.cursor), 0], [this.x(this.cursor), this.bottom]], 1);
      pen.globalAlpha = 1;
    }
  }
};

function drawn(values, scale) {
  if (scale !== "logit") return values;
  return values.map((p) => { const q = Math.min(Math.max(p, 1e-4), 1 - 1e-4); return Number.isNaN(p) ? NaN : Math.log10(q / (1 - q)); });
}

function number(value, scale) {
  if (Number.isNaN(value)) return "none";
  return scale === "logit" ? Number((1 / (1 + 10 ** -value)).toPrecision(3)).toString() : Number(value.toPrecision(5)).toString();
}

function extent(series) {
  let low = Infinity, high = -Infinity;
  for (const each of series) for (const value of each.values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  if (low === high) return [low - Math.max(Math.abs(low) * 0.1, 0.5), high + Math.max(Math.abs(high) * 0.1, 0.5)];
  return [low, high];
}

function niceStep(step, whole) {
  const size = 10 ** Math.floor(Math.log10(step)), unit = step / size;
  const found = (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * size;
  return whole ? Math.max(1, Math.round(found)) : found;
}

function ticksOf(low, high) {
  const step = niceStep((high - low) / 2, false), found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push([value, String(Number(value.toPrecision(6)))]);
  return found;
}

// Colours of the levels 0 to 254 as one colour that grows opaque, and of a broken limit in the colour of text.
function shadesOf(colour, ink, top) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const shades = new Uint32Array(256);
  for (let level = 1; level < 256; level++) {
    const part = Math.min(1, Math.sqrt(level / Math.max(top, 1)));
    shades[level] = ((Math.round(255 * part) << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = ink;
  const [x, y, z] = [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16) || 0);
  return [shades, ((255 << 24) | (z << 16) | (y << 8) | x) >>> 0];
}
