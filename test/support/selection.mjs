import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Which specs a run of Jest leaves out, unless they are asked for by path:
 *
 * - What is run by a command of its own: the package as it is built, packed and installed, what has packages of its own, and what is slow by design.
 * - Small specs, each by itself. Loading Nest takes a second of every suite, the library alone a quarter of one, and most
 *   specs take less: those of a folder run as one suite, its `all.spec.ts`, or as a few (`data.all.spec.ts`), which do nothing but import them.
 */
const TESTS = fileURLToPath(new URL('..', import.meta.url));
const APART = ['package', 'soak', 'with-an-orm'];
const GROUP = 'all.spec.ts';
/** Options whose value is the next argument, and no path. */
const TAKES_VALUE = /^(-t|--testNamePattern|-w|--maxWorkers|--outputFile|-c|--config|--shard|--seed)$/;
const PATHS = /^--(testPathPatterns?|runTestsByPath)=/;

/** The paths, or parts of paths, among the arguments of Jest. */
export function patternsOf(args) {
  return args.filter((arg, at) => !TAKES_VALUE.test(args[at - 1] ?? '') && (PATHS.test(arg) || !arg.startsWith('-')));
}

/** @param args of Jest. @returns patterns of paths */
export function leftOut(args) {
  const asked = patternsOf(args).map((arg) => arg.replace(PATHS, ''));
  const apart = APART.filter((folder) => !asked.some((pattern) => asksFor(pattern, join('test', folder, '/')))).map(
    (folder) => `^${escaped(join(TESTS, folder, '/'))}`,
  );
  const members = groups().flatMap(({ path, imported }) => {
    // Asked for in a way that does not ask for the whole group.
    const isAlone = (member) => asked.some((pattern) => matches(pattern, member) && !matches(pattern, path));
    return imported.filter((member) => !isAlone(member)).map((member) => `^${escaped(member)}$`);
  });
  return [...apart, ...members];
}

function groups() {
  return readdirSync(TESTS, { recursive: true })
    .filter((path) => path.endsWith(GROUP) && !path.includes('node_modules'))
    .map((name) => {
      const path = join(TESTS, name);
      const imports = readFileSync(path, 'utf8').matchAll(/^import '(.+)\.js';$/gm);
      return { path, imported: Array.from(imports, ([, spec]) => join(dirname(path), `${spec}.ts`)) };
    });
}

/** Whether a path leads into this folder, and not only past it. */
function asksFor(pattern, folder) {
  return pattern.includes(folder) || `${pattern}/`.endsWith(folder);
}

function matches(pattern, path) {
  try {
    return new RegExp(pattern, 'i').test(path);
  } catch {
    return path.includes(pattern);
  }
}

function escaped(path) {
  return path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
