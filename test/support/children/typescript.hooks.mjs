import { transform } from '@swc/core';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

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
  const parser = { syntax: 'typescript', decorators: true };
  const jsc = { target: 'es2022', parser, transform: { legacyDecorator: true, decoratorMetadata: true } };
  const source = await readFile(filename, 'utf8');
  const { code } = await transform(source, { filename, swcrc: false, jsc, module: { type: 'es6' }, isModule: true });
  return { format: 'module', source: code, shortCircuit: true };
}
