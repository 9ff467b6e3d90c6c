import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const JSC = {
  target: 'es2022',
  parser: { syntax: 'typescript', decorators: true },
  transform: { legacyDecorator: true, decoratorMetadata: true },
};
/** Compiling the library anew costs a process more than starting does, and a test may start a dozen. */
const COMPILED = fileURLToPath(new URL('../../../node_modules/.cache/test-children/', import.meta.url));

/** Sources import each other under the extension they have once built. */
export async function resolve(specifier, context, next) {
  if (!/^(\.|file:).*\.js$/.test(specifier) || context.parentURL?.includes('/node_modules/'))
    return next(specifier, context);
  try {
    return await next(specifier.replace(/\.js$/, '.ts'), context);
  } catch {
    return next(specifier, context);
  }
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const source = await readFile(filename, 'utf8');
  const digest = createHash('sha1').update(JSON.stringify(JSC)).update(source).digest('hex');
  const kept = join(COMPILED, `${digest}.js`);
  const code = await readFile(kept, 'utf8').catch(() => compiled(source, filename, kept));
  return { format: 'module', source: code, shortCircuit: true };
}

async function compiled(source, filename, kept) {
  const { transform } = await import('@swc/core');
  const options = { filename, swcrc: false, jsc: JSC, module: { type: 'es6' }, isModule: true };
  const { code } = await transform(source, options);
  // Written beside and moved: another process may be reading.
  const written = `${kept}.${process.pid}`;
  await mkdir(COMPILED, { recursive: true });
  await writeFile(written, code);
  await rename(written, kept);
  return code;
}
