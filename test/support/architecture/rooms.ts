/** The rules about folders: which may import which, how many files one holds, and that no two lean on each other. */
import { posix } from 'node:path';
import type { Project, SourceFile, Violation } from './project.js';
import type { Rule } from './rules.js';

const MAX_FILES = 25;
/** core/ is where the contracts are: nothing of it can move to a part. */
const MAX_CORE_FILES = 35;

/** Inside one folder: the rooms from the ground up. A room imports those before it, those beside it in its row not. */
const FLOORS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'lib/backends': [['shared', 'memory'], ['resilience'], ['remote', 'tiered'], ['redis', 'mongo']],
  'lib/nest': [['cache'], ['methods'], ['decorators']],
};
/** What a row may see of its own minimum stamp: two levels keep copies as the memory backend keeps entries. */
const BESIDE: ReadonlySet<string> = new Set(['memory → shared']);

/** Within backends/ and within nest/, imports lead down only. */
export const roomsImportDownwards: Rule = (project) =>
  Object.entries(FLOORS).flatMap(([folder, floors]) => {
    const floorOf = (room: string): number => floors.findIndex((row) => row.includes(room));
    return eachImport(project, (file, target) => {
      const [from, to] = [roomIn(folder, file.path), roomIn(folder, target)];
      if (from === undefined || to === undefined || from === to) return undefined;
      const [upper, lower] = [floorOf(from), floorOf(to)];
      if (upper === -1 || lower === -1 || upper > lower || BESIDE.has(`${from} → ${to}`)) return undefined;
      return `${from}/ imports ${to}/, which is not below it`;
    });
  });

/** A folder's children, files and folders alike, form no circle: at any level. */
export const foldersFormNoCircle: Rule = (project) => {
  const folders = new Set(project.files.flatMap(({ path }) => ancestorsOf(path)));
  return [...folders].sort().flatMap((folder) => circleIn(project, folder));
};

/** A room is small enough to be read from its list of files. */
export const roomsAreSmall: Rule = (project) => {
  const counts = new Map<string, number>();
  for (const { path } of project.files) {
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].flatMap(([folder, count]) => {
    const most = folder === 'lib/core' ? MAX_CORE_FILES : MAX_FILES;
    return count > most ? [{ path: folder, line: 1, message: `${count} files, at most ${most}` }] : [];
  });
};

function circleIn(project: Project, folder: string): Violation[] {
  const arrows = new Map<string, Map<string, Violation>>();
  for (const file of project.files) {
    const from = roomIn(folder, file.path) ?? childIn(folder, file.path);
    if (from === undefined) continue;
    for (const { target, line } of file.imports) {
      const to = target === undefined ? undefined : childIn(folder, target);
      if (to === undefined || to === from) continue;
      const of = arrows.get(from) ?? new Map<string, Violation>();
      if (!of.has(to)) of.set(to, { path: file.path, line, message: '' });
      arrows.set(from, of);
    }
  }
  const done = new Set<string>();
  const walk = (at: string, trail: readonly string[]): Violation[] => {
    const found = [...(arrows.get(at) ?? [])].flatMap(([next, arrow]) => {
      const start = [...trail, at].indexOf(next);
      if (start !== -1) {
        const circle = [...trail, at, next].slice(start).join(' → ');
        return [{ ...arrow, message: `a circle in ${folder}: ${circle}` }];
      }
      return done.has(next) ? [] : walk(next, [...trail, at]);
    });
    done.add(at);
    return found;
  };
  return [...arrows.keys()].flatMap((child) => (done.has(child) ? [] : walk(child, [])));
}

/** The child of a folder that a path lies in: a folder by its name, a file by its name with the ending. */
function childIn(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split('/')[0] : undefined;
}

/** The same, for folders alone. */
function roomIn(folder: string, path: string): string | undefined {
  const child = childIn(folder, path);
  return child?.endsWith('.ts') === true ? undefined : child;
}

function ancestorsOf(path: string): string[] {
  const parts = posix.dirname(path).split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

function eachImport(project: Project, judge: (file: SourceFile, target: string) => string | undefined): Violation[] {
  return project.files.flatMap((file) =>
    file.imports.flatMap(({ target, line }) => {
      const message = target === undefined ? undefined : judge(file, target);
      return message === undefined ? [] : [{ path: file.path, line, message }];
    }),
  );
}
