// A table of which a person picks a row; dashboard/canvas/row_table.py packs what it shows.
const kept = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".rows");
  let shown = kept.get(root);
  if (!shown) kept.set(root, (shown = new Rows(root)));
  shown.pick = (row) => setTriggerValue("picked", row.dataset.number);
  shown.receive(data);
}

function made(tag, kind, text) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
}

class Rows {
  constructor(root) {
    this.root = root;
    this.table = root.querySelector("table");
    this.head = root.querySelector("thead");
    this.body = root.querySelector("tbody");
    this.sorted = null; // title of the column, and whether the largest comes first
    this.cursor = 0;
    this.table.addEventListener("keydown", (event) => this.key(event));
    this.head.addEventListener("keydown", (event) => this.along(event));
    this.head.addEventListener("focusin", (event) => this.reach(event.target));
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row) { this.move([...this.body.rows].indexOf(row)); this.pick(row); }
    });
  }

  receive(data) {
    this.data = data;
    this.root.style.height = `${data.height}px`;
    this.table.setAttribute("aria-label", data.label);
    this.table.style.width = `${data.columns.reduce((sum, each) => sum + each.width, 0)}px`;
    this.inks = data.states.map((each) => (each.hatched ? hatching(each.colour) : each.colour));
    this.paint();
  }

  order() {
    const rows = [...Array(this.data.rows).keys()];
    const by = this.sorted && this.data.columns.find((each) => each.title === this.sorted.title);
    if (!by) return rows;
    const sign = this.sorted.falling ? -1 : 1, value = by.order;
    const compared = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    return rows.sort((a, b) => (value[a] === null) - (value[b] === null) || sign * compared(value[a], value[b]));
  }

  paint() {
    const { columns, here } = this.data, held = this.head.contains(this.root.getRootNode().activeElement);
    this.head.replaceChildren(made("tr"));
    let left = 0;
    for (const each of columns) {
      each.left = left;
      left += each.pinned ? each.width : 0;
      this.head.firstChild.append(this.heading(each));
    }
    this.reach(this.headings().find((each) => each.name === this.reached) ?? this.headings()[0]);
    if (held) this.head.querySelector("[tabindex='0']")?.focus(); // what had it was drawn anew
    const rows = this.order();
    this.body.replaceChildren(...rows.map((row, at) => this.row(row, at, row === here)));
    this.move(Math.max(0, rows.indexOf(here)), false);
    this.root.dataset.rows = rows.length;
  }

  heading(column) {
    const cell = made("th", this.kind(column));
    cell.scope = "col";
    cell.style.width = `${column.width}px`;
    if (column.pinned) cell.style.left = `${column.left}px`;
    cell.title = column.help || column.title;
    if (!column.order || !column.title) { cell.append(made("button", "", column.title)); cell.firstChild.disabled = true; return cell; }
    const mine = this.sorted?.title === column.title, falling = mine && this.sorted.falling;
    if (mine) cell.ariaSort = falling ? "descending" : "ascending";
    const button = made("button", "", column.title + (mine ? (falling ? " ↓" : " ↑") : ""));
    button.type = "button";
    button.name = column.title;
    button.addEventListener("click", () => {
      this.sorted = !mine ? { title: column.title, falling: true } : falling ? { title: column.title, falling: false } : null;
      this.paint();
    });
    cell.append(button);
    return cell;
  }

  headings() { return [...this.head.querySelectorAll("button:enabled")]; }

  reach(button) { // one heading takes part in the order of Tab; arrows lead to the others
    for (const each of this.headings()) each.tabIndex = each === button ? 0 : -1;
    this.reached = button?.name;
  }

  along(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = this.headings(), at = all.indexOf(event.target);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[Math.min(Math.max(to, 0), all.length - 1)]?.focus();
    else if (event.key === "ArrowDown") this.table.focus();
    else return;
    event.preventDefault();
  }

  kind(column) { return column.kind + (column.pinned ? " pinned" : ""); }

  row(row, at, here) {
    const found = made("tr");
    found.id = `row-${at}`;
    found.dataset.number = this.data.numbers[row];
    found.ariaSelected = String(here);
    for (const each of this.data.columns) {
      const cell = made("td", this.kind(each)), text = each.texts[row];
      if (each.pinned) cell.style.left = `${each.left}px`;
      if (each.kind === "strip") cell.append(this.strip(text, each.width - 12));
      else if (each.kind === "share") cell.append(...bar(text, each.order[row], each.colour));
      else { cell.textContent = text; if (each.kind === "text") cell.title = text; }
      found.append(cell);
    }
    return found;
  }

  strip(text, width) {
    const canvas = made("canvas"), codes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    canvas.width = width * 2;
    canvas.height = 20;
    canvas.ariaHidden = "true"; // the shares beside it say the same in numbers
    const pen = canvas.getContext("2d"), step = canvas.width / Math.max(codes.length, 1);
    for (let from = 0, to = 0; from < codes.length; from = to) {
      while (to < codes.length && codes[to] === codes[from]) to++;
      pen.fillStyle = this.inks[codes[from]] ?? "transparent";
      pen.fillRect(from * step, 0, (to - from) * step, 20);
    }
    return canvas;
  }

  move(to, told = true) {
    const rows = this.body.rows;
    if (!rows.length) return;
    rows[this.cursor]?.classList.remove("cursor");
    this.cursor = Math.min(Math.max(to, 0), rows.length - 1);
    const row = rows[this.cursor];
    row.classList.add("cursor");
    this.table.setAttribute("aria-activedescendant", row.id);
    if (told) row.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.table) return;
    const last = this.body.rows.length - 1;
    const to = { ArrowDown: this.cursor + 1, ArrowUp: this.cursor - 1, PageDown: this.cursor + 14,
      PageUp: this.cursor - 14, Home: 0, End: last }[event.key];
    if (to !== undefined) this.move(to);
    else if ((event.key === "Enter" || event.key === " ") && last >= 0) this.pick(this.body.rows[this.cursor]);
    else return;
    event.preventDefault();
  }
}

function bar(text, value, colour) {
  if (value === null) return [];
  const found = made("div", "bar"), whole = made("i"), part = made("b");
  part.style.width = `${value}%`;
  part.style.background = colour;
  whole.append(part);
  found.append(whole, made("span", "", text));
  return [found];
}

function hatching(colour) {
  const tile = made("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = "#E4E6EA";
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  for (const at of [-6, 0, 6]) { pen.beginPath(); pen.moveTo(at, 6); pen.lineTo(at + 6, 0); pen.stroke(); }
  return pen.createPattern(tile, "repeat");
}
