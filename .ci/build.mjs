// Builds the library (ESM, CommonJS, declarations) and the samples into dist/.
//
//   node .ci/build.mjs               everything, from nothing
//   node .ci/build.mjs --if-needed   only when a source differs from what dist/ was built from
//
//   dist/esm      JavaScript without comments but with source maps, in few files (.ci/bundle.mjs); its declarations lead to
//                 those of dist/cjs
//   dist/cjs      the same for loaders that know `require` only, and the declarations with their docstrings; its
//                 package.json says that it is CommonJS
//   dist/sample   the samples; they import the library by its own name, through `exports`, as an application does
//
// The doors are those of `exports` in package.json.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleDeclarations, bundleJavaScript } from './bundle.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'dist', '.built-from');
const TSC = join('node_modules', 'typescript', 'bin', 'tsc');

await takeTurn();
const builtFrom = fingerprint();
const isCurrent = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === builtFrom;

if (!(process.argv.includes('--if-needed') && isCurrent)) {
  const startedAt = performance.now();
  // The first start of a fresh clone waits for this, and shows what for.
  const say = (what) =>
    console.error(`  ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${what} …`);
  console.error('building dist/, up to a minute the first time');
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  say('compiling the library');
  await Promise.all([node(TSC, '-p', 'tsconfig.lib.json'), node(TSC, '-p', 'tsconfig.types.json')]);
  const [compiled, esm, cjs] = ['lib', 'esm', 'cjs'].map((folder) => join(ROOT, 'dist', folder));
  say('bundling its JavaScript');
  await bundleJavaScript(compiled, doors(), { esm, cjs });
  say('bundling its declarations');
  await bundleDeclarations(compiled, doors(), { esm, cjs });
  writeFileSync(join(cjs, 'package.json'), '{ "type": "commonjs" }\n');
  rmSync(compiled, { recursive: true });
  if (hasSamples()) {
    say('compiling the samples');
    await node(TSC, '-p', 'tsconfig.sample.json');
  }
  writeFileSync(STAMP, builtFrom);
  console.error(`built dist/ in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

/** Several may want to build at once (two specs, two terminals); the second finds what the first has made. */
async function takeTurn() {
  const lock = join(tmpdir(), `nestjs-scoped-cache-${createHash('sha256').update(ROOT).digest('hex')}.lock`);
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      process.once('exit', () => rmSync(lock, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isRunning(lock)) rmSync(lock, { force: true });
      else await pause(100);
    }
  }
}

function isRunning(lock) {
  try {
    return process.kill(Number(readFileSync(lock, 'utf8')) || process.pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The main door first: what it needs is what most applications load. */
function doors() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const named = Object.keys(exports).filter((door) => door !== '.' && door !== './package.json');
  return ['index', ...named.map((door) => door.slice('./'.length)).sort()];
}

function hasSamples() {
  return sources('sample').some((path) => path.endsWith('.ts'));
}

/** One hash over everything that the build reads. */
function fingerprint() {
  const configs = readdirSync(ROOT).filter((name) => /^tsconfig.*\.json$|^package\.json$/.test(name));
  const hash = createHash('sha256');
  for (const path of [
    ...configs,
    join('.ci', 'build.mjs'),
    join('.ci', 'bundle.mjs'),
    join('.ci', 'docstrings.mjs'),
    ...sources('lib'),
    ...sources('sample'),
  ].sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function sources(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'));
}

function node(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')} ended with ${code}`))));
  }).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
