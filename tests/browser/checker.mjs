// Drive the checker page in Chromium: give it the files of each case, and write down what it shows and saves.
// node checker.mjs PLAN.json: {url, cases: [{name, files}], shots, answers}; modules from NODE_PATH.

import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_PATH}/`);
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const plan = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [...flags, "--disable-component-update", "--disable-sync"],
});
const LONG = { timeout: 600_000 };
const found = { cases: {}, axe: [], requests: [], errors: [], policy: null, seconds: {} };

const begun = Date.now();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
const page = await context.newPage();
let probing = false; // while connections are tried that the policy refuses, and the console tells
let closed = false; // from the moment that the page is ready, no request is due
page.on("request", (request) => {
  if (closed && !probing && !request.url().startsWith("blob:")) found.requests.push(request.url());
});
page.on("console", (message) => {
  if (message.type() === "error" && !probing) found.errors.push(message.text());
});
page.on("pageerror", (error) => found.errors.push(error.message));
page.on("dialog", (dialog) => {
  found.errors.push(`dialog: ${dialog.message()}`);
  dialog.dismiss();
});
await page.goto(plan.url);
await status(page, /^Ready/);
found.seconds.start = (Date.now() - begun) / 1000;
closed = true;

for (const { name, files } of plan.cases) {
  const since = Date.now();
  await clear(page);
  await page.setInputFiles("#files", files);
  await status(page, /^Done|^Give|is none of|takes at most|too much/);
  found.cases[name] = { ...(await page.evaluate(shown)), saved: await saved(page), seconds: (Date.now() - since) / 1000 };
  process.stderr.write(`${name}: ${found.cases[name].seconds.toFixed(1)} s\n`);
  if (plan.shots?.[name]) await pictures(page, plan.shots[name]);
}

// What no one may do once the page is ready, from the page and from its worker alike.
probing = true;
found.policy = await page.evaluate(async () => {
  const source = "fetch('" + location.href + "').then(() => postMessage('fetched'), (e) => postMessage(e.message))";
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const ofWorker = await new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
  const ofPage = await fetch(location.href).then(() => "fetched", (error) => error.message);
  return [ofPage, ofWorker];
});

probing = false;

// By keyboard alone: to the input, to a fold, to a table.
await clear(page);
await page.setInputFiles("#files", plan.keyboard);
await status(page, /^Done/);
await page.focus("#files");
found.keyboard = [];
for (let n = 0; n < 12; n++) {
  await page.keyboard.press("Tab");
  found.keyboard.push(await page.evaluate(() => document.activeElement.tagName));
}

// The stop button ends a run, and the page goes on.
await clear(page);
await page.setInputFiles("#files", plan.long);
await page.click("#stop", LONG);
await status(page, /^Stopped/);
await page.setInputFiles("#files", plan.keyboard);
await status(page, /^Done/);
found.stopped = (await page.evaluate(shown)).blocks.length;

fs.writeFileSync(plan.answers, JSON.stringify(found));
await browser.close();

async function status(page, pattern) {
  await page.waitForFunction(
    ([source]) => new RegExp(source).test(document.getElementById("status").textContent),
    [pattern.source],
    LONG,
  );
}

async function clear(page) {
  for (let button; (button = await page.$("#list button")); ) await button.click();
  await status(page, /^Ready|^The|^Stopped/);
}

function shown() {
  const text = (node) => node.textContent;
  const all = (node, selector) => [...node.querySelectorAll(selector)];
  const blocks = all(document, "#blocks article").map((block) => ({
    title: text(block.querySelector("h3").lastChild),
    tone: block.className.split(" ")[1],
    lead: text(block.querySelector(".lead")),
    lines: all(block, "dt").map((term) => [text(term), text(term.nextSibling)]),
    tables: all(block, "table").map((table) => ({
      caption: text(table.querySelector("caption")),
      columns: all(table, "thead th").map(text),
      rows: all(table, "tbody tr").map((row) => all(row, "td").map(text)),
    })),
  }));
  const inert = document.querySelectorAll("#blocks img, #blocks script, #list img").length === 0;
  const hidden = document.getElementById("results").hidden;
  return { status: text(document.getElementById("status")), blocks: hidden ? [] : blocks, inert };
}

async function saved(page) {
  const texts = {};
  for (const link of await page.$$("#results:not([hidden]) #saved a")) {
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    texts[download.suggestedFilename()] = fs.readFileSync(await download.path(), "utf8");
  }
  return texts;
}

async function pictures(page, beginning) {
  for (const [name, width, scheme] of [
    ["desktop", 1280, "light"],
    ["phone", 390, "light"],
    ["dark", 1280, "dark"],
    ["phone-dark", 390, "dark"],
  ]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    for (const open of [false, true]) {
      await page.evaluate((open) => document.querySelectorAll("details").forEach((one) => (one.open = open)), open);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run());
      found.axe.push(...violations.map(({ id, nodes }) => `${beginning} ${name}: ${id} ${nodes[0].html}`.slice(0, 300)));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.axe.push(`${beginning} ${name}: the page is ${wide} px too wide`);
      if (!open) await page.screenshot({ path: `${beginning}-${name}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}
