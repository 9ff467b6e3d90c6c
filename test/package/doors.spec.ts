/**
 * The doors are packed into few files. Whichever door a class comes through, and whether it was imported or required,
 * it must be the same class: errors and tokens are told apart by identity.
 */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';

// One build on a busy machine.
jest.setTimeout(240_000);

const root = fileURLToPath(new URL('../..', import.meta.url));
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
const doors = Object.keys(exports).filter((door) => door !== './package.json');

beforeAll(() => run('.ci/build.mjs', '--if-needed'));

/** What node writes when it is run with these arguments in our folder, where our own name leads through `exports`. */
async function run(...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: '', CACHE_BACKEND: 'none that there is' };
  return (await promisify(execFile)(process.execPath, args, { cwd: root, env })).stdout;
}

/** What each door throws: one that is missing here is missing from the checks below. */
const THROWN: Readonly<Record<string, string>> = {
  '.': `main.CacheModule.forRoot({ name: 1 })`,
  './backend': `backend.guarded(main.memory(), { typo: 1 })`,
  './config': `config.cacheConfig()`,
  './mongo': `mongo.mongo({})`,
  './redis': `redis.redis({ url: 1 })`,
  './testing': `testing.chaos(main.memory(), { typo: 1 })`,
};
const names = doors.map((door) => (door === '.' ? 'main' : door.slice('./'.length)));
const listed = (texts: readonly string[]): string => `[${texts.join(', ')}]`;

const SAID = `
  const { CacheConfigError, CacheError, CacheService, CACHE_CLOCK } = main;
  const thrown = async (work) => { try { await work(); } catch (error) { return error; } };
  const all = await Promise.all([${doors.map((door) => `() => ${THROWN[door]}`).join(', ')}].map(thrown));
  const { providers, exports } = testing.CacheTestingModule.forTest();
  console.log(JSON.stringify({
    errors: all.map((error) => error instanceof CacheConfigError && error instanceof CacheError && error.constructor === CacheConfigError),
    names: [CacheConfigError.name, CacheService.name, main.CacheModule.name, main.CacheContext.name],
    hasTokens: exports.includes(CacheService) || providers.some(({ provide }) => provide === CACHE_CLOCK),
  }));
`;
const OURS = doors.map((door) => `'nestjs-scoped-cache${door.slice(1)}'`);
const IMPORTED = `const ${listed(names)} = await Promise.all(${listed(OURS)}.map((door) => import(door)));`;
const REQUIRED = `const ${listed(names)} = ${listed(OURS)}.map((door) => require(door));`;
/** By path: a node that can require ES modules takes those, under our name. */
const FILES = names.map((name) => `'./dist/cjs/${name === 'main' ? 'index' : name}.js'`);
const COMMONJS = `const ${listed(names)} = ${listed(FILES)}.map((file) => require(file));`;
const SAME = doors.map(() => true);

describe.each([
  ['imported', ['--input-type=module', '--eval', IMPORTED + SAID]],
  ['required', ['--input-type=commonjs', '--eval', `${REQUIRED} (async () => { ${SAID} })();`]],
  ['CommonJS', ['--input-type=commonjs', '--eval', `${COMMONJS} (async () => { ${SAID} })();`]],
])('doors that are %s', (_, args) => {
  it('share their classes and tokens, under their own names', async () => {
    expect(JSON.parse(await run(...args))).toEqual({
      errors: SAME,
      names: ['CacheConfigError', 'CacheService', 'CacheModule', 'CacheContext'],
      hasTokens: true,
    });
  });
});

it('an application that imports one door and requires another has one of each class', async () => {
  const mixed = `
    import { createRequire } from 'node:module';
    const require = createRequire(process.cwd() + '/');
    const ${listed(names)} = ${listed(OURS.map((door, at) => (at === 0 ? `await import(${door})` : `require(${door})`)))};
    ${SAID}`;
  expect(JSON.parse(await run('--input-type=module', '--eval', mixed))).toMatchObject({ errors: SAME });
});

describe('what the doors show is what their sources show, no more and no less', () => {
  let shown: Record<string, string[]>[];
  beforeAll(async () => {
    const keys = `console.log(JSON.stringify(Object.fromEntries(all.map((door, at) => [${listed(doors.map((door) => `'${door}'`))}[at], Object.keys(door).sort()]))))`;
    const told = [
      run('--input-type=module', '--eval', `${IMPORTED} const all = ${listed(names)}; ${keys}`),
      run('--input-type=commonjs', '--eval', `${COMMONJS} const all = ${listed(names)}; ${keys}`),
    ];
    shown = (await Promise.all(told)).map((text) => JSON.parse(text) as Record<string, string[]>);
  });

  it.each(doors)('%s', async (door) => {
    const name = door === '.' ? 'index' : door.slice('./'.length);
    const source = Object.keys((await import(`../../lib/${name}.js`)) as object).sort();
    expect(shown.map((half) => half[door])).toEqual([source, source]);
  });
});

describe.each(['esm', 'cjs'])('dist/%s', (half) => {
  const folder = join(root, 'dist', half);
  const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');

  it('defines each class in one file', () => {
    const defined = readdirSync(folder)
      .filter((name) => name.endsWith('.js'))
      .flatMap((name) =>
        Array.from(
          textOf(name).matchAll(/^(?:var |let |const )?([A-Z][\w$]*)\s*=\s*class\b|^class (\w+)/gm),
          ([, one, other]) => one ?? other,
        ),
      );
    expect(defined.length).toBeGreaterThan(50);
    expect(defined.filter((type, at) => defined.indexOf(type) !== at || type?.includes('$'))).toEqual([]);
  });

  it('has no two files that need each other: their classes would not be there yet', () => {
    const visit = (name: string, above: readonly string[]): void => {
      expect(above).not.toContain(name);
      // At the beginning of a line: what is imported later, inside of a function, finds all of them there.
      for (const [, needed = ''] of textOf(name).matchAll(
        /^(?:import|export|const \w+ = require|require)\b.*"\.\/([^"]+)"/gm,
      ))
        visit(needed, [...above, name]);
    };
    for (const door of doors) visit(door === '.' ? 'index.js' : `${door.slice('./'.length)}.js`, []);
  });
});

describe('declarations', () => {
  it('carry the docstrings', () => {
    const folder = join(root, 'dist', 'cjs');
    const declarations = readdirSync(folder).filter((name) => name.endsWith('.d.ts'));
    const text = declarations.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    expect(text).toMatch(/\* Registers a cache\. Without options[\s\S]{0,1200}class CacheModule /);
    expect(text).toContain('@example await cache.set(');
  });

  it('are the same ones for a CommonJS application that imports one door later than another', () => {
    const file = join(root, 'test', 'package', 'application.cts');
    const text = `
      import { memory, tiered, type BackendFactory } from 'nestjs-scoped-cache';
      export async function shared(): Promise<BackendFactory> {
        const { redis, redisBus } = await import('nestjs-scoped-cache/redis');
        return tiered({ l1: memory(), l2: redis(), bus: { via: redisBus() } });
      }`;
    const options: ts.CompilerOptions = {
      module: ts.ModuleKind.Node16,
      target: ts.ScriptTarget.ES2022,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    };
    const host = ts.createCompilerHost(options);
    const { getSourceFile } = host;
    host.getSourceFile = (name, ...rest) =>
      name === file ? ts.createSourceFile(name, text, rest[0]) : getSourceFile(name, ...rest);
    const program = ts.createProgram([file], options, host);
    const mistakes = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
    expect(mistakes.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([]);
  });
});
