/** Type-checks snippets, all in one program, under the options the repository itself is compiled with. */
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT, type Snippet } from './pages.js';

/** What a snippet may use without importing it; the first that has a name gives it. */
const COMMON = [
  'nestjs-scoped-cache',
  'nestjs-scoped-cache/testing',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/testing',
  '@jest/globals',
  './prelude.js',
] as const;

/** On pages of the reference each section says which of them its names come from. */
const DOORS = ['redis', 'mongo', 'backend', 'config'].map((door) => `nestjs-scoped-cache/${door}`);
const NOTHING: ReadonlyMap<string, readonly string[]> = new Map();

/** One line per mistake: `page:line message`. */
export function mistakesIn(snippets: readonly Snippet[]): ReadonlyMap<Snippet, readonly string[]> {
  const options = readOptions();
  const ofReference = exportsOf([...COMMON.slice(0, -1), ...DOORS, './prelude.js'], options);
  const exported = new Map([...ofReference].filter(([from]) => !DOORS.includes(from)));
  const files = new Map(snippets.map((snippet, at) => [fileName(`snippet-${at}.ts`), { snippet, text: '' }]));
  for (const file of files.values()) {
    const { code, page, isWhole } = file.snippet;
    const common = page.startsWith('docs/reference/') ? ofReference : exported;
    file.text = moduleOf(code, isWhole === true ? NOTHING : common);
  }
  const texts = new Map(Array.from(files, ([name, { text }]) => [name, text]));
  const program = programOf(texts, options);
  return new Map(
    Array.from(files, ([name, { snippet }]) => [
      snippet,
      ts.getPreEmitDiagnostics(program, program.getSourceFile(name)).map((found) => say(found, snippet)),
    ]),
  );
}

function say({ file, start, messageText }: ts.Diagnostic, { page, line }: Snippet): string {
  // The first line of the module is ours: the imports.
  const at = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line - 1;
  return `${page}:${line + at} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}

/** A snippet as a module: with imports for what it does not bring itself, and a class around lone methods. */
function moduleOf(code: string, exported: ReadonlyMap<string, readonly string[]>): string {
  const isMembers = /^\s*(?:\/\/.*\n\s*|\/\*\*[^]*?\*\/\s*)*@/.test(code) && !/\bclass\b/.test(code);
  const body = isMembers
    ? `class Snippet { constructor(private readonly cats: CatsRepository, private readonly reports: ReportsRepository) {}\n${code}\n}`
    : `\n${code}`;
  const { used, own } = namesIn(body);
  const lines: string[] = [];
  const taken = new Set(own);
  for (const [from, imports] of exported) {
    const wanted = imports.filter((one) => used.has(bare(one)) && !taken.has(bare(one)));
    for (const one of wanted) taken.add(bare(one));
    if (wanted.length > 0) lines.push(`import { ${wanted.join(', ')} } from '${from}';`);
  }
  return `${lines.join(' ')} export {}; ${body}`;
}

function bare(imported: string): string {
  return imported.replace(/^type /, '');
}

function namesIn(code: string): { used: Set<string>; own: Set<string> } {
  const used = new Set<string>();
  const own = new Set<string>();
  const source = ts.createSourceFile('snippet.ts', code, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) used.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      if (statement.importClause?.name !== undefined) own.add(statement.importClause.name.text);
      if (bindings !== undefined && ts.isNamedImports(bindings))
        bindings.elements.forEach(({ name }) => own.add(name.text));
    } else if (ts.isVariableStatement(statement)) {
      statement.declarationList.declarations.forEach(({ name }) => bound(name, own));
    } else if ('name' in statement && statement.name !== undefined) {
      own.add((statement.name as ts.Identifier).text);
    }
  }
  return { used, own };
}

function bound(name: ts.BindingName, own: Set<string>): void {
  if (ts.isIdentifier(name)) own.add(name.text);
  else name.elements.forEach((element) => ts.isBindingElement(element) && bound(element.name, own));
}

/** What modules export, by module, as it is written in an import. A module that is not there has nothing. */
function exportsOf(modules: readonly string[], options: ts.CompilerOptions): ReadonlyMap<string, readonly string[]> {
  const probe = fileName('probe.ts');
  const text = modules.map((name, at) => `import * as m${at} from '${name}';`).join('\n');
  const program = programOf(new Map([[probe, text]]), options);
  const checker = program.getTypeChecker();
  const importable = (symbol: ts.Symbol): string => {
    const meant = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return meant.flags & ts.SymbolFlags.Value ? symbol.name : `type ${symbol.name}`;
  };
  const exported = new Map<string, readonly string[]>();
  for (const statement of program.getSourceFile(probe)?.statements ?? []) {
    const { moduleSpecifier } = statement as ts.ImportDeclaration;
    const symbol = checker.getSymbolAtLocation(moduleSpecifier);
    const found = symbol === undefined ? [] : checker.getExportsOfModule(symbol);
    exported.set((moduleSpecifier as ts.StringLiteral).text, found.map(importable));
  }
  return exported;
}

/** A program of texts that are nowhere, and of files. */
export function programOf(
  texts: ReadonlyMap<string, string>,
  options: ts.CompilerOptions,
  files: readonly string[] = [],
): ts.Program {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.readFile = (name) => texts.get(name) ?? readFile(name);
  host.getSourceFile = (name, language, ...rest) => {
    const text = texts.get(name);
    return text === undefined
      ? (parsed.get(name) ?? keep(name, getSourceFile(name, language, ...rest)))
      : ts.createSourceFile(name, text, language);
  };
  return ts.createProgram([...texts.keys(), ...files], options, host);
}

/** The files of the library and its dependencies do not change between two programs. */
const parsed = new Map<string, ts.SourceFile>();

function keep(name: string, file: ts.SourceFile | undefined): ts.SourceFile | undefined {
  if (file !== undefined) parsed.set(name, file);
  return file;
}

/** Those that the repository itself is compiled with. */
export function readOptions(): ts.CompilerOptions {
  const path = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (name) => ts.sys.readFile(name)) as { config: unknown };
  return { ...ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options, noEmit: true };
}

/** Beside the prelude, so that snippets import it as they would a file of theirs. */
function fileName(name: string): string {
  return join(ROOT, 'test', 'docs', name);
}
