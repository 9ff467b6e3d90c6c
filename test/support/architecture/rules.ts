/**
 * The ten rules about who must never import whom, and the habits that keep the library readable. Every rule is a pure
 * function from a project to its violations; `test/architecture.spec.ts` runs them over lib/ and proves that each bites.
 */
import ts from 'typescript';
import { type Import, isDoor, lineOf, type Project, type SourceFile, type Violation, visit } from './project.js';

export type Rule = (project: Project) => Violation[];

const PARTS = ['engine', 'backends', 'codec', 'bus', 'context', 'observe'];
/** `features/<name>`, each behind its own entry point, and what tests of applications use. */
const FEATURE = /^lib\/(features\/[^/]+|testing)\//;
/** `driver-ticks` looks at what a test replaced. */
const OWN_TIMERS = ['lib/core/clock.ts', 'lib/backends/shared/driver-ticks.ts'];
const ASSEMBLE = 'lib/assemble.ts';
const CLOCK = 'lib/core/clock.ts';
/** Where the timers of the machine are, whatever a test puts in the place of the global ones. */
const OF_TIME = /^node:(timers|perf_hooks)$/;

/** What nest/ shows to the features: its module and service, and what is needed to name or configure them. */
const NEST_FACE = /^lib\/nest\/cache\.(module|service|options|tokens)\.ts$/;

const NEST_ALLOWED = [/^lib\/nest\//, /^lib\/features\/[^/]+\//, /^lib\/testing\/cache-testing\.module\.ts$/];

/** Panels of other features register themselves with it. */
const MONITOR = 'features/monitor';

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 60;

/** Rule 1. */
export const coreStandsAlone: Rule = (project) => [
  ...eachImport(project, (file, { specifier, target }) =>
    file.folder !== 'core' ||
    folderOf(target) === 'core' ||
    specifier === 'node:crypto' ||
    (file.path === CLOCK && OF_TIME.test(specifier))
      ? undefined
      : `core/ imports ${specifier}`,
  ),
];

/** Rule 2. */
export const partsKnowCoreOnly: Rule = (project) =>
  eachImport(project, (file, { specifier, target }) =>
    !PARTS.includes(file.folder) || target === undefined || ['core', file.folder].includes(folderOf(target))
      ? undefined
      : `${file.folder}/ imports ${specifier}; a part knows core/ and itself`,
  );

/** Rule 3. */
export const partsMeetInAssembleOnly: Rule = (project) => [
  ...project.files
    .filter((file) => file.path !== ASSEMBLE && !isDoor(file.path) && !PARTS.includes(file.folder))
    .flatMap((file) => {
      const parts = [...new Set(file.imports.map(({ target }) => folderOf(target)))].filter((it) => PARTS.includes(it));
      const line = file.imports.find(({ target }) => folderOf(target) === parts[1])?.line ?? 1;
      return parts.length > 1 ? [{ path: file.path, line, message: `parts meet here: ${parts.join(', ')}` }] : [];
    }),
  ...eachImport(project, (file, { target }) =>
    target === ASSEMBLE && file.folder !== 'nest' ? 'only nest/ imports assemble.ts' : undefined,
  ),
  ...eachImport(project, (file, { specifier, target }) =>
    file.path === ASSEMBLE && target !== undefined && !['core', ...PARTS].includes(folderOf(target))
      ? `assemble.ts knows core/ and the parts, not ${specifier}`
      : undefined,
  ),
];

/** Rule 4. */
export const nestStaysInTheSkin: Rule = (project) =>
  eachImport(project, (file, { specifier }) => {
    const name = packageOf(specifier);
    if (!name.startsWith('@nestjs/') && name !== 'rxjs' && name !== 'reflect-metadata') return undefined;
    if (name === '@nestjs/config') {
      return file.path === 'lib/nest/env/cache.config.ts' ? undefined : `${name} belongs to nest/env/cache.config.ts`;
    }
    return NEST_ALLOWED.some((place) => place.test(file.path)) ? undefined : `${name} has no business here`;
  });

/** Rule 5. */
export const driversStayAtTheirBackends: Rule = (project) =>
  eachImport(project, (file, { specifier }) => {
    const name = packageOf(specifier);
    if (name === 'ioredis' && !file.path.startsWith('lib/backends/redis/')) return 'ioredis outside backends/redis/';
    if (name === 'mongoose' && !file.path.startsWith('lib/backends/mongo/')) return 'mongoose outside backends/mongo/';
    return undefined;
  });

/** Proves backends from elsewhere, which get the codec that a cache would give them. */
const PROVER = 'lib/testing/contract/harness.ts';

/** Rule 6. */
export const featuresUseTheFace: Rule = (project) => [
  ...eachImport(project, (file, { specifier, target }) => {
    const [, feature] = FEATURE.exec(file.path) ?? [];
    if (feature === undefined || target === undefined) return undefined;
    const isKnown =
      folderOf(target) === 'core' ||
      NEST_FACE.test(target) ||
      (file.path === PROVER && folderOf(target) === 'codec') ||
      [feature, MONITOR].includes(FEATURE.exec(target)?.[1] ?? '');
    return isKnown ? undefined : `${feature}/ imports ${specifier}; a feature knows core/ and the face of nest/`;
  }),
  ...eachImport(project, (file, { specifier, target }) =>
    file.folder === 'nest' && FEATURE.test(target ?? '') ? `nest/ imports the feature ${specifier}` : undefined,
  ),
];

/** Rule 7. */
export const entryPointsOnlyReExport: Rule = (project) => [
  ...eachStatement(project, (file, statement) =>
    isDoor(file.path) && !isReExport(statement) ? 'a door contains only `export … from`' : undefined,
  ),
  ...eachStatement(project, (file, statement) =>
    !isDoor(file.path) && (isReExport(statement) || passesOn(file, statement))
      ? 'a re-export outside the doors: import the file you mean'
      : undefined,
  ),
  ...eachImport(project, (_, { target }) =>
    target !== undefined && isDoor(target) ? 'a door is for users: import the file you mean' : undefined,
  ),
];

/** Rule 8. */
export const onlyFactoriesMakeKeys: Rule = (project) => {
  const factories = new Map([
    ['KeyId', 'lib/core/keys/key.ts'],
    ['Label', 'lib/core/keys/label.ts'],
    ['Partition', 'lib/core/keys/partition.ts'],
  ]);
  return eachNode(project, (file, node) => {
    const claimed =
      ts.isAsExpression(node) || ts.isTypeAssertionExpression(node) || ts.isTypePredicateNode(node)
        ? node.type
        : undefined;
    if (claimed === undefined) return undefined;
    const names = new Set<string>();
    visit(claimed, (part) => ts.isIdentifier(part) && names.add(originalName(file, part.text)));
    const forged = [...names].find((name) => factories.has(name) && factories.get(name) !== file.path);
    return forged === undefined ? undefined : `a ${forged} is made only in ${factories.get(forged)}`;
  });
};

/** Rule 9. */
export const noDeepImportsAndNoCycles: Rule = (project) => [
  ...eachImport(project, (_, { specifier }) =>
    /^@nestjs\/[^/]+\/./.test(specifier) ? `${specifier} reaches into a package` : undefined,
  ),
  ...cyclesOf(project),
];

/** Rule 10. */
export const observersOnlyListen: Rule = (project) =>
  eachImport(project, (file, { specifier, target, names }) => {
    if (file.folder !== 'observe' || target === undefined) return undefined;
    const isContract = target === 'lib/core/backend.ts' || target === 'lib/core/bus.ts';
    const actors = names.filter((name) => ['Backend', 'Bus', '*'].includes(name));
    return (isContract && actors.length > 0) || !['core', 'observe'].includes(folderOf(target))
      ? `observe/ can call what it imports from ${specifier}`
      : undefined;
  });

/**
 * A test may replace the timers and ticks of its process, and hold back whatever is given to them. Each use has to say
 * which time it means, that of the application or that of the machine: a `Clock` does.
 */
export const timersAreOfAClock: Rule = (project) =>
  eachNode(project, (file, node) => {
    const isTimer =
      ts.isIdentifier(node) && /^((set|clear)(Timeout|Interval|Immediate)|queueMicrotask|nextTick)$/.test(node.text);
    return isTimer && !OWN_TIMERS.includes(file.path) ? `${node.text} is not of a Clock (core/clock.ts)` : undefined;
  });

export const filesAreShort: Rule = (project) =>
  project.files.flatMap((file) => {
    const lines = file.text.replace(/\n$/, '').split('\n').length;
    return lines > MAX_FILE_LINES
      ? [{ path: file.path, line: lines, message: `${lines} lines, at most ${MAX_FILE_LINES}` }]
      : [];
  });

export const functionsAreShort: Rule = (project) =>
  eachNode(project, (file, node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return undefined;
    const lines = lineOf(file.ast, node.getEnd()) - lineOf(file.ast, node.getStart(file.ast)) + 1;
    return lines > MAX_FUNCTION_LINES ? `a function of ${lines} lines, at most ${MAX_FUNCTION_LINES}` : undefined;
  });

export const nothingIsAny: Rule = (project) =>
  eachNode(project, (_, node) => (node.kind === ts.SyntaxKind.AnyKeyword ? '`any`' : undefined));

/** No state that two applications in one process would share: neither in a module nor on a class. */
export const modulesHoldNoState: Rule = (project) =>
  eachNode(project, (_, node) => {
    if (ts.isVariableDeclarationList(node) && isTopLevel(node)) {
      if (!(node.flags & ts.NodeFlags.Const)) return 'a module-level variable that can be reassigned';
      return node.declarations.some(isMutable) ? 'a module-level collection that can change' : undefined;
    }
    if (ts.isPropertyDeclaration(node) && ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Static) {
      if (!(ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Readonly))
        return 'a static field that can be reassigned';
      return isMutable(node) ? 'a static collection that can change' : undefined;
    }
    return undefined;
  });

function isTopLevel(list: ts.VariableDeclarationList): boolean {
  for (let node: ts.Node = list.parent; !ts.isSourceFile(node); node = node.parent) {
    if (ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node) || ts.isModuleDeclaration(node)) return false;
  }
  return true;
}

/** Starts out as a collection, and nothing says that it is never to change: no Readonly… type, no `as const`, no freeze. */
function isMutable({ type, initializer }: ts.VariableDeclaration | ts.PropertyDeclaration): boolean {
  if (initializer === undefined || /^(readonly\b|Readonly)/.test(type?.getText() ?? '')) return false;
  const value = ts.isSatisfiesExpression(initializer) ? initializer.expression : initializer;
  if (ts.isNewExpression(value)) return /^(Weak)?(Map|Set)$|^Array$/.test(value.expression.getText());
  return ts.isArrayLiteralExpression(value) || (ts.isObjectLiteralExpression(value) && value.properties.length === 0);
}

function isReExport(statement: ts.Statement): boolean {
  return ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined;
}

/** `import { x } from 'y'; export { x };` is a re-export in two steps. */
function passesOn(file: SourceFile, statement: ts.Statement): boolean {
  if (!ts.isExportDeclaration(statement) || !statement.exportClause || !ts.isNamedExports(statement.exportClause))
    return false;
  const imported = new Set<string>();
  visit(file.ast, (node) => {
    if (ts.isImportSpecifier(node) || ts.isImportClause(node)) imported.add(node.name?.text ?? '');
  });
  return statement.exportClause.elements.some(({ propertyName, name }) => imported.has((propertyName ?? name).text));
}

/** `import { KeyId as Id }` does not hide what Id is. */
function originalName(file: SourceFile, name: string): string {
  let original = name;
  visit(file.ast, (node) => {
    if (ts.isImportSpecifier(node) && node.name.text === name) original = (node.propertyName ?? node.name).text;
  });
  return original;
}

/** One violation for each ring of files that import each other, types included, at the import that closes it. */
function cyclesOf(project: Project): Violation[] {
  const files = new Map(project.files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: Violation[] = [];
  const walk = (file: SourceFile, trail: readonly string[]): void => {
    for (const { target, line } of file.imports) {
      const next = target === undefined ? undefined : files.get(target);
      if (next === undefined || done.has(next.path)) continue;
      const start = [...trail, file.path].indexOf(next.path);
      if (start === -1) walk(next, [...trail, file.path]);
      else
        found.push({
          path: file.path,
          line,
          message: `a ring of imports: ${[...trail, file.path].slice(start).join(' → ')}`,
        });
    }
    done.add(file.path);
  };
  for (const file of project.files) if (!done.has(file.path)) walk(file, []);
  return found;
}

function folderOf(path: string | undefined): string {
  const [, folder = '', ...rest] = (path ?? '').split('/');
  return rest.length === 0 ? '' : folder;
}

/** `@nestjs/core/deep` → `@nestjs/core`; `rxjs/operators` → `rxjs`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function eachImport(project: Project, judge: (file: SourceFile, it: Import) => string | undefined): Violation[] {
  return project.files.flatMap((file) => file.imports.flatMap((it) => violation(file, it.line, judge(file, it))));
}

function eachStatement(
  project: Project,
  judge: (file: SourceFile, it: ts.Statement) => string | undefined,
): Violation[] {
  return project.files.flatMap((file) =>
    file.ast.statements.flatMap((it) => violation(file, lineOf(file.ast, it.getStart(file.ast)), judge(file, it))),
  );
}

function eachNode(project: Project, judge: (file: SourceFile, node: ts.Node) => string | undefined): Violation[] {
  return project.files.flatMap((file) => {
    const found: Violation[] = [];
    visit(file.ast, (node) => {
      found.push(...violation(file, lineOf(file.ast, node.getStart(file.ast)), judge(file, node)));
    });
    return found;
  });
}

function violation({ path }: SourceFile, line: number, message: string | undefined): Violation[] {
  return message === undefined ? [] : [{ path, line, message }];
}
