/**
 * An older build of this library as a contestant of its own, in the same run: `npm run bench -- --before <commit>`. It is
 * built from its own sources, with the tools that are installed now, and stands beside the peers under a name of its own;
 * the process of a contestant that is called so imports it wherever a bench imports the library.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIBRARY = 'nestjs-scoped-cache';
const PACKAGE = `${LIBRARY}-before`;
const PLACE = join(ROOT, 'bench', 'node_modules', PACKAGE);

/** What the names of its contestants end with. */
const MARK = ', before';

/** The names with those of the older build: right after each of ours, where one was asked for. */
export function withBefore(names, isOurs = (name) => name.startsWith(LIBRARY)) {
  if (process.env.BENCH_BEFORE === undefined) return names;
  return names.flatMap((name) => (isOurs(name) ? [name, `${name}${MARK}`] : [name]));
}

/** The name that a bench file knows it by. */
export function plainName(name) {
  return name.endsWith(MARK) ? name.slice(0, -MARK.length) : name;
}

export function isBefore(name) {
  return name.endsWith(MARK);
}

/** From here on, whatever is imported from the library in this process comes from the older build. */
export function importBefore() {
  const hook = `export function resolve(name, context, next) {
    const isOurs = name === '${LIBRARY}' || name.startsWith('${LIBRARY}/');
    return next(isOurs ? name.replace('${LIBRARY}', '${PACKAGE}') : name, context);
  }`;
  // On a server it has a keyspace of its own, as every contestant has.
  process.env.BENCH_KEYSPACE = 'before-';
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

/** Builds what a commit holds, once for each. */
export function buildBefore(commit) {
  const id = execFileSync('git', ['rev-parse', '--verify', `${commit}^{commit}`], {
    cwd: ROOT,
    encoding: 'utf8',
  }).trim();
  const note = join(PLACE, 'built-from');
  if (existsSync(note) && readFileSync(note, 'utf8') === id) return id;
  const folder = mkdtempSync(join(tmpdir(), `${PACKAGE}-`));
  try {
    execFileSync('git', ['worktree', 'add', '--detach', join(folder, 'sources'), id], { cwd: ROOT, stdio: 'ignore' });
    const sources = join(folder, 'sources');
    symlinkSync(join(ROOT, 'node_modules'), join(sources, 'node_modules'), 'junction');
    execFileSync(process.execPath, [join(sources, '.ci', 'build.mjs')], { cwd: sources, stdio: 'inherit' });
    rmSync(PLACE, { recursive: true, force: true });
    cpSync(join(sources, 'dist'), join(PLACE, 'dist'), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(sources, 'package.json'), 'utf8'));
    writeFileSync(join(PLACE, 'package.json'), JSON.stringify({ ...manifest, name: PACKAGE }, undefined, 2));
    writeFileSync(note, id);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    execFileSync('git', ['worktree', 'prune'], { cwd: ROOT });
  }
  return id;
}
