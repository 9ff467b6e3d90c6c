import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { idsOfComments, idsOfNames, rowsOf, sourceOf, sourcesIn } from './ids.js';
import { ROOT } from './pages.js';

const faults = rowsOf(sourceOf('docs/faults.md'));
const guarantees = rowsOf(sourceOf('docs/invariants.md'));
const defined = new Set([...faults, ...guarantees].map(({ id }) => id));
/** Without this one, in which ids are examples. */
const specs = sourcesIn('test').filter((path) => path.endsWith('.spec.ts') && path !== 'test/docs/ids.spec.ts');
const names = new Map(specs.map((path) => [path, idsOfNames(sourceOf(path))]));

describe('ids of guarantees and faults', () => {
  it('each is defined once', () => {
    const all = [...faults, ...guarantees].map(({ id }) => id);
    expect(faults.length).toBeGreaterThan(130);
    expect(guarantees.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, at) => `G${at}`));
    expect(all.filter((id, at) => all.indexOf(id) !== at)).toEqual([]);
  });

  it('each row of the faults names the specs that have a test of its name, and no others', () => {
    const wrong = faults.flatMap(({ id, specs: said }) => {
      const held = specs.filter((path) => names.get(path)?.has(id));
      return said.length > 0 && [...said].sort().join() === held.sort().join() ? [] : [{ id, said, held }];
    });
    expect(wrong).toEqual([]);
  });

  it('each guarantee names specs that are there, among them all that have its id in a name', () => {
    const wrong = guarantees.flatMap(({ id, specs: said }) => {
      const missing = said.filter((path) => !existsSync(join(ROOT, path)));
      const unsaid = specs.filter((path) => names.get(path)?.has(id) && !said.includes(path));
      return said.length > 0 && missing.length + unsaid.length === 0 ? [] : [{ id, missing, unsaid }];
    });
    expect(wrong).toEqual([]);
  });

  it('what names of tests and comments speak of is defined', () => {
    const unknown = sourcesIn('lib', 'test').flatMap((path) => {
      const source = sourceOf(path);
      const ids = [...idsOfComments(source), ...(names.get(path) ?? [])];
      return ids.filter((id) => !defined.has(id)).map((id) => `${path}: ${id}`);
    });
    expect(unknown).toEqual([]);
  });
});

describe('how ids are read', () => {
  it('from names of tests, at their beginning or in brackets at their end', () => {
    const source = [
      "it('A10, A11: a connection', () => {",
      "it.each(LEVELS)('%s, C28: with', async () => {",
      "it('C3 to C5, C9: texts', () => {",
      "describe('those of B25 (B26)', () => {",
      "write(a, 'A2');",
      "expect(key).toBe('caf%C3%A9');",
    ].join('\n');
    expect([...idsOfNames(source)].sort()).toEqual(['A10', 'A11', 'B26', 'C28', 'C3', 'C4', 'C5', 'C9']);
  });

  it('from comments, where they stand as ids', () => {
    const source =
      '/** Kept (guarantee G7, and G9): rows C1 to C3. */\n// A66: leaks\nconst B7 = "caf%C3%A9";\n/* \\u00C3 */';
    expect([...idsOfComments(source)].sort()).toEqual(['A66', 'C1', 'C2', 'C3', 'G7']);
  });
});
