// The worker: Python in WebAssembly with the library; it is handed every byte, and fetches nothing.

const HOME = "https://parts.invalid/"; // an address for each part, which leads nowhere
const DEEPEST = 500; // levels of nesting that Python is given; the library allows fewer, and more would end the worker
const SITE = "/lib/python3.14/site-packages";
let python = null;

self.addEventListener("message", async ({ data }) => {
  try {
    if (data.parts) {
      python = await started(data);
      self.postMessage({ ready: true });
    } else self.postMessage({ id: data.id, outcome: done(data) });
  } catch (error) {
    self.postMessage({ failure: String(error?.message ?? error) });
  }
});

async function started({ scripts, parts }) {
  const types = { wasm: "application/wasm", zip: "application/zip" };
  self.fetch = async (address) => {
    const name = String(address.url ?? address).slice(HOME.length);
    if (!(name in parts)) throw new TypeError(`${name} is not a part of this page`);
    return new Response(parts[name], { headers: { "Content-Type": types[name.split(".").pop()] } });
  };
  const { loadPyodide } = await import(scripts["pyodide.mjs"]);
  const { default: createPyodideModule } = await import(scripts["pyodide.asm.mjs"]);
  const found = await loadPyodide({
    indexURL: HOME,
    packageBaseUrl: HOME,
    createPyodideModule,
    lockFileContents: new TextDecoder().decode(parts["pyodide-lock.json"]),
  });
  found.unpackArchive(parts["packages.zip"], "zip", { extractDir: SITE });
  return { runtime: found, checker: found.pyimport("checker") };
}

// The files lie in folders of their own under the names they have, since sentences name them.
function done({ job, files }) {
  if (job === "check" && files.some((file) => file && depth(new Uint8Array(file.content)) > DEEPEST)) {
    const lead = `A file is nested too deeply; expected at most ${DEEPEST} levels.`;
    return JSON.stringify({ blocks: [{ title: "Not checked", tone: "bad", lead, lines: [], tables: [] }], saved: [] });
  }
  const { FS } = python.runtime;
  const paths = files.map((file, at) => {
    if (!file) return undefined;
    const folder = `/given/${at}`;
    FS.mkdirTree(folder);
    for (const old of FS.readdir(folder)) if (![".", ".."].includes(old)) FS.unlink(`${folder}/${old}`);
    const name = file.name.replace(/[/\0]/g, "_").replace(/^\.+$/, "_").slice(0, 120);
    FS.writeFile(`${folder}/${name}`, new Uint8Array(file.content));
    return `${folder}/${name}`;
  });
  return python.checker[job](...paths);
}

// The deepest nesting of a JSON text, brackets in strings aside.
function depth(bytes) {
  let level = 0, deepest = 0, inside = false;
  for (let at = 0; at < bytes.length; at++) {
    const sign = bytes[at];
    if (inside) {
      if (sign === 0x5c) at++;
      else if (sign === 0x22) inside = false;
    } else if (sign === 0x22) inside = true;
    else if (sign === 0x7b || sign === 0x5b) deepest = Math.max(deepest, ++level);
    else if (sign === 0x7d || sign === 0x5d) level--;
  }
  return deepest;
}
