// Tracks over one axis of lumisections, and the choice of ranges on it; dashboard/canvas/timeline.py packs the numbers.
// Painting stands in timeline_painting.js.
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

Object.assign(Timeline.prototype, PAINTING);
