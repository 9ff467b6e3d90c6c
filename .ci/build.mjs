// Builds the library (ESM, CommonJS, declarations) and the samples into dist/.
//
//   node .ci/build.mjs               everything, from nothing
//   node .ci/build.mjs --if-needed   only when a source differs from what dist/ was built from
//
//   dist/esm      JavaScript without comments, declarations with docstrings
//   dist/cjs      the same for loaders that know `require` only; its package.json says that it is CommonJS
//   dist/sample   the samples; they import the library by its own name, through `exports`, as an application does
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'dist', '.built-from');
const TSC = join('node_modules', 'typescript', 'bin', 'tsc');
const NEST = join('node_modules', '@nestjs', 'cli', 'bin', 'nest.js');

const builtFrom = fingerprint();
const isCurrent = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === builtFrom;

if (!(process.argv.includes('--if-needed') && isCurrent)) {
  const startedAt = performance.now();
  console.error('building dist/ …');
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  await Promise.all([
    node(NEST, 'build', 'lib'),
    node(TSC, '-p', 'tsconfig.cjs.json'),
    node(TSC, '-p', 'tsconfig.types.json'),
  ]);
  writeFileSync(join(ROOT, 'dist', 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  copyDeclarations();
  for (const extension of ['.js', '.d.ts']) ['esm', 'cjs'].forEach((half) => dropUnreached(half, extension));
  if (hasSamples()) await node(NEST, 'build', 'sample');
  writeFileSync(STAMP, builtFrom);
  console.error(`built dist/ in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

/** The same text means two things to TypeScript, by the package.json beside it; so each half has its own copy. */
function copyDeclarations() {
  cpSync(join(ROOT, 'dist', 'esm'), join(ROOT, 'dist', 'cjs'), {
    recursive: true,
    filter: (source) => statSync(source).isDirectory() || source.endsWith('.d.ts'),
  });
}

/** A file that no door reaches (a module of types only, declarations that only private members mention) is not shipped. */
function dropUnreached(half, extension) {
  const folder = join(ROOT, 'dist', half);
  const isOurs = (name) => name.endsWith(extension);
  const reached = new Set(readdirSync(folder).filter(isOurs));
  // A Set hands out what is added to it while it is walked.
  for (const name of reached) {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(folder, name), 'utf8'), true, true);
    for (const { fileName } of importedFiles) {
      if (fileName.startsWith('.')) reached.add(join(dirname(name), fileName.replace(/\.js$/, extension)));
    }
  }
  for (const name of readdirSync(folder, { recursive: true })) {
    if (isOurs(name) && !reached.has(name)) rmSync(join(folder, name));
  }
}

function hasSamples() {
  return sources('sample').some((path) => path.endsWith('.ts'));
}

/** One hash over everything that the build reads. */
function fingerprint() {
  const configs = readdirSync(ROOT).filter((name) => /^tsconfig.*\.json$|^nest-cli\.json$|^package\.json$/.test(name));
  const hash = createHash('sha256');
  for (const path of [...configs, join('.ci', 'build.mjs'), ...sources('lib'), ...sources('sample')].sort()) {
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
