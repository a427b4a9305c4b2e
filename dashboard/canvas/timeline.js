// Tracks over one axis of lumisections, and the choice of ranges on it; dashboard/canvas/timeline.py packs the numbers.
// Where several lumisections share a column of pixels the most telling one is painted: strips by the order of their
// states, the heat map by its largest value, lines by their smallest and largest.
const LEFT = 150, RIGHT = 96, GAP = 8, STRIP = 22, LINE = 84, AXIS = 34, MOST_HEAT = 280, NOTHING = 255, LIMIT = 255;
const kept = new WeakMap();

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".timeline");
  let shown = kept.get(root);
  if (!shown) kept.set(root, (shown = new Timeline(root)));
  shown.tell = (text) => setStateValue("selected", text);
  shown.receive(data);
  return () => shown.rest();
}

function described(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  return [JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size))), bytes.subarray(4 + size)];
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Timeline {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.read = root.querySelector(".read");
    this.pen = this.canvas.getContext("2d");
    this.ranges = [];
    this.stamp = null;
    this.cursor = null;
    this.listen();
  }

  async receive(data) {
    this.watch.observe(this.root);
    const [given, picture] = described(data);
    if (given.picture !== this.picture) this.load(...described(await inflated(picture)), given.picture);
    if (this.stamp !== given.stamp) {
      this.stamp = given.stamp;
      this.ranges = given.selected;
      if (this.ranges.length) this.reveal();
    }
    this.paint();
    this.tellCursor();
    this.root.dataset.painted = this.head.name;
    this.root.dataset.selected = JSON.stringify(this.ranges);
  }

  load(head, arrays, picture) {
    const first = !this.head || this.head.name !== head.name, body = arrays.slice().buffer;
    this.picture = picture;
    this.head = head;
    const n = head.count, at = (kind, offset, size) => new kind(body, offset, size);
    this.ls = at(Int32Array, head.ls, n);
    this.strips = head.strips.map((each) => ({ ...each, code: at(Uint8Array, each.at, n) }));
    this.lines = head.lines.map((each) => ({
      ...each, series: each.series.map((one) => ({ ...one, values: drawn(at(Float32Array, one.at, n), each.scale) })),
    }));
    this.heat = head.heat && { ...head.heat, level: at(Uint8Array, head.heat.at, n * head.heat.rows.length) };
    this.begin = n ? this.ls[0] : 0;
    this.end = n ? this.ls[n - 1] : 0;
    this.place = new Int32Array(this.end - this.begin + 1).fill(-1);
    this.ls.forEach((each, i) => (this.place[each - this.begin] = i));
    if (first) {
      this.zoom(this.begin - 0.5, this.end + 0.5);
      this.stamp = null;
      this.ranges = [];
    }
    this.canvas.setAttribute("aria-label", head.label);
  }

  rest() { this.watch.disconnect(); }

  zoom(from, to) {
    const least = Math.min(8, this.end - this.begin + 1), length = Math.max(least, to - from);
    const span = Math.min(length, this.end - this.begin + 1);
    const middle = (from + to) / 2;
    this.from = Math.min(Math.max(middle - span / 2, this.begin - 0.5), this.end + 0.5 - span);
    this.to = this.from + span;
  }

  reveal() {
    const [first, last] = [this.ranges[0][0], this.ranges[this.ranges.length - 1][1]];
    if (first < this.from || last > this.to) this.zoom(Math.min(first, this.from), Math.max(last, this.to));
  }

  // Geometry -----------------------------------------------------------------------------------------------------
  x(ls) { return LEFT + ((ls - this.from) / (this.to - this.from)) * this.wide; }
  lsAt(x) {
    const found = Math.round(this.from + ((x - LEFT) / this.wide) * (this.to - this.from));
    return Math.min(Math.max(found, this.begin), this.end);
  }

  // Rows [first, after) of the lumisections in every column of pixels; columns without any have first === after.
  columns() {
    const first = new Int32Array(this.wide), after = new Int32Array(this.wide), step = (this.to - this.from) / this.wide;
    const n = this.ls.length;
    let low = 0;
    for (let x = 0; x < this.wide; x++) {
      const a = this.from + x * step, b = a + step;
      while (low < n && this.ls[low] + 0.5 <= a) low++;
      let high = low;
      while (high < n && this.ls[high] - 0.5 < b) high++;
      first[x] = low;
      after[x] = high;
    }
    return [first, after];
  }

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
  }

  title(text, y, right = LEFT - 8) {
    const pen = this.pen;
    pen.fillStyle = this.ink;
    pen.font = "12px " + this.font;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    let short = text;
    while (short.length > 4 && pen.measureText(short).width > right - 2) short = short.replace(/…$/, "").slice(0, -1) + "…";
    pen.fillText(short, right, y);
  }

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
  }

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
  }

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
  }

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
  }

  // Put over what is there; putImageData alone would make holes in it.
  blit(image, x, y) {
    this.spare = this.spare || document.createElement("canvas");
    this.spare.width = image.width;
    this.spare.height = image.height;
    this.spare.getContext("2d").putImageData(image, 0, 0);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(this.spare, x, y);
  }

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
  }

  rowNames(y, rows, tall) {
    const height = tall / rows;
    if (height >= 11) {
      this.heat.rows.forEach((name, j) => this.title(name, y + (j + 0.5) * height));
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
  }

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
  }

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
  }

  course(series, at, first, after) {
    const pen = this.pen;
    pen.strokeStyle = pen.fillStyle = series.colour || this.ink;
    pen.lineWidth = 1.4;
    pen.setLineDash(series.dash || []);
    pen.beginPath();
    let joined = false, seen = -1;
    for (let x = 0; x < this.wide; x++) {
      if (first[x] === after[x]) { joined = false; continue; }
      if (first[x] === seen && after[x] === first[x] + 1 && x + 1 < this.wide && first[x + 1] === seen) continue;
      seen = after[x] - 1;
      let least = Infinity, most = -Infinity;
      for (let i = first[x]; i < after[x]; i++) {
        const value = series.values[i];
        if (value < least) least = value;
        if (value > most) most = value;
      }
      if (least > most) { joined = false; continue; }
      const a = at(least), b = at(most);
      joined ? pen.lineTo(LEFT + x + 0.5, a) : pen.moveTo(LEFT + x - 0.5, a);
      pen.lineTo(LEFT + x + 0.5, b === a ? a + 0.01 : b);
      joined = true;
    }
    pen.stroke();
    pen.setLineDash([]);
  }

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
  }

  stroke(points, width) {
    this.pen.lineWidth = width;
    this.pen.beginPath();
    points.forEach(([x, y], i) => (i ? this.pen.lineTo(x, y) : this.pen.moveTo(x, y)));
    this.pen.stroke();
  }

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
  }

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

  // What is under the pointer, in words ------------------------------------------------------------------------------
  sayStrip(track, i) {
    const state = track.states[track.code[i]], note = track.notes ? track.notes[track.note[i]] : "";
    return `${track.title}: ${state ? state.word : "nothing"}${note ? ", " + note : ""}`;
  }
  sayHeat(i, row) {
    const rows = this.heat.rows.length, each = Math.max(1, Math.ceil(rows / this.tall));
    let best = Math.min(row, rows - 1);
    for (let j = best; j < Math.min(rows, row + each); j++) if (this.heat.level[i * rows + j] > this.heat.level[i * rows + best]) best = j;
    const level = this.heat.level[i * rows + best];
    return `${this.heat.rows[best]}: ${level === LIMIT ? "a documented limit is broken" : (level * this.heat.step).toFixed(2) + " " + this.heat.unit}`;
  }
  sayLine(track, i) {
    return track.series.map((each) => `${each.title}: ${number(each.values[i], track.scale)}${track.unit ? " " + track.unit : ""}`).join(" · ");
  }
  strongest(i) {
    if (!this.heat) return [];
    const rows = this.heat.rows.length, found = [];
    for (let j = 0; j < rows; j++) if (this.heat.level[i * rows + j] > 0) found.push(j);
    found.sort((a, b) => this.heat.level[i * rows + b] - this.heat.level[i * rows + a]);
    return found.slice(0, 3).map((j) => this.sayHeat(i, j));
  }

  tellCursor(y) {
    const i = this.cursor === null ? -1 : this.place[this.cursor - this.begin];
    if (this.cursor === null) { this.read.textContent = this.head.hint; return; }
    if (i < 0) { this.read.textContent = `LS ${this.cursor} · not held by the store`; return; }
    const track = y === undefined ? null : this.tracks.find((each) => y >= each.y && y < each.y + each.height);
    const parts = [`LS ${this.cursor}`, ...(track ? [track.say(i, y)] : []), ...this.strips.map((each) => this.sayStrip(each, i)), ...this.strongest(i)];
    this.read.textContent = [...new Set(parts)].join("  ·  ");
  }

  // The hand and the keys --------------------------------------------------------------------------------------------
  listen() {
    const canvas = this.canvas, at = (event) => event.offsetX, refresh = () => { cancelAnimationFrame(this.frame); this.frame = requestAnimationFrame(() => this.paint()); };
    this.refresh = refresh;
    this.watch = new ResizeObserver(refresh);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button || !this.head || event.offsetX < LEFT) return;
      canvas.setPointerCapture(event.pointerId);
      const ls = this.lsAt(at(event));
      this.pan = event.offsetY > this.bottom ? [at(event), this.from, this.to] : null;
      if (this.pan) return;
      this.before = event.shiftKey || event.ctrlKey || event.metaKey ? this.ranges : [];
      this.anchor = ls;
      this.choose(ls);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.head) return;
      this.cursor = this.lsAt(at(event));
      if (this.pan) {
        const shift = ((this.pan[0] - at(event)) / this.wide) * (this.pan[2] - this.pan[1]);
        this.zoom(this.pan[1] + shift, this.pan[2] + shift);
      } else if (this.anchor !== undefined) this.choose(this.cursor);
      this.tellCursor(event.offsetY);
      refresh();
    });
    canvas.addEventListener("pointerup", () => {
      const chosen = this.anchor !== undefined;
      this.anchor = this.pan = undefined;
      if (chosen) this.send();
    });
    canvas.addEventListener("pointercancel", () => { this.anchor = this.pan = undefined; });
    canvas.addEventListener("pointerleave", () => {
      if (!this.head || this.anchor !== undefined) return;
      this.cursor = null;
      this.tellCursor();
      refresh();
    });
    canvas.addEventListener("wheel", (event) => {
      if (!this.head || !(event.ctrlKey || event.metaKey || this.root.getRootNode().activeElement === canvas)) return;
      event.preventDefault();
      this.scale(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), this.from + ((at(event) - LEFT) / this.wide) * (this.to - this.from));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.root.querySelectorAll("button").forEach((each) => each.addEventListener("click", () => this.press(each.dataset.act)));
  }

  press(act) {
    if (!this.head) return;
    if (act === "in") this.scale(0.5);
    if (act === "out") this.scale(2);
    if (act === "all") { this.zoom(this.begin - 0.5, this.end + 0.5); this.refresh(); }
    if (act === "none") { this.ranges = []; this.refresh(); this.send(); }
  }

  scale(factor, about = (this.from + this.to) / 2) {
    const length = (this.to - this.from) * factor, part = (about - this.from) / (this.to - this.from);
    this.zoom(about - part * length, about + (1 - part) * length);
    this.refresh();
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 }[event.key];
    const act = { "+": "in", "=": "in", "-": "out", 0: "all", Escape: "none" }[event.key];
    if (!this.head || event.altKey || event.ctrlKey || event.metaKey || (step === undefined && act === undefined)) return;
    event.preventDefault();
    event.stopPropagation();
    if (act) { this.press(act); return; }
    const last = this.ranges[this.ranges.length - 1];
    if (this.end_ === undefined || !last) this.end_ = last ? last[1] : this.begin - 1;
    this.end_ = Math.min(Math.max(this.end_ + step, this.begin), this.end);
    if (!event.shiftKey || this.pivot === undefined) this.pivot = event.shiftKey && last ? last[0] : this.end_;
    this.ranges = [[Math.min(this.pivot, this.end_), Math.max(this.pivot, this.end_)]];
    this.cursor = this.end_;
    if (this.cursor < this.from || this.cursor > this.to) this.zoom(this.from + step, this.to + step);
    if (this.cursor < this.from || this.cursor > this.to) this.reveal();
    this.tellCursor();
    this.refresh();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.send(), 250);
  }

  choose(ls) {
    this.ranges = merged([...this.before, [Math.min(this.anchor, ls), Math.max(this.anchor, ls)]]);
    this.pivot = this.anchor;
    this.end_ = ls;
    this.refresh();
  }

  // The ends that are held by the store; what lies between is for the service to judge.
  send() {
    const held = (ls) => this.place[ls - this.begin] >= 0;
    const found = [];
    for (let [first, last] of this.ranges) {
      while (first < last && !held(first)) first++;
      while (last > first && !held(last)) last--;
      if (held(first)) found.push([first, last]);
    }
    this.ranges = found;
    this.root.dataset.selected = JSON.stringify(found);
    this.tell(found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", "));
  }
}

function merged(ranges) {
  const found = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = found[found.length - 1];
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else found.push([first, last]);
  }
  return found;
}

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
