/** Words of the code: the page that lists ours, the names that `lib/` has, and the words that were given up. */
import ts from 'typescript';
import { sourceOf, sourcesIn } from './ids.js';

export interface Entry {
  readonly word: string;
  /** The identifier that stands for it in code. */
  readonly name: string;
}

export interface Named {
  readonly name: string;
  readonly path: string;
  readonly isDeclared: boolean;
}

/** A word that was given up. It is part of no identifier and of no file's name. */
export interface Retired {
  readonly word: string;
  readonly instead: string;
  /** Only in these folders, where the word is a plain one elsewhere. */
  readonly in?: readonly string[];
  /** Public names, which do not change with our words. */
  readonly except?: readonly string[];
}

export function entriesOf(page: string): Entry[] {
  const rows = page.matchAll(/^\| \*\*([^*]+)\*\* +\| `([^`]+)` +\| .+\|$/gm);
  return Array.from(rows, ([, word = '', name = '']) => ({ word, name }));
}

/** Every identifier of `lib/`. */
export function namesOfLibrary(): Named[] {
  return sourcesIn('lib').flatMap((path) => namesIn(path, sourceOf(path)));
}

export function namesIn(path: string, source: string): Named[] {
  const found: Named[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      const { parent } = node;
      const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
      // `Math.minimum stamp` and the like are names of the language.
      if (!isMember || parent.expression.getText() !== 'Math')
        found.push({ name: node.text, path, isDeclared: !isMember && (parent as { name?: unknown }).name === node });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true));
  return found;
}

/** `requiredStampOf` and `REQUIRED_STAMP` are made of required, stamp (and of). */
export function partsOfName(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== '');
}

/** Each part of the word begins a part of the name: `displace` is in `displaced`. */
export function isNameOf(name: string, word: string): boolean {
  const parts = partsOfName(name);
  return partsOfName(word).every((each) => parts.some((part) => part.startsWith(each)));
}

/** Where retired words have come back: `path: name (say …)`. */
export function comebacks(names: readonly Named[], retired: readonly Retired[]): string[] {
  const byWord = new Map(retired.map((each) => [each.word, each]));
  const found = names.flatMap(({ name, path }) => back(name, path, byWord));
  const files = [...new Set(names.map(({ path }) => path))].flatMap((path) =>
    back(path.replace(/^lib\//, '').replace(/\.ts$/, ''), path, byWord),
  );
  return [...new Set([...found, ...files])];
}

function back(name: string, path: string, retired: ReadonlyMap<string, Retired>): string[] {
  return partsOfName(name).flatMap((part) => {
    const word = retired.get(part);
    if (word === undefined || word.except?.includes(name)) return [];
    if (word.in !== undefined && !word.in.some((folder) => path.startsWith(`${folder}/`))) return [];
    return [`${path}: ${name} (say ${word.instead})`];
  });
}
