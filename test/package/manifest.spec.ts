/**
 * The package is as correct as its manifest: a door that package.json does not name cannot be opened, and a dependency
 * that it does not declare is there in our folder only.
 */
import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDoor, projectOf, readSources } from '../support/architecture/project.js';

interface Manifest {
  readonly name: string;
  readonly type: string;
  readonly main: string;
  readonly types: string;
  readonly exports: Record<string, unknown>;
  readonly typesVersions: { readonly '*': Record<string, readonly string[]> };
  readonly files: readonly string[];
  readonly engines: Record<string, string>;
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { readonly optional: boolean }>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const { files } = projectOf(readSources(root, 'lib'));
const doors = files.filter(({ path }) => isDoor(path)).map(({ path }) => path.slice('lib/'.length, -'.ts'.length));

/** The one shape every door has: what `import` and `require` see is the same module where node knows `module-sync`. */
const entryOf = (door: string): unknown => {
  const esm = { types: `./dist/esm/${door}.d.ts`, default: `./dist/esm/${door}.js` };
  const cjs = { types: `./dist/cjs/${door}.d.ts`, default: `./dist/cjs/${door}.js` };
  return { 'module-sync': esm, import: esm, require: cjs };
};

describe('doors', () => {
  it('every file directly in lib/, and nothing else, is a door of package.json', () => {
    const named = Object.keys(manifest.exports).filter((key) => key !== './package.json');
    expect(named.sort()).toEqual(doors.map((door) => (door === 'index' ? '.' : `./${door}`)).sort());
  });

  it('every door offers one module to `import` and `require`, and CommonJS to those who know no better', () => {
    for (const door of doors) {
      const entry = manifest.exports[door === 'index' ? '.' : `./${door}`];
      expect({ door, entry }).toEqual({ door, entry: entryOf(door) });
      expect(Object.keys(entry as object)[0]).toBe('module-sync');
    }
  });

  it('resolvers that do not know `exports` find every door as well', () => {
    expect(manifest.main).toBe('./dist/cjs/index.js');
    expect(manifest.types).toBe('./dist/cjs/index.d.ts');
    const paths = Object.fromEntries(
      doors.filter((door) => door !== 'index').map((door) => [door, [`./dist/cjs/${door}.d.ts`]]),
    );
    expect(manifest.typesVersions).toEqual({ '*': paths });
  });
});

describe('dependencies', () => {
  /** Package → the doors from which it is reached by imports. */
  const reached = new Map<string, Set<string>>();
  for (const door of doors) {
    for (const name of packagesBehind(`lib/${door}.ts`)) reached.set(name, (reached.get(name) ?? new Set()).add(door));
  }

  it('what lib/ imports is declared, as a dependency or as a peer', () => {
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    expect([...reached.keys()].filter((name) => !(name in declared))).toEqual([]);
  });

  it('what is declared as a dependency is imported', () => {
    expect(Object.keys(manifest.dependencies).filter((name) => !reached.has(name))).toEqual([]);
  });

  it('there are at most three dependencies', () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(3);
  });

  it('the main door, the testing door and the backend door open without any optional peer', () => {
    const optional = Object.keys(manifest.peerDependenciesMeta).filter(
      (name) => manifest.peerDependenciesMeta[name]?.optional,
    );
    const opened = optional.filter((name) =>
      ['index', 'testing', 'backend'].some((door) => reached.get(name)?.has(door)),
    );
    expect(opened).toEqual([]);
    expect(optional.filter((name) => !(name in manifest.peerDependencies))).toEqual([]);
  });

  it('the backend door opens without Nest', () => {
    expect([...reached].filter(([, by]) => by.has('backend')).map(([name]) => name)).toEqual([]);
  });

  it('Nest 11 and Nest 12 are welcome', () => {
    for (const name of ['@nestjs/common', '@nestjs/core']) {
      expect(manifest.peerDependencies[name]).toBe('^11.0.0 || ^12.0.0');
    }
  });
});

describe('the package', () => {
  it('carries the built halves only; they say which kind of JavaScript they are', () => {
    expect(manifest.type).toBe('module');
    expect(manifest.files).toEqual(['dist/esm', 'dist/cjs', 'CHANGELOG.md']);
  });

  it('supports exactly the Nodes whose `require` opens ES modules', () => {
    expect(manifest.engines).toEqual({ node: '^20.19.0 || ^22.12.0 || >=24.0.0' });
  });

  it('has every script that the documentation names', () => {
    const scripts = ['start', 'test', 'check', 'lint', 'format', 'typecheck', 'build', 'bench', 'check:package'];
    expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  it('runs nothing at installation', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(hooks.filter((name) => name in manifest.scripts)).toEqual([]);
  });

  it('keeps the top level of the repository as small as it is', () => {
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .filter((name) => !['node_modules', 'dist', 'coverage'].includes(name));
    expect(folders.filter((name) => !['lib', 'test', 'sample', 'bench', 'docs', 'findings'].includes(name))).toEqual(
      [],
    );
  });

  it.each(['LICENSE', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'])('has a %s', (name) => {
    expect(existsSync(join(root, name))).toBe(true);
  });
});

/** The packages that loading a file loads, through every file of lib/ that it imports; types count, they are needed too. */
function packagesBehind(path: string, seen = new Set<string>(), found = new Set<string>()): Set<string> {
  if (seen.has(path)) return found;
  seen.add(path);
  for (const { specifier, target } of files.find((file) => file.path === path)?.imports ?? []) {
    if (target !== undefined) packagesBehind(target, seen, found);
    else if (!specifier.startsWith('node:') && !builtinModules.includes(specifier)) found.add(packageName(specifier));
  }
  return found;
}

function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
