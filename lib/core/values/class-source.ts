/**
 * Reads the source of a class for state that no look at its instances shows: private fields and methods (`#amount`), what
 * compilers make of them for older targets, and WeakMaps by instance. Neither reflection nor `util.inspect` tells of a
 * private field, and trying would run the application's code, so the text is what remains. In doubt the answer is
 * "hidden": a class refused by name costs a line of configuration, one let through answers one value with another.
 *
 * Not seen: what a minifier has made of a compiler's helpers, and a WeakMap that is filled outside of the class. An
 * instance that shows no property at all is refused when it comes.
 */
type Callable = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => object);

const NAME = /[\w$\u0080-\uffff]/;
/** `__classPrivateFieldGet(this` of TypeScript, and its likes of Babel, SWC and esbuild. */
const COMPILED = /\b_{1,2}(?:class_?)?private_?(?:field|method|add|get|set)[\w.]*\)?\(\s*this\b/i;
/** What decorators' `accessor price = 1` keeps, it keeps in a private field. */
const ACCESSOR = /^\s*accessor[ \t]+[\w$#[]/;
const KEPT_BY_INSTANCE = /\.set\(\s*this\s*,/;
const IS_CLASS = /^\s*class\b/;
const BRANDED = /\.add\(\s*this\s*\)/;
const LOOK_BACK = 200;
/** Words after which a slash begins a regular expression. */
const BEFORE_REGEXP = /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|instanceof|new|yield|await)$/;

/** How a class, or one that it extends, keeps state that cannot be seen from outside; undefined when nothing says so. */
export function hiddenStateOf(type: Callable): string | undefined {
  for (const constructor of lineOf(type)) {
    const hidden = hiddenIn(Function.prototype.toString.call(constructor));
    if (hidden !== undefined) return hidden;
  }
  return undefined;
}

/** `this` itself, handed to a function or kept, and not a member of it. */
const HANDED_OUT = /(?<![\w$.#])this(?![\w$]|\s*(?:\?\.|[.[]))/;
/** What a constructor takes its properties from; the second is that of `PartialType` and its likes of Nest. */
const ASSIGNED = /\bObject\.assign\(\s*this\b|\binheritPropertyInitializers\)?\(\s*this\b/g;

/**
 * Whether a class, or one that it extends, hands its instances to other code, which may keep what they are by them. Where
 * none does, an instance is no more than its properties. What functions used as classes do, their source does not show; nor
 * does that of a class show what decorators and mixins have put onto its prototype.
 */
export function handsOut(type: Callable): boolean {
  return [...lineOf(type)].some((constructor) => {
    const source = Function.prototype.toString.call(constructor);
    const code = bareCode(source);
    return (
      !IS_CLASS.test(code) || HANDED_OUT.test(code.replaceAll(ASSIGNED, '')) || hasMembersBeside(constructor, source)
    );
  });
}

/** Whether the prototype of a class has functions that do not stand in its source. */
function hasMembersBeside({ prototype }: Callable, source: string): boolean {
  if (typeof prototype !== 'object' || prototype === null) return false;
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(prototype);
  return Reflect.ownKeys(members).some((name) => {
    const { value, get, set } = Reflect.get(members, name) as PropertyDescriptor;
    return [value, get, set].some(
      (member) => typeof member === 'function' && !source.includes(Function.prototype.toString.call(member)),
    );
  });
}

/** The class and those that it extends: by its constructors, and by its prototypes where functions are used as classes. */
function lineOf(type: Callable): ReadonlySet<Callable> {
  const line = new Set<Callable>();
  for (let level: unknown = type; typeof level === 'function'; level = Object.getPrototypeOf(level)) {
    // The end of the line is Function.prototype, of whatever realm.
    if (typeof Object.getPrototypeOf(level) === 'function') line.add(level as Callable);
  }
  for (let level: unknown = type.prototype; typeof level === 'object' && level !== null;) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(level, 'constructor')?.value;
    level = Object.getPrototypeOf(level);
    // The end of the line is Object itself, of whatever realm.
    if (typeof constructor === 'function' && level !== null) line.add(constructor as Callable);
  }
  return line;
}

function hiddenIn(source: string): string | undefined {
  const code = bareCode(source);
  if (/\{\s*\[native code\]\s*\}$/.test(source)) return 'source code that cannot be read';
  const { hasPrivate, setUp } = readClass(code);
  if (hasPrivate || COMPILED.test(code)) return 'private fields or methods';
  return KEPT_BY_INSTANCE.test(code) || BRANDED.test(setUp) ? 'a WeakMap or WeakSet of its instances' : undefined;
}

/** Looks at the members of a class: whether one of an instance is private, and the text of what sets an instance up. */
function readClass(code: string): { readonly hasPrivate: boolean; readonly setUp: string } {
  if (!IS_CLASS.test(code)) return { hasPrivate: false, setUp: code };
  const open: string[] = [];
  let hasPrivate = false;
  let member = 0;
  let setUp = '';
  for (let at = 0; at < code.length; at++) {
    const char = code[at] as string;
    const wasInBody = isBody(open);
    if (wasInBody && char === '#' && isDeclared(code.slice(member, at))) hasPrivate = true;
    if ('{(['.includes(char)) open.push(char);
    else if ('})]'.includes(char)) open.pop();
    if (!'{};\n'.includes(char) || !(wasInBody || isBody(open))) continue;
    const text = code.slice(member, at);
    const isConstructor = /^\s*constructor\s*\(/.test(text);
    // Its braces may begin on the next line.
    if (isConstructor && char !== '}') continue;
    if (isConstructor) setUp = text;
    if (ACCESSOR.test(text)) hasPrivate = true;
    member = at + 1;
  }
  return { hasPrivate, setUp };
}

function isBody(open: readonly string[]): boolean {
  return open.length === 1 && open[0] === '{';
}

/** Whether a private name between members is one of instances, rather than being used or static. */
function isDeclared(before: string): boolean {
  return !/\.\s*$/.test(before) && !/^\s*static\b/.test(before);
}

/** The source with nothing in its comments, texts and regular expressions. */
function bareCode(source: string): string {
  let code = '';
  /** For each template around: how many braces are open inside of its present `${`. */
  const templates: number[] = [];
  for (let at = 0; at < source.length;) {
    const char = source[at] as string;
    const braces = templates.length - 1;
    let end = at + 1;
    if (char === '`' || (char === '}' && templates[braces] === 0)) {
      if (char === '}') templates.pop();
      end = endOfTemplate(source, at + 1);
      const goesOn = source[end - 1] === '{';
      if (goesOn) templates.push(0);
      code += char === '}' ? (goesOn ? ',' : ')') : goesOn ? '(' : '0';
    } else if (char === "'" || char === '"') {
      end = endOfText(source, at + 1, char);
      code += '0';
    } else if (char === '/' && '/*'.includes(source[at + 1] ?? ' ')) {
      end = endOfComment(source, at);
      code += source[at + 1] === '/' ? '' : ' ';
    } else if (char === '/' && isRegExpAfter(code)) {
      end = endOfRegExp(source, at + 1);
      code += '0';
    } else {
      if (braces >= 0 && char === '{') templates[braces] = (templates[braces] as number) + 1;
      else if (braces >= 0 && char === '}') templates[braces] = (templates[braces] as number) - 1;
      code += char;
    }
    at = end;
  }
  return code;
}

/** Behind the closing backtick, or behind the next `${`. */
function endOfTemplate(source: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '`') return at + 1;
    else if (source[at] === '$' && source[at + 1] === '{') return at + 2;
  }
  return source.length;
}

function endOfText(source: string, from: number, quote: string): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === quote) return at + 1;
    // What runs into the end of a line was none.
    else if (source[at] === '\n') return from;
  }
  return from;
}

function endOfComment(source: string, from: number): number {
  const [mark, length] = source[from + 1] === '/' ? ['\n', 0] : ['*/', 2];
  const end = source.indexOf(mark as string, from + 2);
  return end < 0 ? source.length : end + (length as number);
}

/** A slash after a value divides, else it begins a regular expression. After `)` and `}` it is taken to divide. */
function isRegExpAfter(code: string): boolean {
  const before = code.slice(-LOOK_BACK).trimEnd();
  const last = before.at(-1) ?? '(';
  if (!NAME.test(last)) return !')]}'.includes(last);
  return BEFORE_REGEXP.test(before);
}

function endOfRegExp(source: string, from: number): number {
  let isInClass = false;
  for (let at = from; at < source.length && source[at] !== '\n'; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '[') isInClass = true;
    else if (source[at] === ']') isInClass = false;
    else if (source[at] === '/' && !isInClass) return at + 1;
  }
  return from;
}
