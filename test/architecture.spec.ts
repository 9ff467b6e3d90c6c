import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { projectOf, readSources } from './support/architecture/project.js';
import * as rooms from './support/architecture/rooms.js';
import * as rules from './support/architecture/rules.js';

const lib = projectOf(readSources(fileURLToPath(new URL('..', import.meta.url)), 'lib'));

/** What a rule says, as `path:line message`, about sources given as { path: text }. */
function judge(rule: rules.Rule, sources: Record<string, string>): string[] {
  return say(rule, projectOf(Object.entries(sources).map(([path, text]) => ({ path: `lib/${path}`, text }))));
}

function say(rule: rules.Rule, project = lib): string[] {
  return rule(project).map(({ path, line, message }) => `${path}:${line} ${message}`);
}

const repeat = (line: string, times: number): string => Array.from({ length: times }, () => line).join('\n');

it('there is a library to judge', () => {
  expect(lib.files.length).toBeGreaterThan(0);
});

describe('who must never import whom', () => {
  it('1. core/ imports nothing outside itself except node:crypto, and the timers of node in clock.ts', () => {
    expect(say(rules.coreStandsAlone)).toEqual([]);
  });
  it('2. engine, backends, codec, bus, context and observe import core/ only, never each other', () => {
    expect(say(rules.partsKnowCoreOnly)).toEqual([]);
  });
  it('3. only assemble.ts imports several of them, and only nest/ imports assemble.ts', () => {
    expect(say(rules.partsMeetInAssembleOnly)).toEqual([]);
  });
  it('4. Nest, rxjs and reflect-metadata stay in nest/, features/ and the module for tests; @nestjs/config in one file', () => {
    expect(say(rules.nestStaysInTheSkin)).toEqual([]);
  });
  it('5. ioredis stays in backends/redis/, mongoose in backends/mongo/', () => {
    expect(say(rules.driversStayAtTheirBackends)).toEqual([]);
  });
  it('6. features never import each other nor a part, only the face of nest/ and core/; nest/ imports no feature', () => {
    expect(say(rules.featuresUseTheFace)).toEqual([]);
  });
  it('7. entry points contain only `export … from`, and there are no other barrels', () => {
    expect(say(rules.entryPointsOnlyReExport)).toEqual([]);
  });
  it('8. nothing outside core/keys/ makes a KeyId, a Label or a Partition: one file for each', () => {
    expect(say(rules.onlyFactoriesMakeKeys)).toEqual([]);
  });
  it('9. no import reaches into a @nestjs package, and no imports form a ring', () => {
    expect(say(rules.noDeepImportsAndNoCycles)).toEqual([]);
  });
  it('10. observe/ only listens: it holds neither a backend nor a bus, engine or service', () => {
    expect(say(rules.observersOnlyListen)).toEqual([]);
  });
});

describe('rooms', () => {
  it('within backends/ and nest/ imports lead down: shared, memory < resilience < remote, tiered < redis, mongo', () => {
    expect(say(rooms.roomsImportDownwards)).toEqual([]);
  });
  it('no two children of a folder import each other, at any level', () => {
    expect(say(rooms.foldersFormNoCircle)).toEqual([]);
  });
  it('a room holds at most 25 files, core/ itself 35', () => {
    expect(say(rooms.roomsAreSmall)).toEqual([]);
  });
});

it('timers and ticks are those of a Clock: a test may replace the ones of its process', () => {
  expect(say(rules.timersAreOfAClock)).toEqual([]);
});

describe('what keeps the library readable', () => {
  it('a file has at most 300 lines', () => {
    expect(say(rules.filesAreShort)).toEqual([]);
  });
  it('a function has at most 60 lines', () => {
    expect(say(rules.functionsAreShort)).toEqual([]);
  });
  it('nothing is `any`', () => {
    expect(say(rules.nothingIsAny)).toEqual([]);
  });
  it('no module and no class holds state', () => {
    expect(say(rules.modulesHoldNoState)).toEqual([]);
  });
});

describe('each rule bites', () => {
  it('1. core/', () => {
    expect(
      judge(rules.coreStandsAlone, {
        'core/a.ts': "import { createHash } from 'node:crypto';\nimport { b } from './b.js';",
        'core/b.ts': "import { readFile } from 'node:fs';\nimport '../engine/flow.js';\nawait import('lru-cache');",
        'core/clock.ts': "import 'node:timers'; import 'node:perf_hooks';",
        'core/d.ts': "import 'node:timers';",
        'engine/flow.ts': "import 'node:fs';",
      }),
    ).toEqual([
      'lib/core/b.ts:1 core/ imports node:fs',
      'lib/core/b.ts:2 core/ imports ../engine/flow.js',
      'lib/core/b.ts:3 core/ imports lru-cache',
      'lib/core/d.ts:1 core/ imports node:timers',
    ]);
  });

  it('timers', () => {
    expect(
      judge(rules.timersAreOfAClock, {
        'core/clock.ts': 'setTimeout(() => {}, 1);',
        'core/a.ts': 'setTimeout(() => {}, 1);',
        'engine/flow.ts': 'process.nextTick(() => {});',
        'nest/b.ts': 'queueMicrotask(() => {}); clock.after(1, () => {});',
      }),
    ).toEqual([
      'lib/core/a.ts:1 setTimeout is not of a Clock (core/clock.ts)',
      'lib/engine/flow.ts:1 nextTick is not of a Clock (core/clock.ts)',
      'lib/nest/b.ts:1 queueMicrotask is not of a Clock (core/clock.ts)',
    ]);
  });

  it('2. parts', () => {
    expect(
      judge(rules.partsKnowCoreOnly, {
        'engine/a.ts': "import '../core/key.js';\nimport './b.js';\nimport 'lru-cache';",
        'engine/b.ts': "import type { X } from '../backends/memory.store.js';",
        'codec/c.ts': "let x: import('../bus/local.bus.js').Y;",
        'observe/d.ts': "import '../assemble.js';",
      }),
    ).toEqual([
      'lib/engine/b.ts:1 engine/ imports ../backends/memory.store.js; a part knows core/ and itself',
      'lib/codec/c.ts:1 codec/ imports ../bus/local.bus.js; a part knows core/ and itself',
      'lib/observe/d.ts:1 observe/ imports ../assemble.js; a part knows core/ and itself',
    ]);
  });

  it('3. assemble', () => {
    expect(
      judge(rules.partsMeetInAssembleOnly, {
        'assemble.ts': "import './engine/a.js';\nimport './bus/b.js';\nimport './nest/cache.service.js';",
        'index.ts': "export * from './backends/memory.backend.js';\nexport * from './context/cache-context.js';",
        'nest/one.ts': "import '../context/cache-context.js';\nimport '../assemble.js';",
        'nest/two.ts': "import '../context/cache-context.js';\nimport '../engine/a.js';",
        'testing/kit.ts': "import '../assemble.js';",
        'redis.ts': "export { assemble } from './assemble.js';",
      }),
    ).toEqual([
      'lib/nest/two.ts:2 parts meet here: context, engine',
      'lib/testing/kit.ts:1 only nest/ imports assemble.ts',
      'lib/redis.ts:1 only nest/ imports assemble.ts',
      'lib/assemble.ts:3 assemble.ts knows core/ and the parts, not ./nest/cache.service.js',
    ]);
  });

  it('4. Nest', () => {
    expect(
      judge(rules.nestStaysInTheSkin, {
        'nest/a.ts': "import '@nestjs/common';\nimport 'rxjs/operators';\nimport '@nestjs/config';",
        'nest/env/cache.config.ts': "import '@nestjs/config';",
        'testing/cache-testing.module.ts': "import '@nestjs/common';",
        'testing/clock.ts': "import type { Type } from '@nestjs/common';",
        'context/b.ts': "import 'rxjs';",
        'assemble.ts': "import 'reflect-metadata';",
      }),
    ).toEqual([
      'lib/nest/a.ts:3 @nestjs/config belongs to nest/env/cache.config.ts',
      'lib/testing/clock.ts:1 @nestjs/common has no business here',
      'lib/context/b.ts:1 rxjs has no business here',
      'lib/assemble.ts:1 reflect-metadata has no business here',
    ]);
  });

  it('5. drivers', () => {
    expect(
      judge(rules.driversStayAtTheirBackends, {
        'backends/redis/connection/client.ts': "import 'ioredis';",
        'backends/mongo/documents.ts': "await import('mongoose');",
        'backends/mongo/schema.ts': "import 'ioredis/built/utils';",
        'bus/redis.bus.ts': "import 'ioredis';",
        'nest/cache.options.ts': "import type { Redis } from 'ioredis';",
        'core/a.ts': "import 'mongoose';",
      }),
    ).toEqual([
      'lib/backends/mongo/schema.ts:1 ioredis outside backends/redis/',
      'lib/bus/redis.bus.ts:1 ioredis outside backends/redis/',
      'lib/nest/cache.options.ts:1 ioredis outside backends/redis/',
      'lib/core/a.ts:1 mongoose outside backends/mongo/',
    ]);
  });

  it('6. features', () => {
    expect(
      judge(rules.featuresUseTheFace, {
        'features/ai/a.ts': "import '../../core/key.js';\nimport '../../nest/cache.service.js';\nimport './b.js';",
        'features/ai/b.ts': "import '../../testing/clock.js';\nimport '../../engine/flow.js';",
        'features/ai/panel.ts': "import '../monitor/panels.js';",
        'features/admin/c.ts': "import '../../nest/decorators/wrap-method.js';\nimport '../ai/a.js';",
        'testing/d.ts': "import '../core/clock.js';\nimport '../engine/flow.js';",
        'testing/contract/harness.ts': "import '../../codec/a.js';\nimport '../../engine/b.js';",
        'nest/e.ts': "import '../features/admin/c.js';",
      }),
    ).toEqual([
      'lib/features/ai/b.ts:1 features/ai/ imports ../../testing/clock.js; a feature knows core/ and the face of nest/',
      'lib/features/ai/b.ts:2 features/ai/ imports ../../engine/flow.js; a feature knows core/ and the face of nest/',
      'lib/features/admin/c.ts:1 features/admin/ imports ../../nest/decorators/wrap-method.js; a feature knows core/ and the face of nest/',
      'lib/features/admin/c.ts:2 features/admin/ imports ../ai/a.js; a feature knows core/ and the face of nest/',
      'lib/testing/d.ts:2 testing/ imports ../engine/flow.js; a feature knows core/ and the face of nest/',
      'lib/testing/contract/harness.ts:2 testing/ imports ../../engine/b.js; a feature knows core/ and the face of nest/',
      'lib/nest/e.ts:1 nest/ imports the feature ../features/admin/c.js',
    ]);
  });

  it('7. entry points', () => {
    expect(
      judge(rules.entryPointsOnlyReExport, {
        'index.ts': "/** The main door. */\nexport { a } from './core/a.js';\nexport type { B } from './core/b.js';",
        'redis.ts': "import { a } from './core/a.js';\nexport { a };\nexport const b = 1;",
        'assemble.ts': 'export const parts = 1;',
        'core/index.ts': "export * from './a.js';",
        'core/b.ts': "import { a } from './a.js';\nexport { a as c };",
        'nest/a.ts': "import { CacheService } from '../index.js';",
      }),
    ).toEqual([
      'lib/redis.ts:1 a door contains only `export … from`',
      'lib/redis.ts:2 a door contains only `export … from`',
      'lib/redis.ts:3 a door contains only `export … from`',
      'lib/core/index.ts:1 a re-export outside the doors: import the file you mean',
      'lib/core/b.ts:2 a re-export outside the doors: import the file you mean',
      'lib/nest/a.ts:1 a door is for users: import the file you mean',
    ]);
  });

  it('8. factories of keys', () => {
    expect(
      judge(rules.onlyFactoriesMakeKeys, {
        'core/keys/key.ts': "export const a = 'x' as KeyId;\nexport const b = 'x' as Label;",
        'core/keys/label.ts': "export const a = 'x' as Label;\nexport const b = 'x' as KeyId;",
        'engine/a.ts': "import type { KeyId as Id } from '../core/key.js';\nconst a = 'x' as unknown as Id;",
        'engine/b.ts': 'const a = <readonly Label[]>x;\nconst b = x as string;\nfunction c(d: KeyId): Label {}',
        'nest/a.ts': 'function isKey(x: string): x is KeyId {}',
        'nest/b.ts': "const all = '' as Partition;",
      }),
    ).toEqual([
      'lib/core/keys/key.ts:2 a Label is made only in lib/core/keys/label.ts',
      'lib/core/keys/label.ts:2 a KeyId is made only in lib/core/keys/key.ts',
      'lib/engine/a.ts:2 a KeyId is made only in lib/core/keys/key.ts',
      'lib/engine/b.ts:1 a Label is made only in lib/core/keys/label.ts',
      'lib/nest/a.ts:1 a KeyId is made only in lib/core/keys/key.ts',
      'lib/nest/b.ts:1 a Partition is made only in lib/core/keys/partition.ts',
    ]);
  });

  it('rooms', () => {
    expect(
      judge(rooms.roomsImportDownwards, {
        'backends/memory/a.ts': "import '../shared/a.js';\nimport '../../core/a.js';\nimport '../resilience/b.js';",
        'backends/shared/a.ts': "import '../memory/b.js';",
        'backends/redis/connection/c.ts':
          "import '../../remote/d.js';\nimport '../../mongo/e.js';\nimport '../scripts/f.js';",
        'backends/tiered/g.ts': "import '../memory/a.js';\nimport '../remote/d.js';",
        'nest/cache/h.ts': "import '../methods/i.js';\nimport '../cache.settings.js';",
        'nest/methods/i.ts': "import '../decorators/j.js';\nimport '../cache/h.js';",
      }),
    ).toEqual([
      'lib/backends/memory/a.ts:3 memory/ imports resilience/, which is not below it',
      'lib/backends/shared/a.ts:1 shared/ imports memory/, which is not below it',
      'lib/backends/redis/connection/c.ts:2 redis/ imports mongo/, which is not below it',
      'lib/backends/tiered/g.ts:2 tiered/ imports remote/, which is not below it',
      'lib/nest/cache/h.ts:1 cache/ imports methods/, which is not below it',
      'lib/nest/methods/i.ts:1 methods/ imports decorators/, which is not below it',
    ]);
    expect(
      judge(rooms.foldersFormNoCircle, {
        'core/a/one.ts': "import '../b/one.js';\nimport './two.js';",
        'core/a/two.ts': '',
        'core/b/one.ts': "import '../c.js';",
        'core/c.ts': "import type { X } from './a/two.js';",
        'core/d/e/one.ts': "import '../f.js';",
        'core/d/f.ts': "import './g.js';",
      }),
    ).toEqual(['lib/core/c.ts:1 a circle in lib/core: a → b → c.ts → a']);
    const files = (folder: string, count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`${folder}/${at}.ts`, '']));
    expect(
      judge(rooms.roomsAreSmall, { ...files('core', 35), ...files('engine', 26), ...files('nest/methods', 25) }),
    ).toEqual(['lib/engine:1 26 files, at most 25']);
  });

  it('9. deep imports and rings', () => {
    expect(
      judge(rules.noDeepImportsAndNoCycles, {
        'nest/a.ts': "import '@nestjs/common';\nimport '@nestjs/core/injector/module.js';",
        'core/a.ts': "import './b.js';",
        'core/b.ts': "import type { C } from './c.js';\nimport './d.js';",
        'core/c.ts': "import './d.js';\nimport './a.js';",
        'core/d.ts': '',
        'core/self.ts': "import './self.js';",
      }),
    ).toEqual([
      'lib/nest/a.ts:2 @nestjs/core/injector/module.js reaches into a package',
      'lib/core/c.ts:2 a ring of imports: lib/core/a.ts → lib/core/b.ts → lib/core/c.ts',
      'lib/core/self.ts:1 a ring of imports: lib/core/self.ts',
    ]);
  });

  it('10. observers', () => {
    expect(
      judge(rules.observersOnlyListen, {
        'observe/a.ts': "import type { Level } from '../core/backend.js';\nimport './b.js';",
        'observe/b.ts':
          "import type { Backend as B } from '../core/backend.js';\nimport type * as bus from '../core/bus.js';",
        'observe/c.ts': "import '../nest/cache.service.js';",
        'engine/d.ts': "import type { Backend } from '../core/backend.js';",
      }),
    ).toEqual([
      'lib/observe/b.ts:1 observe/ can call what it imports from ../core/backend.js',
      'lib/observe/b.ts:2 observe/ can call what it imports from ../core/bus.js',
      'lib/observe/c.ts:1 observe/ can call what it imports from ../nest/cache.service.js',
    ]);
  });

  it('the length of files and functions', () => {
    const functionOf = (lines: number): string => `const f = () => {\n${repeat('f();', lines - 2)}\n};\n`;
    expect(judge(rules.filesAreShort, { 'core/a.ts': `${repeat('f();', 300)}\n` })).toEqual([]);
    expect(judge(rules.filesAreShort, { 'core/a.ts': `${repeat('f();', 301)}\n` })).toEqual([
      'lib/core/a.ts:301 301 lines, at most 300',
    ]);
    expect(judge(rules.functionsAreShort, { 'core/a.ts': functionOf(60) })).toEqual([]);
    expect(judge(rules.functionsAreShort, { 'core/a.ts': `\n${functionOf(61)}` })).toEqual([
      'lib/core/a.ts:2 a function of 61 lines, at most 60',
    ]);
  });

  it('any', () => {
    expect(judge(rules.nothingIsAny, { 'core/a.ts': "const any = 'any';\nlet a: Map<string, any>;" })).toEqual([
      'lib/core/a.ts:2 `any`',
    ]);
  });

  it('state', () => {
    expect(
      judge(rules.modulesHoldNoState, {
        'core/a.ts': 'let a = 1;\nexport var b = 2;\nif (a) {\n  let c;\n}',
        'core/b.ts':
          'const a = new Map();\nexport const b = [1];\nconst c = {};\nconst d = new WeakMap<object, string>();',
        'core/c.ts': 'class A {\n  static a = 1;\n  static readonly b = new Set();\n  static readonly c = 1;\n}',
        'core/fine.ts': [
          "const a: ReadonlyMap<string, string> = new Map();\nconst b = ['x'] as const;\nconst c: readonly string[] = [];",
          'const d = Object.freeze([1]);\nconst e = { x: 1 };\nfunction f() {\n  let g = new Map();\n}',
          'class H {\n  private readonly i = new Map();\n  static readonly j: ReadonlySet<string> = new Set();\n}',
        ].join('\n'),
      }),
    ).toEqual([
      'lib/core/a.ts:1 a module-level variable that can be reassigned',
      'lib/core/a.ts:2 a module-level variable that can be reassigned',
      'lib/core/a.ts:4 a module-level variable that can be reassigned',
      'lib/core/b.ts:1 a module-level collection that can change',
      'lib/core/b.ts:2 a module-level collection that can change',
      'lib/core/b.ts:3 a module-level collection that can change',
      'lib/core/b.ts:4 a module-level collection that can change',
      'lib/core/c.ts:2 a static field that can be reassigned',
      'lib/core/c.ts:3 a static collection that can change',
    ]);
  });
});
