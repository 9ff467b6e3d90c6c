/** What can be compared between a page and the code. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../pages.js';
import type { Library } from './library.js';

export interface Named {
  readonly name: string;
  readonly text: string;
}

/** The sections of calls. */
export function verbsIn(page: string): readonly Named[] {
  return page
    .split(/^(?=##)/m)
    .map((text) => ({ name: /^### (\w+)\n/.exec(text)?.[1] ?? '', text }))
    .filter(({ name }) => name !== '');
}

/** The items of lists that explain a field. */
export function optionsIn(page: string): readonly (Named & { readonly isOptional: boolean })[] {
  return page
    .split(/^(?=- |#)/m)
    .map((text) => ({ found: /^- \*\*`(\w+)(\??)`\*\*/.exec(text), text }))
    .flatMap(({ found, text }) =>
      found === null ? [] : [{ name: found[1] as string, isOptional: found[2] === '?', text }],
    );
}

/** The literals of a union of texts. */
export function reasonsOf({ exported, checker }: Library, name: string): readonly string[] {
  const symbol = exported.get(name)?.symbol;
  const type = symbol === undefined ? undefined : checker.getDeclaredTypeOfSymbol(symbol);
  const members = type?.isUnion() === true ? type.types : [];
  return members.filter((member): member is ts.StringLiteralType => member.isStringLiteral()).map(({ value }) => value);
}

const BOUNDED = /wholeNumber\([\w.]+, [`'](?:[\w.]+\.|\$\{where\}\.)?(\w+)[`'], \w+, ([\d_]+), ([\d_]+)\)/g;

/** The numbers that the code refuses others than. */
export function boundsInCode(): readonly { readonly option: string; readonly numbers: readonly string[] }[] {
  const files = readdirSync(join(ROOT, 'lib'), { recursive: true }).map(String);
  return files
    .filter((name) => name.endsWith('.ts') && !name.startsWith('testing'))
    .flatMap((name) => [...readFileSync(join(ROOT, 'lib', name), 'utf8').matchAll(BOUNDED)])
    .map(([, option = '', min = '', max = '']) => ({ option, numbers: [min, max].map(written) }));
}

function written(number: string): string {
  return Number(number.replaceAll('_', '')).toLocaleString('en');
}
