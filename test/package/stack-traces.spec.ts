/**
 * Stacks as an application of the built package sees them: with who called, in the ten lines that node shows, and with
 * `--enable-source-maps` in the lines of the sources.
 */
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// One build on a busy machine.
jest.setTimeout(240_000);

const root = fileURLToPath(new URL('../..', import.meta.url));

beforeAll(() => run('.ci/build.mjs', '--if-needed'));

const NEEDED = `{ Injectable, Module }, { NestFactory }, { Cacheable, CacheModule, CacheService, memory }, { chaos }`;
const PACKAGES = ['@nestjs/common', '@nestjs/core', 'nestjs-scoped-cache', 'nestjs-scoped-cache/testing'];
const listed = JSON.stringify(PACKAGES);
/** By path: a node that can require ES modules takes those, under our name. */
const COMMONJS = JSON.stringify([...PACKAGES.slice(0, 2), './dist/cjs/index.js', './dist/cjs/testing.js']);
const APPLICATIONS = {
  'of ES modules': [
    'module',
    `await import('reflect-metadata'); const [${NEEDED}] = await Promise.all(${listed}.map((it) => import(it)));`,
  ],
  CommonJS: ['commonjs', `require('reflect-metadata'); const [${NEEDED}] = ${COMMONJS}.map((it) => require(it));`],
} as const;

const APPLICATION = `
  const places = ['before', 'after'];
  const load = async (place) => {
    if (place === 'after') await new Promise((resolve) => setTimeout(resolve, 2));
    throw new Error('no such row');
  };
  class Rows {
    async find(place) {
      return await load(place);
    }
  }
  Injectable()(Rows);
  const method = Object.getOwnPropertyDescriptor(Rows.prototype, 'find');
  Object.defineProperty(Rows.prototype, 'find', Cacheable()(Rows.prototype, 'find', method) ?? method);
  async function callRows(rows, place) {
    await rows.find(place);
  }
  async function callCache(cache, place) {
    await cache.getOrSet(place, () => load(place));
  }
  const stackOf = async (work) => { try { await work(); } catch (error) { return error.stack; } };
  const main = async () => {
    const stacks = {};
    for (const [name, backend] of [['at once', memory()], ['later', chaos(memory())]]) {
      class AppModule {}
      Module({ imports: [CacheModule.forRoot({ backend })], providers: [Rows] })(AppModule);
      const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
      const [rows, cache] = [app.get(Rows), app.get(CacheService)];
      await cache.runInScope({ tenant: 'acme' }, async () => {
        for (const place of places) {
          stacks[name + ', method, ' + place] = await stackOf(() => callRows(rows, place));
          stacks[name + ', getOrSet, ' + place] = await stackOf(() => callCache(cache, place));
        }
      });
      await app.close();
    }
    const ours = await stackOf(async () => CacheModule.forRoot({ name: 1 }));
    console.log(JSON.stringify({ stacks, ours }));
  };
`;

interface Said {
  readonly stacks: Readonly<Record<string, string>>;
  /** The stack of an error of the library itself. */
  readonly ours: string;
}

describe.each(Object.entries(APPLICATIONS))('an application %s', (_, [type, needed]) => {
  const start = async (...flags: string[]): Promise<Said> =>
    JSON.parse(await run(...flags, `--input-type=${type}`, '-e', `${needed}${APPLICATION}void main();`)) as Said;

  it('sees who called a loader that fails, whatever it has waited for', async () => {
    const { stacks } = await start();
    expect(Object.keys(stacks)).toHaveLength(8);
    for (const [name, stack] of Object.entries(stacks)) {
      expect({ name, stack }).toEqual({ name, stack: expect.stringMatching(/\n {4}at (async )?call(Rows|Cache) \(/) });
      expect(linesOf(stack).length).toBeLessThanOrEqual(10);
    }
  });

  it('sees lines of the sources with --enable-source-maps, and who called as well', async () => {
    const { stacks, ours } = await start('--enable-source-maps');
    for (const [name, stack] of Object.entries(stacks)) {
      expect({ name, stack }).toEqual({ name, stack: expect.stringMatching(/\n {4}at .*call(Rows|Cache)\b/) });
      const frames = linesOf(stack).filter((line) => line.includes(root) && !line.includes('[eval'));
      expect(frames.length).toBeGreaterThan(0);
      // Each leads to a line of lib/ on which something is called.
      for (const frame of frames) expect(sourceOf(frame)).toMatch(/[\w\])]\(|await /);
    }
    expect(sourceOf(linesOf(ours)[0] as string)).toContain('new CacheConfigError');
  });
});

function linesOf(stack: string): string[] {
  return stack.split('\n').filter((line) => line.startsWith('    at '));
}

/** The line of lib/ that a line of a stack leads to. */
function sourceOf(frame: string): string | undefined {
  const [, path = '', line = ''] = /(lib\/[\w./-]+\.ts):(\d+):\d+/.exec(frame) ?? [];
  const file = join(root, path);
  return path !== '' && existsSync(file) ? readFileSync(file, 'utf8').split('\n')[Number(line) - 1] : undefined;
}

/** What node writes when it is run with these arguments in our folder, where our own name leads through `exports`. */
async function run(...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: '' };
  return (await promisify(execFile)(process.execPath, args, { cwd: root, env })).stdout;
}
