// Docstrings travel in the declarations for those who use the library. No editor shows those of private members, nor, but
// for bases, those of types that no entry point exports: a hundredth of the tarball.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const COMMENT = /[ \t]*\/\*\*(?:(?!\*\/)[^])*\*\/\n/.source;
const OF_PRIVATE = new RegExp(`${COMMENT}(?=\\s*private )`, 'g');
const OF_ANY = new RegExp(COMMENT, 'g');
/** A declaration of a file, with the comment before it. */
const DECLARATIONS = /^(?=\/\*\*|declare |interface |type |class |export )/m;

export function dropUnseenDocstrings(folder, doors) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.d.ts'));
  const files = new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  const seen = new Set();
  for (const door of doors) {
    for (const [, list] of files.get(`${door}.d.ts`).matchAll(/export \{([^}]*)\}/g))
      for (const one of list.split(',')) seen.add(one.trim().split(/\s+/).at(-1));
  }
  for (const text of files.values()) {
    for (const [, bases] of text.matchAll(/ extends ([^{]+)\{/g)) wordsOf(bases).forEach((name) => seen.add(name));
    // What a caller is given by a verb: the compiler shows it where it is used.
    for (const [line] of text.matchAll(/^ {2}(?!private|protected|constructor)\w.*\(.*$/gm))
      wordsOf(line).forEach((name) => seen.add(name));
  }
  for (const [name, text] of files) {
    const kept = text.split(DECLARATIONS);
    writeFileSync(join(folder, name), kept.map((part, at) => shown(part, kept[at + 1], seen)).join(''));
  }
}

function wordsOf(text) {
  return text.match(/\w+/g) ?? [];
}

/** A comment that stands by itself belongs to what comes behind it. */
function shown(part, next, seen) {
  const declared = part.startsWith('/**') && !/^(?:declare|interface|type) /m.test(part) ? next : part;
  const name = /^(?:declare )?(?:interface|type) (\w+)/m.exec(declared ?? '')?.[1];
  return part.replace(name === undefined || seen.has(name) ? OF_PRIVATE : OF_ANY, '');
}
