/**
 * What users get: the packed tarball, installed into empty applications beside the oldest and the newest Nest, as
 * CommonJS and as ES modules, with no optional peer.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

interface App {
  readonly name: string;
  readonly nest: (typeof NESTS)[number];
  readonly entry: 'main.cjs' | 'main.mjs';
}

const APPS: readonly App[] = [
  { name: 'Nest 11, CommonJS', nest: '11', entry: 'main.cjs' },
  { name: 'Nest 12, ES modules', nest: '12', entry: 'main.mjs' },
  { name: 'Nest 12, CommonJS', nest: '12', entry: 'main.cjs' },
];

/** One installation for each, whatever is started in it. */
const NESTS = ['11', '12'] as const;
const OPTIONAL_PEERS = ['@nestjs/config', 'ioredis', 'mongoose'];
/** Compressed; docs/decisions/0075 says what is in them. */
const MAX_MAIN_DOOR_BYTES = 112_000;
const MAX_FURTHER_DOOR_BYTES = 67_000;
/** Sentinels, clusters, their circuits, three ways of pub/sub and all scripts: docs/decisions/0075. */
const MAX_REDIS_DOOR_BYTES = 76_000;
const MAX_TARBALL_BYTES = 440_000;
/** A message with its indentation. What is longer than this was not written by hand. */
const MAX_LINE = 1_000;
/** Two installations over a slow network, or one compilation on a busy machine. */
const PATIENCE_MS = 240_000;
jest.setTimeout(PATIENCE_MS);

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> };
let workspace = '';
let packed: Packed;

beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'nestjs-scoped-cache-'));
  await run(root, process.execPath, ['.ci/build.mjs', '--if-needed']);
  packed = await pack(root, workspace);
  await Promise.all(NESTS.map(install));
});

afterAll(() => rm(workspace, { recursive: true, force: true }));

describe('the tarball', () => {
  it('has a main entry point that comes to at most 112 kB, compressed, with everything it loads', () => {
    const loaded = loadedBy(join(root, 'dist/esm/index.js'));
    expect(loaded.length).toBeGreaterThan(2);
    expect(compressed(loaded)).toBeLessThanOrEqual(MAX_MAIN_DOOR_BYTES);
  });

  it('has further entry points of at most 67 kB each (Redis 76): loaded alone, or what one adds that gives modules of the main one', () => {
    const main = new Set(loadedBy(join(root, 'dist/esm/index.js')));
    const doors = Object.keys(manifest.exports).filter((door) => door !== '.' && door !== './package.json');
    const sizes = doors.map((door) => {
      const loaded = loadedBy(join(root, 'dist/esm', `${door}.js`));
      return [door, compressed(door === './testing' ? loaded.filter((path) => !main.has(path)) : loaded)] as const;
    });
    expect(sizes.length).toBeGreaterThan(3);
    const most = (door: string) => (door === './redis' ? MAX_REDIS_DOOR_BYTES : MAX_FURTHER_DOOR_BYTES);
    expect(sizes.filter(([door, bytes]) => bytes > most(door))).toEqual([]);
  });

  it('is at most 440 kB with all entry points, both kinds of JavaScript, and the docstrings; source maps not counted', async () => {
    const bare = join(workspace, 'bare');
    for (const { path } of packed.files) {
      if (path.endsWith('.map')) continue;
      await mkdir(dirname(join(bare, path)), { recursive: true });
      await copyFile(join(root, path), join(bare, path));
    }
    expect((await pack(bare, bare)).size).toBeLessThanOrEqual(MAX_TARBALL_BYTES);
  });

  it('holds JavaScript with source maps, declarations and a few pages of text', () => {
    const paths = packed.files.map(({ path }) => path);
    const strangers = paths
      .filter((path) => !/^dist\/(esm|cjs)\/.+(\.js|\.js\.map|\.d\.ts)$/.test(path))
      .filter(
        (path) => !['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json', 'dist/cjs/package.json'].includes(path),
      );
    expect(strangers).toEqual([]);
    expect(paths).toContain('dist/esm/index.js');
    // Files that only hand on what others have need none.
    const written = paths.filter((path) => path.endsWith('.js') && /^\/\/ lib\//m.test(textOf(path)));
    expect(written.length).toBeGreaterThan(20);
    expect(written.filter((path) => !paths.includes(`${path}.map`))).toEqual([]);
  });

  it('holds JavaScript to be read: lines as they were written, under the names of their sources', () => {
    const scripts = packed.files.map(({ path }) => path).filter((path) => path.endsWith('.js'));
    const long = scripts.filter((path) =>
      textOf(path)
        .split('\n')
        // The list of what a file exports is the bundler's.
        .some((line) => line.length > MAX_LINE && !line.startsWith('export {')),
    );
    expect(long).toEqual([]);
    const engine = scripts.find(
      (path) => path.startsWith('dist/esm/') && textOf(path).includes('var CacheEngine = class'),
    );
    expect(textOf(engine as string)).toMatch(/^\/\/ lib\/engine\/cache-engine\.ts$/m);
  });
});

describe.each(APPS)('an empty application: $name', (app) => {
  it('has no optional peer', () => {
    expect(OPTIONAL_PEERS.filter((name) => existsSync(join(folderOf(app.nest), 'node_modules', name)))).toEqual([]);
  });

  it('calls a cached method once for two calls, sees one copy of every class, and ends by itself', async () => {
    const said = JSON.parse(await run(folderOf(app.nest), process.execPath, [app.entry])) as unknown;
    expect(said).toEqual({
      nest: app.nest,
      calls: 1,
      answers: ['tom', 'tom'],
      isOneModule: true,
      opensTesting: true,
    });
  });
});

it('typed applications beside each Nest compile against its declarations', async () => {
  const sources = NESTS.flatMap((nest) => ['typed.cts', 'typed.mts'].map((name) => join(`nest-${nest}`, name)));
  await Promise.all(sources.map((source) => writeFile(join(workspace, source), TYPED_APP)));
  const [tsc, typeRoots] = [join(root, 'node_modules/typescript/bin/tsc'), join(root, 'node_modules/@types')];
  // One program for all: each application finds the packages that are installed beside it.
  const flags = '--noEmit --strict --module nodenext --target es2023 --experimentalDecorators --emitDecoratorMetadata';
  const checked = ['--skipDefaultLibCheck', '--types', 'node', '--typeRoots', typeRoots, '--pretty', 'false'];
  const args = [tsc, ...flags.split(' '), ...checked, ...sources];
  const said = await run(workspace, process.execPath, args).catch((error: { stdout: string }) => error.stdout);
  // What other packages declare is theirs to answer for.
  expect(said.split('\n').filter((line) => /^nest-\d+.typed\.|nestjs-scoped-cache\//.test(line))).toEqual([]);
});

it('the CommonJS half works where `require` cannot open ES modules', async () => {
  const said = await run(folderOf('11'), process.execPath, ['--no-experimental-require-module', 'main.cjs']);
  expect(JSON.parse(said)).toMatchObject({ calls: 1, answers: ['tom', 'tom'], opensTesting: true });
});

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function compressed(paths: readonly string[]): number {
  return gzipSync(paths.map((path) => readFileSync(path, 'utf8')).join('\n')).byteLength;
}

async function pack(folder: string, into: string): Promise<Packed> {
  const listing = await run(folder, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', into]);
  return (JSON.parse(listing) as Packed[])[0]!;
}

/** The files of ours that loading this one loads, itself included. */
function loadedBy(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  for (const [, specifier = ''] of readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*["'](\.[^"']+)["']/g)) {
    loadedBy(join(dirname(path), specifier), seen);
  }
  return [...seen];
}

async function install(nest: App['nest']): Promise<void> {
  const folder = folderOf(nest);
  await mkdir(folder, { recursive: true });
  const dependencies = {
    '@nestjs/common': `^${nest}.0.0`,
    '@nestjs/core': `^${nest}.0.0`,
    'nestjs-scoped-cache': `file:${join(workspace, packed.filename)}`,
    'reflect-metadata': '^0.2.2',
    rxjs: '^7.8.1',
  };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, dependencies }));
  await Promise.all([writeFile(join(folder, 'main.cjs'), COMMONJS_APP), writeFile(join(folder, 'main.mjs'), ESM_APP)]);
  await run(folder, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock']);
}

function folderOf(nest: App['nest']): string {
  return join(workspace, `nest-${nest}`);
}

/** What the command wrote to its standard output; it fails with everything the command wrote. */
async function run(cwd: string, command: string, args: readonly string[]): Promise<string> {
  // Not the settings of the npm that runs these tests: they name this repository as the place to install to.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_local_prefix)|^NODE_OPTIONS$/.test(name),
    ),
  );
  const shell = process.platform === 'win32' && command === 'npm';
  const { stdout } = await promisify(execFile)(command, args, { cwd, env, shell, timeout: PATIENCE_MS });
  return stdout;
}

const TYPED_APP = `
import { Injectable, Module } from '@nestjs/common';
import { Cacheable, CacheModule, CacheService } from 'nestjs-scoped-cache';
import * as testing from 'nestjs-scoped-cache/testing';

@Injectable()
export class Cats {
  constructor(private readonly cache: CacheService) {}

  @Cacheable({ ttl: '1m' })
  async find(name: string): Promise<string> {
    return name;
  }

  async count(): Promise<number> {
    return this.cache.getOrSet('count', async () => 1);
  }
}

@Module({ imports: [CacheModule.forRoot()], providers: [Cats] })
export class AppModule {}

export const isTyped: [0 extends 1 & CacheService ? 'any' : 'typed', keyof typeof testing extends never ? 'empty' : 'typed'] = ['typed', 'typed'];
// @ts-expect-error A duration is not a date.
Cacheable({ ttl: new Date() });
`;

/** The application itself, without the syntax of decorators: plain JavaScript has none. */
const APP = `
class Cats {
  calls = 0;
  async find(name) {
    this.calls++;
    return name;
  }
}
Injectable()(Cats);
const method = Object.getOwnPropertyDescriptor(Cats.prototype, 'find');
Object.defineProperty(Cats.prototype, 'find', Cacheable({ ttl: '1m' })(Cats.prototype, 'find', method) ?? method);

class AppModule {}
Module({ imports: [CacheModule.forRoot()], providers: [Cats] })(AppModule);

async function main(isOneModule, opensTesting) {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'], abortOnError: false });
  const cats = app.get(Cats);
  const answers = [await cats.find('tom'), await cats.find('tom')];
  if (!(app.get(CacheService) instanceof CacheService)) throw new Error('another CacheService');
  await app.close();
  const nest = nestVersion.split('.')[0];
  console.log(JSON.stringify({ nest, calls: cats.calls, answers, isOneModule, opensTesting }));
}
`;

const COMMONJS_APP = `
require('reflect-metadata');
const { Injectable, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { Cacheable, CacheModule, CacheService } = require('nestjs-scoped-cache');
const nestVersion = require('@nestjs/core/package.json').version;
${APP}
import('nestjs-scoped-cache')
  .then((imported) => main(imported.CacheService === CacheService, Object.keys(require('nestjs-scoped-cache/testing')).length > 0))
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
`;

const ESM_APP = `
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cacheable, CacheModule, CacheService } from 'nestjs-scoped-cache';
import * as testing from 'nestjs-scoped-cache/testing';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const nestVersion = require('@nestjs/core/package.json').version;
${APP}
await main(require('nestjs-scoped-cache').CacheService === CacheService, Object.keys(testing).length > 0);
`;
