/** What the doors of the library export, as the compiler sees it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { programOf, readOptions } from '../compile.js';
import { ROOT } from '../pages.js';

export interface Exported {
  readonly name: string;
  /** `nestjs-scoped-cache`, `nestjs-scoped-cache/redis`: the first one is where it is at home. */
  readonly doors: readonly string[];
  readonly symbol: ts.Symbol;
}

export interface Library {
  readonly checker: ts.TypeChecker;
  /** By name; a name means the same at every door. */
  readonly exported: ReadonlyMap<string, Exported>;
}

export function readLibrary(): Library {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
  };
  const doors = Object.keys(exports).filter((door) => door !== './package.json');
  // The main door first: what it has is at home there.
  doors.sort((one, other) => one.localeCompare(other));
  const paths = doors.map((door) => join(ROOT, 'lib', `${door === '.' ? 'index' : door.slice('./'.length)}.ts`));
  const program = programOf(new Map(), readOptions(), paths);
  const checker = program.getTypeChecker();
  const exported = new Map<string, Exported>();
  for (const [at, path] of paths.entries()) {
    const door = `nestjs-scoped-cache${(doors[at] as string).slice('.'.length)}`;
    const module = checker.getSymbolAtLocation(program.getSourceFile(path) as ts.SourceFile);
    for (const symbol of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const meant = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const before = exported.get(symbol.name);
      if (before !== undefined && before.symbol !== meant)
        throw new Error(`${symbol.name} means two things: at ${before.doors.join(', ')} and at ${door}`);
      exported.set(symbol.name, { name: symbol.name, doors: [...(before?.doors ?? []), door], symbol: meant });
    }
  }
  return { checker, exported };
}

/** What is part of a class or an interface for its users: nothing private, internal, or of the language itself. */
export function membersOf({ checker }: Library, symbol: ts.Symbol): readonly ts.Symbol[] {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  return checker.getPropertiesOfType(type).filter((member) => isPublic(member));
}

/** What the class itself has, not its objects. */
export function staticsOf({ checker }: Library, symbol: ts.Symbol): readonly ts.Symbol[] {
  if ((symbol.flags & ts.SymbolFlags.Class) === 0) return [];
  const type = checker.getTypeOfSymbol(symbol);
  return checker.getPropertiesOfType(type).filter((member) => member.name !== 'prototype' && isPublic(member));
}

/** What Nest calls. */
const HOOKS: ReadonlySet<string> = new Set(['configure', 'onModuleInit', 'onApplicationShutdown']);

function isPublic(member: ts.Symbol): boolean {
  const declaration = member.declarations?.[0];
  if (
    declaration === undefined ||
    HOOKS.has(member.name) ||
    !declaration.getSourceFile().fileName.startsWith(join(ROOT, 'lib'))
  )
    return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  if (ts.getCombinedModifierFlags(declaration) & hidden) return false;
  return (
    !member.name.startsWith('__') && !ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === 'internal')
  );
}

/** Where a thing is declared for its callers: each overload, but not the one that carries them out. */
export function declarationsOf(symbol: ts.Symbol): readonly ts.Declaration[] {
  const all = symbol.declarations ?? [];
  if (all.length < 2 || !all.every((one) => ts.isMethodDeclaration(one) || ts.isFunctionDeclaration(one))) return all;
  return all.filter((one) => (one as ts.MethodDeclaration).body === undefined);
}
