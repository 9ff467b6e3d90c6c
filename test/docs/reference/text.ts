/** How texts of the sources are written on a page. */
import { PAGES } from './plan.js';

/** Which page a name stands on, and the page it is named on. */
export type LinkTo = (name: string) => string | undefined;

/** The address of a name, as seen from a page. */
export function linksFrom(file: string): LinkTo {
  const places = new Map(
    PAGES.flatMap((page) => [...page.names, ...(page.inShort ?? [])].map((name) => [name, page.file])),
  );
  return (name) => {
    const place = places.get(name);
    return place === undefined ? undefined : `${place === file ? '' : place}#${name.toLowerCase()}`;
  };
}

/** `{@link Name}` becomes a link, or code where no page has the name. */
export function linked(text: string, linkTo: LinkTo): string {
  return text.replace(/\{@link\s+([^}\s|]+)[^}]*\}/g, (_, name: string) => named(name, linkTo));
}

/** A name as code, and as a link where a page has it. */
export function named(name: string, linkTo: LinkTo): string {
  const target = linkTo(name.split('.')[0] as string);
  return target === undefined ? `\`${name}\`` : `[\`${name}\`](${target})`;
}

/** Names of errors, at the beginning of what is said of when they come, as links. */
export function namesLinked(text: string, linkTo: LinkTo): string {
  return text.replace(/(?<![`\w[])[A-Z]\w+Error\b/g, (name) => named(name, linkTo));
}

const CODE = /^(?:'[^']*'|\d[\d_.]*|true|false|undefined|\w+\(\)|\[\]|\{[^{}]*\})$/;

/** A default: code where it is a value, a sentence with code in it where it is not. */
export function defaultText(text: string): string {
  if (CODE.test(text)) return `\`${text}\``;
  return text.replace(/(?<!`)\{ [^{}]*\}|(?<![`\w])'[^'`]+'(?!`)/g, (value) => `\`${value}\``);
}

/** The type as its author wrote it, on one line, without what every option has. */
export function typeText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/\s*\|\s*undefined$/, '')
    .replace(/^\| /, '')
    .replace(/\breadonly (?=[\w([])/g, '')
    .trim();
}

/** Code in a line: backquotes inside of it are not its end. */
export function inCode(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** The first sentence. */
export function firstSentence(text: string): string {
  const [paragraph = ''] = text.split('\n');
  return /^.*?[.:](?=\s+[A-Z(@]|$)/.exec(paragraph)?.[0] ?? paragraph;
}

/** Moves what stands in an item of a list under its bullet. */
export function under(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}
