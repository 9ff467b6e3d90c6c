/** All pages of docs/reference, as they have to be. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import prettier from 'prettier';
import { ROOT } from '../pages.js';
import { readLibrary, type Exported, type Library } from './library.js';
import { PAGES, type PagePlan } from './plan.js';
import { sectionOf } from './render.js';
import { linksFrom } from './text.js';

/** What stands above it is written by hand. */
export const MARK = '<!-- Below: from the docstrings. Change them, then run: npm run docs:reference -->';
const INDEX = 'docs/reference/README.md';

/** By their paths. */
export async function pagesOfReference(library: Library = readLibrary()): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  for (const plan of PAGES) {
    const path = `docs/reference/${plan.file}`;
    pages.set(path, await formatted(path, `# ${plan.title}`, sectionsOf(plan, library)));
  }
  pages.set(INDEX, await formatted(INDEX, '# Reference', indexOf(library)));
  return pages;
}

/** Exports that no page has, and names of pages that no door exports. */
export function strays({ exported }: Library): readonly string[] {
  const planned = PAGES.flatMap(namesOf);
  const twice = planned.filter((name, at) => planned.indexOf(name) !== at);
  const missing = [...exported.keys()].filter((name) => !planned.includes(name));
  return [...missing, ...twice, ...planned.filter((name) => !exported.has(name))];
}

export function namesOf({ names, inShort = [] }: PagePlan): readonly string[] {
  return [...names, ...inShort];
}

function sectionsOf(plan: PagePlan, library: Library): string {
  const setting = { library, linkTo: linksFrom(plan.file) };
  return namesOf(plan)
    .map((name) => library.exported.get(name))
    .filter((exported): exported is Exported => exported !== undefined)
    .map((exported) => sectionOf(exported, setting, plan.inShort?.includes(exported.name) === true))
    .join('\n\n');
}

/** Every export, in alphabetical order, by the door it comes from. */
function indexOf({ exported }: Library): string {
  const linkTo = linksFrom('README.md');
  const doors = [...new Set([...exported.values()].map(({ doors: [door = ''] }) => door))];
  return doors
    .map((door) => {
      const names = [...exported.values()].filter(({ doors: [home] }) => home === door).map(({ name }) => name);
      const lines = names
        .sort((one, other) => one.localeCompare(other))
        .map((name) => `- [\`${name}\`](${linkTo(name) ?? ''})`);
      return `## From \`${door}\`\n\n${lines.join('\n')}`;
    })
    .join('\n\n');
}

async function formatted(path: string, title: string, body: string): Promise<string> {
  const file = join(ROOT, path);
  const [before = ''] = existsSync(file) ? readFileSync(file, 'utf8').split(MARK) : [title];
  const config = await prettier.resolveConfig(file);
  return prettier.format(`${before.trim()}\n\n${MARK}\n\n${body}\n`, { ...config, parser: 'markdown' });
}
