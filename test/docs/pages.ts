/** Reads README and docs: the snippets in them, their links, and the files they name. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface Snippet {
  /** `docs/guides/keys.md:12`: the line of its first line. */
  readonly title: string;
  readonly page: string;
  readonly line: number;
  readonly code: string;
  /** It has to bring all it uses, as it stands. */
  readonly isWhole?: boolean;
}

/** README, CONTRIBUTING, everything below docs/, and the READMEs of the samples. */
export function readPages(): readonly Page[] {
  const below = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => path.endsWith('.md') && !path.includes('node_modules'));
  return ['README.md', 'CONTRIBUTING.md', ...below('docs').sort(), ...below('sample').sort()].map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  }));
}

/** The blocks marked ```ts. Those marked ```ts ignore are for showing what does not compile. */
export function snippetsOf({ path, text }: Page): Snippet[] {
  const snippets: Snippet[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(\s*)```(\S*)(.*)$/.exec(lines[at] as string);
    if (fence === null) continue;
    const [, indent = '', language, rest = ''] = fence;
    const begin = at + 1;
    while (at + 1 < lines.length && lines[++at] !== `${indent}\`\`\``);
    if (language !== 'ts' || rest.trim() === 'ignore') continue;
    const code = lines.slice(begin, at).map((line) => line.slice(indent.length));
    snippets.push({ title: `${path}:${begin + 1}`, page: path, line: begin + 1, code: code.join('\n') });
  }
  return snippets;
}

/** Where a page's links lead, without those that leave the repository. */
export function linksOf({ text }: Page): string[] {
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target).filter(
    (target) => !/^[a-z]+:/.test(target),
  );
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf({ text }: Page): Set<string> {
  const headings = text.replace(/^\s*```[\s\S]*?^\s*```/gm, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Files and folders of the repository that a page names in `code`. */
export function pathsIn({ text }: Page): string[] {
  const paths = text.matchAll(/`((?:lib|test|sample|bench|docs|\.ci)\/[\w./-]*)`/g);
  return [...new Set(Array.from(paths, ([, path = '']) => path))].filter((path) => !path.includes('node_modules'));
}
