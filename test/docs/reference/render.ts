/** From what the compiler sees to what a reader sees: one export as a section of a page. */
import ts from 'typescript';
import { docOf, NO_DOC, type Doc } from './doc.js';
import { declarationsOf, membersOf, staticsOf, type Exported, type Library } from './library.js';
import { codeOfError, variantsOf } from './shapes.js';
import { defaultText, inCode, linked, named, namesLinked, typeText, under, type LinkTo } from './text.js';

export interface Setting {
  readonly library: Library;
  readonly linkTo: LinkTo;
}

/** A section: heading, what it is, and its members. */
export function sectionOf(exported: Exported, setting: Setting, isShort: boolean): string {
  const declarations = declarationsOf(exported.symbol);
  const [declaration] = declarations;
  if (declaration === undefined) throw new Error(`${exported.name} is declared nowhere`);
  const parts = [`## \`${exported.name}\``, `From ${exported.doors.map((door) => `\`${door}\``).join(', ')}.`];
  if (ts.isFunctionDeclaration(declaration)) parts.push(...callsOf(declarations, setting));
  else parts.push(...bodyOf(exported, declaration, setting, isShort));
  return parts.filter((part) => part !== '').join('\n\n');
}

function bodyOf({ symbol }: Exported, declaration: ts.Declaration, setting: Setting, isShort: boolean): string[] {
  const doc = docOf(declaration);
  if (isShort || ts.isVariableDeclaration(declaration)) return explained(doc, setting);
  if (ts.isTypeAliasDeclaration(declaration)) {
    const variants = variantsOf(declaration);
    const shape = variants === undefined ? fence(declaration.getText().replace(/^export /, '')) : '';
    return [
      shape,
      ...explained(doc, setting),
      ...(variants ?? []).map((one) => item(one.name, one.type, one.doc, setting)),
    ];
  }
  if (ts.isClassDeclaration(declaration)) return classOf(symbol, declaration, doc, setting);
  return [...explained(doc, setting), beside(declaration, setting), ...membersIn(symbol, declaration, setting)];
}

/** A class: an error with what it has, or verbs in alphabetical order. */
function classOf(symbol: ts.Symbol, declaration: ts.ClassDeclaration, doc: Doc, setting: Setting): string[] {
  const code = codeOfError(declaration);
  const statics = staticsOf(setting.library, symbol).map((member) => verbOf(member, setting, `${symbol.name}.`));
  const own = membersIn(symbol, declaration, setting);
  return [
    code === undefined ? '' : `Code \`${code}\`.`,
    ...explained(doc, setting),
    ...newOf(declaration, setting),
    ...statics,
    ...own,
  ];
}

/** How one is made, where the class says it. */
function newOf(declaration: ts.ClassDeclaration, setting: Setting): string[] {
  const maker = declaration.members.find(ts.isConstructorDeclaration);
  if (maker === undefined || ts.getJSDocTags(maker).some(({ tagName }) => tagName.text === 'internal')) return [];
  const doc = docOf(maker);
  if (doc.text === '' && doc.throws.length === 0) return [];
  const params = maker.parameters.map((one) => one.getText().replace(/\b(?:private|readonly) /g, '')).join(', ');
  return [
    `### new ${declaration.name?.text ?? ''}()`,
    fence(`new ${declaration.name?.text ?? ''}(${params})`),
    ...explained(doc, setting),
  ];
}

/** Properties as a list, methods as sections of their own. */
function membersIn(symbol: ts.Symbol, owner: ts.Declaration, setting: Setting): string[] {
  const members = membersOf(setting.library, symbol).filter((member) => !isOfLinkedBase(member, owner, setting));
  const isCall = (member: ts.Symbol): boolean =>
    ts.isClassDeclaration(owner) && (member.flags & ts.SymbolFlags.Method) !== 0;
  const fields = members.filter((member) => !isCall(member)).map((member) => fieldOf(member, setting));
  const calls = members.filter(isCall).sort((one, other) => one.name.localeCompare(other.name));
  const anchors = calls.length < 6 ? '' : calls.map(({ name }) => `[\`${name}\`](#${name.toLowerCase()})`).join(' · ');
  return [...fields, anchors, ...calls.map((member) => verbOf(member, setting, ''))];
}

/** What a base has that stands under a heading of its own is said there. */
function isOfLinkedBase(member: ts.Symbol, owner: ts.Declaration, { library, linkTo }: Setting): boolean {
  if (member.declarations?.[0]?.parent === owner) return false;
  const bases = basesOf(owner, library).filter(({ name }) => linkTo(name) !== undefined);
  return bases.some((base) => membersOf(library, base).some(({ name }) => name === member.name));
}

/** What a class or an interface builds upon; of `Omit<Base, 'name'>`, the base. */
function basesOf(declaration: ts.Declaration, { checker }: Library): readonly ts.Symbol[] {
  if (!ts.isInterfaceDeclaration(declaration) && !ts.isClassDeclaration(declaration)) return [];
  const clauses = (declaration.heritageClauses ?? []).filter(
    (clause) => ts.isInterfaceDeclaration(declaration) || clause.token === ts.SyntaxKind.ExtendsKeyword,
  );
  return clauses
    .flatMap(({ types }) => [...types])
    .map((type) => {
      const [argument] = type.typeArguments ?? [];
      const isOmit = type.expression.getText() === 'Omit' && argument !== undefined && ts.isTypeReferenceNode(argument);
      return checker.getSymbolAtLocation(isOmit ? argument.typeName : type.expression);
    })
    .filter((symbol) => symbol !== undefined)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol));
}

function beside(declaration: ts.Declaration, { library, linkTo }: Setting): string {
  const known = basesOf(declaration, library).filter(({ name }) => linkTo(name) !== undefined);
  return known.length === 0 ? '' : `Beside what ${known.map(({ name }) => named(name, linkTo)).join(' and ')} has:`;
}

function fieldOf(member: ts.Symbol, setting: Setting): string {
  const declaration = member.declarations?.[0] as ts.Declaration;
  const doc = docOf(declaration);
  const isOptional = (member.flags & ts.SymbolFlags.Optional) !== 0;
  return item(`${member.name}${isOptional ? '?' : ''}`, writtenType(declaration, setting), doc, setting);
}

function writtenType(declaration: ts.Declaration, { library }: Setting): string {
  const { type } = declaration as ts.PropertySignature;
  if (ts.isMethodSignature(declaration) || ts.isMethodDeclaration(declaration))
    return declaration
      .getText()
      .replace(/;$/, '')
      .replace(/^\w+\??/, '')
      .replace(/\{[^]*$/, '');
  return type?.getText() ?? library.checker.typeToString(library.checker.getTypeAtLocation(declaration));
}

/** `name` type, default: what it means. */
function item(name: string, type: string, doc: Doc, setting: Setting): string {
  const head = [`**\`${name}\`**`, type === '' ? '' : inCode(typeText(type))].filter((part) => part !== '').join(' ');
  const byDefault =
    doc.byDefault === undefined ? '' : `. Default: ${linked(defaultText(doc.byDefault), setting.linkTo)}`;
  const rest = explained({ ...doc, byDefault: undefined }, setting).join('\n\n');
  // A list cannot follow in the same paragraph.
  const between = rest.startsWith('- ') ? '\n' : '\\';
  return `- ${head}${byDefault}${rest === '' ? '' : `${between}\n${under(rest)}`}`;
}

/** A verb: its forms, what it does, and what may come of it. */
function verbOf(member: ts.Symbol, setting: Setting, prefix: string): string {
  return [`### ${prefix}${member.name}`, ...callsOf(declarationsOf(member), setting)].join('\n\n');
}

/** Overloads of one doc are written together. */
function callsOf(declarations: readonly ts.Declaration[], setting: Setting): string[] {
  const signatures = fence(declarations.map(signatureOf).join('\n'));
  return [signatures, ...declarations.flatMap((one) => explained(docOf(one), setting))];
}

/** As it is written, without its body. */
function signatureOf(declaration: ts.Declaration): string {
  const { body } = declaration as ts.MethodDeclaration;
  const source = declaration.getSourceFile().text;
  const text = source.slice(declaration.getStart(), body === undefined ? declaration.end : body.getStart());
  return text
    .replace(/^(?:(?:export|static|async|abstract|override|function)\s+)*\*?/, '')
    .trim()
    .replace(/;$/, '');
}

/** The parts of a docstring, in the order in which they are read. */
export function explained(doc: Doc, { linkTo }: Setting): string[] {
  const { text, params, returns, throws, byDefault, examples } = { ...NO_DOC, ...doc };
  const write = (said: string): string => linked(said, linkTo);
  const notes = [
    ...params.map(([name, said]) => `- \`${name}\`: ${write(said)}`),
    ...(returns === undefined ? [] : [`- Returns ${write(returns)}`]),
    ...(byDefault === undefined ? [] : [`- Default: ${write(defaultText(byDefault))}`]),
    ...throws.map((said) => `- Throws ${namesLinked(write(said), linkTo)}`),
  ];
  return [write(text), notes.join('\n'), ...examples.map((code) => fence(code, 'ts'))].filter((part) => part !== '');
}

/** Forms of calls are no programs: they are left out where snippets are compiled. */
function fence(code: string, language = 'ts ignore'): string {
  return `\`\`\`${language}\n${dedented(code)}\n\`\`\``;
}

function dedented(code: string): string {
  const [first = '', ...rest] = code.split('\n');
  const widths = rest.filter((line) => line.trim() !== '').map((line) => /^ */.exec(line)?.[0].length ?? 0);
  const least = Math.min(...widths, Infinity);
  const last = rest.at(-1)?.trimStart() ?? '';
  // The closing bracket of a form that begins on the first line stands where the line began.
  const cut = /^[)}\]]/.test(last) ? least : Math.min(least, 0);
  return [first, ...rest.map((line) => line.slice(Number.isFinite(cut) ? cut : 0))].join('\n');
}
