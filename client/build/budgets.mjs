// `npm run budgets`: what the built client weighs on the wire, against what it may. Fails when it is too heavy.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist", import.meta.url).pathname;
/** The page people see first, and what every page of the shell needs. */
const FIRST_ROUTE = ["index.html", "src/features/home/HomePage.tsx"];

// In bytes, compressed with gzip; a kilobyte has 1,000.
const BUDGETS = { firstScripts: 280_000, firstStyles: 45_000, route: 70_000, builder: 160_000, charts: 110_000 };
const WHOLE = 1_200_000;

/** @typedef {{ file: string, imports?: string[], css?: string[], isDynamicEntry?: boolean }} Chunk */

/** @type {Record<string, Chunk>} */
const manifest = JSON.parse(readFileSync(join(DIST, ".vite/manifest.json"), "utf8"));

/** @type {Map<string, number>} */
const sizes = new Map();
for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name).slice(DIST.length + 1);
  if (entry.isFile() && !/^\.|\.(br|gz)$/.test(path)) {
    sizes.set(path, gzipSync(readFileSync(join(DIST, path)), { level: 9 }).length);
  }
}

/**
 * The files a part needs: its own, its styles, and those of everything it imports.
 * @param {string[]} keys
 */
function filesOf(keys) {
  const seen = new Set();
  const files = new Set();
  const waiting = [...keys];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const chunk = manifest[key];
    if (chunk === undefined) {
      throw new Error(`The build has no part \`${key}\`; name what replaced it in build/budgets.mjs.`);
    }
    if (!seen.has(key)) {
      seen.add(key);
      waiting.push(...(chunk.imports ?? []));
      for (const file of [chunk.file, ...(chunk.css ?? [])]) {
        files.add(file);
      }
    }
  }
  return files;
}

/** @param {Iterable<string>} files */
function sum(files) {
  return [...files].reduce((total, file) => total + (sizes.get(file) ?? 0), 0);
}

/** @param {string} key */
function budgetOf(key) {
  if (/builder/i.test(key)) return BUDGETS.builder;
  return /chart/i.test(key) ? BUDGETS.charts : BUDGETS.route;
}

const first = filesOf(FIRST_ROUTE);
const rows = [
  ["first route: scripts", sum([...first].filter((file) => file.endsWith(".js"))), BUDGETS.firstScripts],
  ["first route: styles", sum([...first].filter((file) => file.endsWith(".css"))), BUDGETS.firstStyles],
];
for (const [key, chunk] of Object.entries(manifest)) {
  if (chunk.isDynamicEntry && !FIRST_ROUTE.includes(key)) {
    rows.push([`adds: ${key}`, sum([...filesOf([key])].filter((file) => !first.has(file))), budgetOf(key)]);
  }
}
rows.push(["everything", sum(sizes.keys()), WHOLE]);

let tooHeavy = 0;
for (const [what, bytes, budget] of rows) {
  const verdict = bytes > budget ? "TOO HEAVY" : "ok";
  tooHeavy += Number(bytes > budget);
  process.stdout.write(`${String(what).padEnd(64)} ${kilobytes(bytes)} of ${kilobytes(budget)} kB  ${verdict}\n`);
}
process.exitCode = tooHeavy > 0 ? 1 : 0;

/** @param {number} bytes */
function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1).padStart(7);
}
