// Packs what the compiler wrote into few files, the same ones as ES modules and as CommonJS.
//
// Why: a module costs a quarter of a millisecond to open, and hundreds of them are slow to import and pack badly. A file
// that several doors need is there once in each half, so that a class is one class whichever door it came through.
//
// How files are cut: those that the same doors need go together, in the order in which they need each other, so that no
// two chunks need each other. A chunk stays below what the compressor remembers (32 kB): its other half lies next to it
// in the package and then costs next to nothing.
//
// What is written is meant to be read, in a stack trace, a debugger or an editor: a statement a line, names as they are
// in the sources, and beside each file a source map that leads to lib/ (docs/decisions/0075).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { dropUnseenDocstrings } from './docstrings.mjs';
import ts from 'typescript';

/** Bytes of source in one chunk; indented by tabs, JavaScript comes to four fifths of them. */
const MAX_CHUNK_BYTES = { '.js': 38_000, '.d.ts': 26_000 };

/** `{ esm: folder, cjs: folder }` get the JavaScript of the doors. */
export async function bundleJavaScript(from, doors, folders) {
  const bundle = await rolldown({
    ...inputOf(from, doors, '.js'),
    preserveEntrySignatures: 'allow-extension',
    plugins: [compiled(from)],
  });
  for (const [format, dir] of Object.entries(folders)) {
    const { output } = await bundle.generate({
      dir,
      format,
      exports: 'named',
      minify: false,
      comments: false,
      minifyInternalExports: false,
      // The sources themselves stay in the repository: they are twice as large as all the rest.
      sourcemap: true,
      sourcemapExcludeSources: true,
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
      codeSplitting: chunksOf(from, doors, '.js'),
    });
    mkdirSync(dir, { recursive: true });
    for (const { fileName, code, source } of output)
      writeFileSync(join(dir, fileName), code === undefined ? source : named(code, from));
  }
  await bundle.close();
}

/** What the compiler wrote, with its map back to lib/, through which the maps of the package lead on. */
function compiled(from) {
  return {
    name: 'compiled',
    load(id) {
      if (!id.startsWith(from)) return null;
      return {
        code: readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, ''),
        map: readFileSync(`${id}.map`, 'utf8'),
      };
    },
  };
}

/** Above what comes from one file stands its name; that of the source, not of what lay in between. */
function named(code, from) {
  const between = relative(process.cwd(), from);
  return code.replaceAll(/^\/\/ (\S+)\.js$/gm, (line, path) =>
    path.startsWith(between) ? `// lib${path.slice(between.length)}.ts` : line,
  );
}

/**
 * The CommonJS half gets the declarations, the other leads to them: a class is one class to the compiler as well,
 * where a CommonJS application opens one door by `import x from` and another by `await import()`.
 */
export async function bundleDeclarations(from, doors, { esm, cjs }) {
  const bundle = await rolldown({
    ...inputOf(from, doors, '.d.ts'),
    preserveEntrySignatures: 'allow-extension',
    plugins: [dts({ dtsInput: true, sourcemap: false })],
  });
  await bundle.write({
    dir: cjs,
    format: 'esm',
    entryFileNames: '[name].ts',
    chunkFileNames: '[name].d.ts',
    codeSplitting: chunksOf(from, doors, '.d.ts'),
  });
  await bundle.close();
  dropUnseenDocstrings(cjs, doors);
  for (const door of doors) writeFileSync(join(esm, `${door}.d.ts`), `export * from '../cjs/${door}.js';\n`);
}

function inputOf(from, doors, extension) {
  return {
    input: Object.fromEntries(doors.map((door) => [door, join(from, door + extension)])),
    // How long plugins take is of no interest to a newcomer who waits for the first start.
    checks: { bundlerTimings: false },
    // Whatever is not ours stays outside.
    external: (id) => !id.startsWith('.') && !id.startsWith('/') && !id.startsWith(from),
  };
}

function chunksOf(from, doors, extension) {
  const names = chunkNames(from, doors, extension);
  const name = (id) => names.get(join(id)) ?? null;
  return { includeDependenciesRecursively: false, groups: [{ debugName: 'chunks', name, minSize: 0 }] };
}

/** File → the chunk it belongs to. Doors have none: they are their own. */
function chunkNames(from, doors, extension) {
  const reach = reachOf(from, doors, extension);
  const names = new Map();
  const open = new Map();
  const counts = new Map();
  for (const [file, by] of reach) {
    if (doors.some((door) => file === join(from, door + extension))) continue;
    const key = [...by].join();
    const bytes = readFileSync(file).byteLength;
    let chunk = open.get(key);
    if (chunk === undefined || chunk.bytes + bytes > MAX_CHUNK_BYTES[extension]) {
      const label = labelOf([...by]);
      counts.set(label, (counts.get(label) ?? 0) + 1);
      chunk = { name: `${label}-${counts.get(label)}`, bytes: 0 };
      open.set(key, chunk);
    }
    chunk.bytes += bytes;
    names.set(file, chunk.name);
  }
  return names;
}

function labelOf(doors) {
  if (doors.length === 1) return doors[0] === 'index' ? 'main' : doors[0];
  return doors.includes('index') ? 'shared' : doors.join('-');
}

/** What is imported while it runs, by no door of its own. */
const LATER = 'later';
const DYNAMIC_IMPORT = /\bimport\('(\.[^']+)'\)/g;

/** File → the doors that need it. Whatever a file needs stands before it. What the main door loads later is not its own. */
function reachOf(from, doors, extension) {
  const reach = new Map();
  const order = new Set();
  const later = new Set();
  const visit = (file, door) => {
    const by = reach.get(file) ?? new Set();
    if (by.has(door) || (door === LATER && by.has('index'))) return;
    reach.set(file, by.add(door));
    const text = readFileSync(file, 'utf8');
    const imported = (name) => join(dirname(file), name.replace(/\.js$/, extension));
    const dynamic = new Set(Array.from(text.matchAll(DYNAMIC_IMPORT), ([, name]) => imported(name)));
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      if (!fileName.startsWith('.')) continue;
      if (extension === '.js' && dynamic.has(imported(fileName))) later.add(imported(fileName));
      else visit(imported(fileName), door);
    }
    order.add(file);
  };
  for (const door of doors) visit(join(from, door + extension), door);
  for (const file of later) visit(file, LATER);
  return new Map(Array.from(order, (file) => [file, reach.get(file)]));
}
