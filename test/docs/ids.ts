/** The ids of rows and guarantees: what the pages define, and what the names of tests say they hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './pages.js';

export interface Row {
  readonly id: string;
  /** The specs that hold it, as paths. */
  readonly specs: readonly string[];
}

const ID = /[GABC]\d{1,3}/;
/** `A10, A11` and `C3 to C6, C9`. */
const IDS = new RegExp(`${ID.source}(?:(?:, | to | and )${ID.source})*`);
/** Ids begin a name, perhaps after what the row of a table puts there, or end it in brackets. */
const BEGINNING = new RegExp(`^(?:%s, )?(${IDS.source})[,:]`);
const END = new RegExp(`\\((?:rule |row )?(${IDS.source})\\)$`);
const IN_COMMENTS = new RegExp(
  `(?:\\b(?:rule|rows?|guarantees?) |^/\\*\\* |^ *// |\\()(${IDS.source})(?=[):. ,]|$)`,
  'gm',
);

/** The rows of a page's tables whose first column is an id. */
export function rowsOf(text: string): Row[] {
  return Array.from(text.matchAll(new RegExp(`^\\| (${ID.source}) .*$`, 'gm')), ([line, id = '']) => ({
    id,
    specs: Array.from(
      line.matchAll(/`(test\/[\w./-]+\.spec\.ts|lib\/testing\/[\w./-]+\.ts)`/g),
      ([, path = '']) => path,
    ),
  }));
}

/** The ids in the names of a spec's tests. */
export function idsOfNames(source: string): Set<string> {
  const found = new Set<string>();
  for (const [, , name = ''] of source.matchAll(/(['`])((?:\\.|(?!\1)[^\\\n])*)\1/g)) {
    for (const match of [BEGINNING.exec(name), END.exec(name)])
      for (const id of spread(match?.[1] ?? '')) found.add(id);
  }
  return found;
}

/** The ids that comments speak of. */
export function idsOfComments(source: string): Set<string> {
  const comments = source.match(/\/\*\*?[^]*?\*\/|^ *\/\/.*$/gm) ?? [];
  return new Set(
    comments.flatMap((comment) =>
      Array.from(comment.matchAll(IN_COMMENTS), ([, ids = '']) => ids).flatMap((ids) => [...spread(ids)]),
    ),
  );
}

/** Paths of sources below these folders, from the root of the repository. */
export function sourcesIn(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => join(folder, String(name)).replaceAll('\\', '/'))
      .filter((path) => /\.(ts|mjs)$/.test(path) && !path.includes('node_modules')),
  );
}

export function sourceOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function* spread(ids: string): Generator<string> {
  for (const [, first = '', last] of ids.matchAll(new RegExp(`(${ID.source})(?: to (${ID.source}))?`, 'g'))) {
    const kind = first.slice(0, 1);
    for (let at = Number(first.slice(1)); at <= Number((last ?? first).slice(1)); at++) yield `${kind}${at}`;
  }
}
