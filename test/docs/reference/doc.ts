/** A docstring, taken apart. */
import ts from 'typescript';

export interface Doc {
  /** Paragraphs and lists, each line as long as it gets. */
  readonly text: string;
  readonly params: readonly (readonly [name: string, text: string])[];
  readonly returns: string | undefined;
  readonly throws: readonly string[];
  readonly byDefault: string | undefined;
  readonly examples: readonly string[];
}

export const NO_DOC: Doc = Object.freeze({
  text: '',
  params: [],
  returns: undefined,
  throws: [],
  byDefault: undefined,
  examples: [],
});

export function docOf(declaration: ts.Declaration): Doc {
  const found = ts.getJSDocCommentsAndTags(declaration);
  const texts = found.filter(ts.isJSDoc).map((one) => flowing(ts.getTextOfJSDocComment(one.comment) ?? ''));
  const tags = ts.getJSDocTags(declaration);
  const said = (name: string): string[] =>
    tags
      .filter(({ tagName }) => tagName.text === name)
      .map((tag) => flowing(ts.getTextOfJSDocComment(tag.comment) ?? ''));
  return {
    text: texts.join('\n\n'),
    params: tags
      .filter((tag) => ts.isJSDocParameterTag(tag))
      .map((tag) => [tag.name.getText(), flowing(ts.getTextOfJSDocComment(tag.comment) ?? '')] as const),
    returns: said('returns')[0],
    throws: said('throws'),
    byDefault: said('default')[0],
    examples: found.filter(ts.isJSDoc).flatMap(examplesIn),
  };
}

const TAG = /^@(?:default|example|experimental|internal|param|returns|see|throws)\b/;

/**
 * As they stand in the source: to the compiler a decorator in an example is the next tag, and of the lines it gives it is lost
 * where they began.
 */
function examplesIn(comment: ts.JSDoc): string[] {
  const lines = comment
    .getText()
    .replace(/^\/\*\*|\s*\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''));
  const examples: string[][] = [];
  let isIn = false;
  for (const line of lines) {
    const begin = /(?:^|\s)@example\b\s*(.*)$/.exec(line);
    if (begin !== null) examples.push([begin[1] as string]);
    else if (isIn && !TAG.test(line)) examples.at(-1)?.push(line);
    isIn = begin !== null || (isIn && !TAG.test(line));
  }
  return examples.map((example) => example.join('\n').trim());
}

/** Lines of a paragraph, or of an item of a list, as one: a page is as wide as its reader likes. */
export function flowing(text: string): string {
  const lines: string[] = [];
  for (const line of text.trim().split('\n')) {
    const begins = line.trim() === '' || /^\s*[-|] /.test(line) || lines.length === 0 || lines.at(-1) === '';
    // A list stands by itself, or it would be part of the sentence before it.
    if (/^\s*- /.test(line) && lines.length > 0 && lines.at(-1) !== '' && !isItem(lines.at(-1))) lines.push('');
    if (begins) lines.push(line.trim());
    else lines[lines.length - 1] += ` ${line.trim()}`;
  }
  return lines.join('\n');
}

function isItem(line: string | undefined): boolean {
  return line?.startsWith('- ') === true;
}
