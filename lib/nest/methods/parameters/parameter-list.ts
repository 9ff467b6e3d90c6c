/**
 * Takes the parameter list of a function out of its source. Not a parser of JavaScript: it only has to know where texts,
 * comments and regular expressions end, since a comma or bracket inside of them separates nothing. The one thing that
 * takes more than that is a slash, which begins a regular expression or divides; where the token before it does not say
 * which, the answer is undefined, and never a guess.
 */

const SPACE = /\s/;
const WORD = /[\p{ID_Continue}$#]/u;
const CLOSING: Readonly<Record<string, string>> = Object.freeze({ '(': ')', '[': ']', '{': '}' });
/** Words behind which an expression begins. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(
  'case delete do else in instanceof new return throw typeof void'.split(' '),
);
/** Words that are names elsewhere. */
const MAYBE_NAMES: ReadonlySet<string> = new Set(['await', 'of', 'yield']);
/** Words whose parentheses are followed by a statement. */
const BEFORE_STATEMENT: ReadonlySet<string> = new Set(['if', 'while', 'for', 'with']);

/** What a slash means behind a token. */
type Before = 'value' | 'operator' | 'unsure';

/** The parameters as written, without comments; undefined where they cannot be told apart with certainty. */
export function parameterList(source: string): string[] | undefined {
  return new Scanner(source).parameters();
}

interface Open {
  readonly closing: string;
  /** `if (…)`: what follows is a statement. */
  readonly isHead: boolean;
}

class Scanner {
  private at = 0;
  private before: Before = 'operator';
  private word = '';
  private readonly open: Open[] = [];

  constructor(private readonly source: string) {}

  parameters(): string[] | undefined {
    const found: string[] = [];
    let current: string | undefined;
    while (this.at < this.source.length) {
      const token = this.next();
      if (token === undefined) return undefined;
      if (current === undefined) {
        // A computed name, `['find' + x](id)`, has its brackets before the parentheses.
        if (token === '(' && this.open.length === 1) current = '';
      } else if (this.open.length === 0) {
        return [...found, current.trim()].filter((parameter) => parameter !== '');
      } else if (token === ',' && this.open.length === 1) {
        found.push(current.trim());
        current = '';
      } else current += token;
    }
    return undefined;
  }

  /** The next token, '' for a comment. Undefined for one that has no certain end. */
  private next(): string | undefined {
    const { source, at } = this;
    const char = source[at] as string;
    if (SPACE.test(char)) return this.take(1);
    if (char === '"' || char === "'") return this.value(endOfText(source, at, char));
    if (char === '`') return this.value(this.endOfTemplate(at));
    if (char === '/') return this.slash();
    if (WORD.test(char)) return this.wordToken();
    const closing = CLOSING[char];
    if (closing !== undefined) return this.opens(closing);
    if (char === ')' || char === ']' || char === '}') return this.closes(char);
    const isStep = (char === '+' || char === '-') && source[at + 1] === char;
    this.word = char === '.' ? '.' : '';
    this.before = isStep ? 'unsure' : 'operator';
    return this.take(isStep ? 2 : 1);
  }

  private slash(): string | undefined {
    const { source, at } = this;
    if (source[at + 1] === '/') return this.skip(source.indexOf('\n', at));
    if (source[at + 1] === '*') return this.skip(source.indexOf('*/', at) + 1);
    if (this.before === 'unsure') return undefined;
    if (this.before === 'operator') return this.value(endOfExpression(source, at));
    this.before = 'operator';
    return this.take(1);
  }

  private wordToken(): string {
    let end = this.at;
    while (end < this.source.length && WORD.test(this.source[end] as string)) end++;
    // `options.in / 2`: behind a dot every word is a name.
    const isName = this.word === '.';
    this.word = this.source.slice(this.at, end);
    this.before = isName ? 'value' : behindWord(this.word);
    if (isName) this.word = '';
    return this.take(end - this.at);
  }

  private opens(closing: string): string {
    this.open.push({ closing, isHead: closing === ')' && BEFORE_STATEMENT.has(this.word) });
    this.word = '';
    this.before = 'operator';
    return this.take(1);
  }

  private closes(char: string): string | undefined {
    const opened = this.open.pop();
    if (opened?.closing !== char) return undefined;
    this.word = '';
    // Behind a brace there may have been a block or an object.
    this.before = char === '}' ? 'unsure' : opened.isHead ? 'operator' : 'value';
    return this.take(1);
  }

  private value(end: number | undefined): string | undefined {
    if (end === undefined) return undefined;
    this.word = '';
    this.before = 'value';
    return this.take(end - this.at);
  }

  private take(length: number): string {
    const token = this.source.slice(this.at, this.at + length);
    this.at += length;
    return token;
  }

  /** Passes a comment over, whose last character stands at `last`. */
  private skip(last: number): string | undefined {
    if (last <= this.at) return undefined;
    this.at = last + 1;
    return '';
  }

  /** Templates contain expressions, which contain templates. */
  private endOfTemplate(start: number): number | undefined {
    const { source } = this;
    for (let at = start + 1; at < source.length; at++) {
      if (source[at] === '\\') at++;
      else if (source[at] === '`') return at + 1;
      else if (source[at] === '$' && source[at + 1] === '{') {
        const length = expressionLength(source.slice(at + 1));
        if (length === undefined) return undefined;
        at += length;
      }
    }
    return undefined;
  }

  /** How long the brackets are that the source begins with. */
  length(): number | undefined {
    do {
      if (this.at >= this.source.length || this.next() === undefined) return undefined;
    } while (this.open.length > 0);
    return this.at;
  }
}

function behindWord(word: string): Before {
  if (MAYBE_NAMES.has(word)) return 'unsure';
  return BEFORE_EXPRESSION.has(word) ? 'operator' : 'value';
}

function expressionLength(source: string): number | undefined {
  return new Scanner(source).length();
}

function endOfText(source: string, start: number, quote: string): number | undefined {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === quote) return at + 1;
  }
  return undefined;
}

/** Its flags are a word of their own and do no harm. */
function endOfExpression(source: string, start: number): number | undefined {
  let isInClass = false;
  for (let at = start + 1; at < source.length && source[at] !== '\n'; at++) {
    const char = source[at];
    if (char === '\\') at++;
    else if (char === '[') isInClass = true;
    else if (char === ']') isInClass = false;
    else if (char === '/' && !isInClass) return at + 1;
  }
  return undefined;
}
