/**
 * A set of sources as the architecture rules see it: who imports whom, under which name, on which line.
 * Holds no rule; the rules are in `rules.ts`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

export interface Source {
  /** From the root of the repository, with forward slashes: `lib/core/keys/key.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** The imported file of the project, for a relative specifier. */
  readonly target: string | undefined;
  /** The imported names, under the name they have where they come from; `*` for all of them. */
  readonly names: readonly string[];
}

export interface SourceFile extends Source {
  /** The first folder below lib/, or '' for lib/ itself. */
  readonly folder: string;
  readonly imports: readonly Import[];
  readonly ast: ts.SourceFile;
}

export interface Project {
  readonly files: readonly SourceFile[];
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export function readSources(root: string, folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export function projectOf(sources: readonly Source[]): Project {
  return {
    files: sources.map((source) => {
      const ast = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.ES2023, true);
      const [, folder = '', ...rest] = source.path.split('/');
      return { ...source, ast, folder: rest.length === 0 ? '' : folder, imports: importsOf(ast, source.path) };
    }),
  };
}

/** A public entry file: it stands directly in lib/, and is not the page on which the parts meet. */
export function isDoor(path: string): boolean {
  return /^lib\/[^/]+\.ts$/.test(path) && path !== 'lib/assemble.ts';
}

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

export function lineOf(ast: ts.SourceFile, position: number): number {
  return ast.getLineAndCharacterOfPosition(position).line + 1;
}

function importsOf(ast: ts.SourceFile, path: string): Import[] {
  const found: Import[] = [];
  visit(ast, (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const target = specifier.startsWith('.')
      ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')
      : undefined;
    found.push({ line: lineOf(ast, node.getStart(ast)), specifier, target, names: namesOf(node) });
  });
  return found;
}

/** `import … from 'x'`, `export … from 'x'`, `import('x')` as a value or as a type, `require('x')`, `import y = require('x')`. */
function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return textOf(node.expression);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return textOf(node.argument.literal);
  if (ts.isCallExpression(node)) {
    const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
    if (isRequire || node.expression.kind === ts.SyntaxKind.ImportKeyword) return textOf(node.arguments[0]);
  }
  return undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function namesOf(node: ts.Node): string[] {
  if (ts.isImportDeclaration(node)) {
    const { name, namedBindings } = node.importClause ?? {};
    const named =
      namedBindings === undefined
        ? []
        : ts.isNamedImports(namedBindings)
          ? namedBindings.elements.map((element) => (element.propertyName ?? element.name).text)
          : ['*'];
    return name === undefined ? named : ['default', ...named];
  }
  if (ts.isExportDeclaration(node) && node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
    return node.exportClause.elements.map((element) => (element.propertyName ?? element.name).text);
  }
  if (ts.isImportTypeNode(node) && node.qualifier !== undefined) return [node.qualifier.getText().split('.')[0]!];
  return ['*'];
}
