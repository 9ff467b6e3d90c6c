// How many functions of lib/ does one call run, and how often does a miss go back to a file that it had left?
//
//   node bench/functions-of-a-call.mjs                 this checkout
//   node bench/functions-of-a-call.mjs ../other/lib    the library of another one, for comparison
//   node bench/functions-of-a-call.mjs --names         also which, and those of a miss in the order they are entered
//   node bench/functions-of-a-call.mjs --json          for programs
//
// The call is one of a method with `@Cacheable`, in the scope of a tenant, whose own function answers at once. Whatever
// happens once for each class, space, tenant or connection has happened before.
//
// Functions are counted by the coverage of V8, each once however often it runs, in the sources as they are written: no
// bundle, no minifier. Counted is what runs, in each of a few calls, until the caller has its answer.
//
// The walk is read from a second copy of the sources, in which every function first says its name. A step from one file to
// another is a return when the walk has been there before. Only steps of the engine count: what a call does between two
// of its files, in a backend or in core, is no step of its own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { hasRedis, withRedis } from './harness/redis-server.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COPIES = fileURLToPath(new URL('harness/library-copies.mjs', import.meta.url));
const PATH = '__path';
const TURNS = 5;
/** Coverage makes calls slow: on a busy machine the timer of their deadlines would be one of their functions. */
const PATIENT = '1m';

const args = process.argv.slice(2);
const flags = new Set(args.filter((arg) => arg.startsWith('--')));
const lib = resolve(args.find((arg) => !arg.startsWith('--')) ?? join(ROOT, 'lib'));
const temporary = mkdtempSync(join(tmpdir(), 'functions-of-a-call-'));
const found = [];
let caches = 0;
try {
  symlinkSync(join(ROOT, 'node_modules'), join(temporary, 'node_modules'));
  // By another process: the compiler would be collected as garbage, and covered, in each turn of this one.
  const [plain, telling] = ['plain', 'telling'].map((name) => join(temporary, name));
  execFileSync(process.execPath, [COPIES, lib, plain, telling, PATH]);
  await measure('memory', plain, telling, async (at) => (await load(at, 'index.js')).memory());
  if (hasRedis()) {
    await withRedis(({ url }) =>
      measure('redis', plain, telling, async (at) =>
        (await load(at, 'redis.js')).redis({ url, timeout: PATIENT, longTimeout: PATIENT }),
      ),
    );
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
if (flags.has('--json')) console.log(JSON.stringify(Object.fromEntries(found.map(({ name, count }) => [name, count]))));
else for (const { name, count } of found) console.log(`${String(count).padStart(4)}  ${name}`);
if (flags.has('--names')) for (const { name, names } of found) console.log(`\n${name}\n  ${names.join('\n  ')}`);
// A connection may still be closing.
process.exit();

async function measure(kind, plain, telling, backendOf) {
  await withMethod(plain, await backendOf(plain), async (miss, hit) => {
    note(`functions of a ${kind} miss`, await functionsOf(plain, miss));
    note(`functions of a ${kind} hit`, await functionsOf(plain, hit));
  });
  await withMethod(telling, await backendOf(telling), async (miss) => {
    const walk = await walkOf(miss);
    note(`returns of a ${kind} miss`, walk, returnsOf(walk));
  });
}

function note(name, names, count = names.length) {
  found.push({ name, names, count });
}

/** Hands over a call of a cached method that misses, with an argument of its own each time, and one that hits. */
async function withMethod(at, backend, work) {
  const { CacheModule, CacheService, Cacheable } = await load(at, 'index.js');
  class Rows {
    async find(id) {
      return { id };
    }
  }
  const find = Object.getOwnPropertyDescriptor(Rows.prototype, 'find');
  Object.defineProperty(Rows.prototype, 'find', Cacheable({ ttl: '1m' })(Rows.prototype, 'find', find));
  class AppModule {}
  Module({ imports: [CacheModule.forRoot({ backend, prefix: `calls-${++caches}` })], providers: [Rows] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
  const [cache, rows] = [app.get(CacheService), app.get(Rows)];
  await cache.runInScope({ tenant: 'acme' }, async () => {
    let last = 0;
    // Most reads hit: where most miss, a call asks for its lease at once.
    for (let i = 0; i < 50; i++) for (const id of [++last, last, last]) await rows.find(id);
    await work(
      () => rows.find(++last),
      () => rows.find(last),
    );
  });
  await app.close();
}

function load(at, file) {
  return import(pathToFileURL(join(at, file)).href);
}

/** The functions below `at` that run until the call has its answer: those of each of a few calls, as a timer may fire. */
async function functionsOf(at, call) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  // Started once for all turns: each start looks through the whole heap. What is taken is what has run since.
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  let always;
  for (let turn = 0; turn < TURNS; turn++) {
    await session.post('Profiler.takePreciseCoverage');
    await call();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const names = calledIn(result, pathToFileURL(at).href);
    always = always === undefined ? names : new Map([...always].filter(([place]) => names.has(place)));
  }
  await session.post('Profiler.stopPreciseCoverage');
  session.disconnect();
  return [...always.values()];
}

/** Functions that have run, by where they are written. */
function calledIn(scripts, at) {
  const called = new Map();
  for (const { url, functions } of scripts) {
    if (!url.startsWith(at)) continue;
    for (const { functionName, ranges } of functions) {
      const [{ count, startOffset }] = ranges;
      const name = `${url.slice(at.length + 1, -3)}#${functionName}`;
      if (count > 0) called.set(`${name} ${startOffset} ${functionName}`, name);
    }
  }
  return called;
}

async function walkOf(call) {
  const path = [];
  globalThis[PATH] = (name) => path.push(name);
  try {
    await call();
  } finally {
    delete globalThis[PATH];
  }
  return path;
}

function returnsOf(path) {
  const left = new Set();
  let here;
  let returns = 0;
  for (const [file] of path.map((name) => name.split('#'))) {
    if (!file.startsWith('engine/') || file === here) continue;
    if (left.has(file)) returns++;
    left.add(file);
    here = file;
  }
  return returns;
}
