// Two copies of the library as modules that can be loaded: functions as they are written, and functions that first say their
// name to `globalThis[path]`.
//
//   node bench/harness/library-copies.mjs lib plain telling path
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transformSync } from '@swc/core';
import ts from 'typescript';

const [lib, plain, telling, PATH] = process.argv.slice(2);
for (const to of [plain, telling]) {
  mkdirSync(to, { recursive: true });
  writeFileSync(join(to, 'package.json'), '{ "type": "module" }');
}
const printer = ts.createPrinter();
for (const entry of readdirSync(lib, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const path = join(entry.parentPath, entry.name);
  const name = relative(lib, path);
  const source = readFileSync(path, 'utf8');
  write(plain, name, source);
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ES2023, true);
  const { transformed } = ts.transform(file, [tellingNames]);
  write(telling, name, printer.printFile(transformed[0]));
}

/** Compiled by swc: the compiler of TypeScript would check each of them, which takes ten times as long. */
function write(to, name, source) {
  const { code } = transformSync(source, {
    filename: name,
    swcrc: false,
    isModule: true,
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      keepClassNames: true,
    },
    module: { type: 'es6' },
  });
  const target = join(to, name.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code);
}

/** Every function with a body of its own first says where it is. */
function tellingNames(context) {
  const { factory } = context;
  return (file) => {
    const tell = (node) => {
      const name = `${file.fileName.replace(/\.ts$/, '')}#${node.name?.getText?.(file) ?? ''}`;
      const path = factory.createPropertyAccessExpression(factory.createIdentifier('globalThis'), PATH);
      const mark = factory.createToken(ts.SyntaxKind.QuestionDotToken);
      return factory.createCallChain(path, mark, undefined, [factory.createStringLiteral(name)]);
    };
    const visit = (node, parent) => {
      const seen = ts.visitEachChild(node, (child) => visit(child, node), context);
      if (!ts.isFunctionLike(parent) || parent.body !== node) return seen;
      // The body of an arrow function that is no block.
      if (!ts.isBlock(node)) return factory.createComma(tell(parent), factory.createParenthesizedExpression(seen));
      const told = factory.createExpressionStatement(tell(parent));
      // A constructor may have to call that of its class first.
      const { statements } = seen;
      return factory.updateBlock(
        seen,
        ts.isConstructorDeclaration(parent) ? [...statements, told] : [told, ...statements],
      );
    };
    return ts.visitNode(file, (node) => visit(node, undefined));
  };
}
