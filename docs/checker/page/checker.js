// The page: takes files, tells what each is, has the worker check them, and shows what the library says of them.

const KINDS = {
  report: { role: "report", most: 1 << 24 },
  envelope: { role: "signed envelope", most: 1 << 24 },
  key: { role: "public key", most: 1 << 16 },
  fingerprint: { role: "fingerprint", most: 1 << 26 },
};
const SLICE = 1 << 16; // bytes by which a file is told
const element = (id) => document.getElementById(id);
const given = [];
let parts = null;
let worker = null;
let working = 0; // number of the latest request; answers to others are dropped

start();

async function start() {
  element("files").addEventListener("change", (event) => {
    take([...event.target.files]);
    event.target.value = "";
  });
  for (const kind of ["dragover", "dragleave", "drop"])
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      element("drop").classList.toggle("over", kind === "dragover");
      if (kind === "drop") take([...event.dataTransfer.files]);
    });
  element("swap").addEventListener("click", () => {
    const [a, b] = of("fingerprint");
    given.push(...given.splice(given.indexOf(a), 1));
    run();
  });
  element("stop").addEventListener("click", () => anew("Stopped; give the files again."));
  try {
    parts = await load();
  } catch (error) {
    say(`The page could not be loaded (${error.message}); load it again.`);
    return;
  }
  close();
  restart();
}

// Every part of the program, each checked against its sha256.
async function load() {
  const list = await (await fetch("parts.json")).json();
  element("version").textContent = list.version;
  const total = list.parts.reduce((sum, part) => sum + part.bytes, 0);
  let here = 0;
  const tell = () => say(`Loading the library: ${mega(here)} of ${mega(total)} MB`);
  tell();
  const loaded = await Promise.all(
    list.parts.map(async ({ name, bytes, integrity }) => {
      const answer = await fetch(name, { integrity });
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      const content = await answer.arrayBuffer();
      here += bytes;
      tell();
      return [name, content];
    }),
  );
  return Object.fromEntries(loaded);
}

// From here on nothing can be fetched or sent: policies add up, and none can be taken back.
function close() {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "connect-src 'none'";
  document.head.append(policy);
}

// A worker made from a blob is under the page's policy.
function restart() {
  worker?.terminate();
  working += 1;
  element("stop").hidden = true;
  const address = (name, type) => URL.createObjectURL(new Blob([parts[name]], { type }));
  worker = new Worker(address("worker.js", "text/javascript"), { type: "module" });
  worker.ready = false;
  worker.addEventListener("message", ({ data }) => heard(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    failed();
  });
  const scripts = Object.fromEntries(
    ["pyodide.mjs", "pyodide.asm.mjs"].map((name) => [name, address(name, "text/javascript")]),
  );
  worker.postMessage({ scripts, parts });
  say("Starting the library …");
}

function heard({ id, ready, outcome, failure }) {
  if (ready) {
    worker.ready = true;
    run();
  } else if (failure !== undefined) {
    console.error(failure);
    failed();
  }
  else if (id === working) {
    element("stop").hidden = true;
    show(JSON.parse(outcome));
  }
}

function failed() {
  anew(
    given.length
      ? "These files are too much for this browser; use the command line."
      : "The library could not be started in this browser; use the command line.",
  );
}

// Without files, in a new worker; what happened is told again when it has started.
function anew(told) {
  given.length = 0;
  list();
  hide();
  restart();
  worker.told = told;
  say(told);
}

async function take(files) {
  say("Reading …");
  for (const file of files) {
    const kind = await told(file);
    const most = KINDS[kind]?.most;
    if (!kind || file.size > most) {
      const size = `is ${mega(file.size)} MB, and this page takes at most ${mega(most)} MB; use the command line.`;
      const what = "is none of: a report, a signed envelope, a public key (PEM), a fingerprint.";
      say(`${short(file.name)} ${kind ? size : what}`);
      return;
    }
    const same = of(kind);
    if (same.length >= (kind === "fingerprint" ? 2 : 1)) given.splice(given.indexOf(same[0]), 1);
    given.push({ kind, file });
  }
  run();
}

// What a file is, by its first bytes.
async function told(file) {
  const head = new Uint8Array(await file.slice(0, SLICE).arrayBuffer());
  const text = new TextDecoder().decode(head).trimStart();
  if (text.startsWith("-----BEGIN")) return "key";
  if (head.length > 9 && head[8] === 0x7b) return "fingerprint"; // 8 bytes of length, then "{"
  if (!text.startsWith("{")) return null;
  return /"payloadType"\s*:/.test(text) || (/"payload"\s*:/.test(text) && !/"schema_version"/.test(text))
    ? "envelope"
    : "report";
}

const of = (kind) => given.filter((one) => one.kind === kind);

async function run() {
  list();
  if (!worker?.ready) {
    if (given.length && parts) say("The files are checked as soon as the library has started.");
    return;
  }
  hide();
  const [report] = of("report"), [envelope] = of("envelope"), [key] = of("key"), prints = of("fingerprint");
  const id = ++working;
  if (report || envelope || key) ask(id, "check", [report, envelope, key]);
  else if (prints.length === 2) ask(id, "compare", prints);
  else if (prints.length === 1) say("Give a second fingerprint to compare.");
  else say(worker.told ?? "Ready.");
  worker.told = undefined;
}

async function ask(id, job, files) {
  say(job === "check" ? "Checking …" : "Comparing …");
  element("stop").hidden = false;
  try {
    const read = await Promise.all(
      files.map(async (one) => one && { name: one.file.name, content: await one.file.arrayBuffer() }),
    );
    if (id === working) worker.postMessage({ id, job, files: read });
  } catch {
    element("stop").hidden = true;
    say("A file could not be read; give it again.");
  }
}

function list() {
  const prints = of("fingerprint"), lineage = given.some((one) => one.kind !== "fingerprint");
  element("swap").hidden = lineage || prints.length < 2;
  element("list").replaceChildren(
    ...given.map((one) => {
      const side = ["A, questioned", "B, reference"][prints.indexOf(one)];
      const role = side ? `${KINDS[one.kind].role} ${lineage ? "(not compared while a report is checked)" : side}` : KINDS[one.kind].role;
      const remove = make("button", "Remove", { type: "button" });
      remove.setAttribute("aria-label", `Remove ${short(one.file.name)}`);
      remove.addEventListener("click", () => {
        given.splice(given.indexOf(one), 1);
        element("files").focus();
        run();
      });
      return make("li", [make("span", [short(one.file.name), " ", make("span", role, { className: "role" })]), remove]);
    }),
  );
}

function hide() {
  element("results").hidden = true;
  element("stop").hidden = true;
}

function show({ blocks, saved }) {
  element("blocks").replaceChildren(...blocks.map(block));
  for (const old of element("saved").children) URL.revokeObjectURL(old.href);
  element("saved").replaceChildren(
    ...saved.map(({ name, text }) =>
      make("a", `Save ${name}`, {
        download: name,
        href: URL.createObjectURL(new Blob([text], { type: "application/json" })),
      }),
    ),
  );
  element("results").hidden = false;
  const bad = blocks.filter(({ tone }) => tone === "bad").map(({ title }) => title);
  say(`Done. ${bad.length ? `Found wrong: ${bad.join(", ")}.` : blocks.map(({ title, lead }) => `${title}: ${lead}`)[0]}`);
}

const MARKS = { good: "✓ ", bad: "✗ " };

function block({ title, tone, lead, lines, tables }) {
  const head = make("h3", [make("span", MARKS[tone] ?? "", { className: "mark" }), title]);
  head.firstChild.setAttribute("aria-hidden", "true");
  const terms = make("dl", lines.flatMap(([label, text]) => [make("dt", label), make("dd", text)]));
  return make("article", [head, make("p", lead, { className: "lead" }), ...(lines.length ? [terms] : []), ...tables.map(table)], {
    className: `block ${tone}`,
  });
}

function table({ caption, columns, rows, folded, numbers }) {
  const style = (at) => (at >= columns.length - numbers ? "number" : "");
  const head = make("tr", columns.map((name, at) => make("th", name, { scope: "col", className: style(at) })));
  const body = rows.map((row) => make("tr", row.map((cell, at) => make("td", cell, { className: style(at) }))));
  const whole = make("table", [make("caption", caption), make("thead", [head]), make("tbody", body)]);
  const wide = make("div", [whole], { className: "wide", tabIndex: 0 });
  wide.setAttribute("role", "region");
  wide.setAttribute("aria-label", caption);
  return folded ? make("details", [make("summary", caption), wide]) : wide;
}

// Text is only ever text: nothing of a file is read as markup.
function make(tag, content, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...[content].flat());
  return made;
}

function say(text) {
  element("status").textContent = text;
}

const mega = (bytes) => (bytes / 2 ** 20).toFixed(1);
const short = (name) => (name.length > 80 ? `${name.slice(0, 79)}…` : name).replace(/\p{C}/gu, "�");
