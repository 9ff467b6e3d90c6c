import { availableParallelism } from 'node:os';
import { leftOut } from './test/support/selection.mjs';

// Hybrid: native ES modules when node runs with --experimental-vm-modules (`npm test` does), CommonJS otherwise, so that
// a bare `npx jest` passes too.
const isEsm = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((flags) =>
  flags.includes('experimental-vm-modules'),
);

/** Nest 12 and what it loads are ES modules only: running as CommonJS, Jest has to compile them as well. */
const ESM_ONLY =
  '(@nestjs|@borewit|@tokenizer|file-type|strtok3|token-types|uint8array-extras|temporal-polyfill|temporal-utils)';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/servers/redis.install.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/support/left-contexts.cjs'],
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...leftOut(process.argv.slice(2))],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/bench/', '<rootDir>/test/nest-11/node_modules/'],
  extensionsToTreatAsEsm: isEsm ? ['.ts'] : [],
  moduleNameMapper: {
    // The library by its own name means its sources.
    '^nestjs-scoped-cache$': '<rootDir>/lib/index.ts',
    '^nestjs-scoped-cache/(.*)$': '<rootDir>/lib/$1.ts',
    // Sources import each other under the extension they have once built.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '<rootDir>/lib/.+\\.ts$': ['@swc/jest', compile('typescript', { useDefineForClassFields: false })],
    '^.+\\.ts$': ['@swc/jest', compile('typescript')],
    ...(isEsm ? {} : { '^.+\\.js$': ['@swc/jest', compile('ecmascript')] }),
  },
  transformIgnorePatterns: [isEsm ? '/node_modules/' : `/node_modules/(?!${ESM_ONLY}/)`],
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageProvider: 'v8',
  // More than there are cores: a good part of the time is spent waiting for servers to fail and to come back.
  maxWorkers: availableParallelism() + 2,
  // Most tests take milliseconds; a busy machine must not turn the few that start servers or applications into failures.
  testTimeout: 60_000,
  workerIdleMemoryLimit: '512MB',
};

/**
 * The same meaning as tsconfig.json: old decorators with metadata, fields defined as the standard says. The library's own
 * are assigned (tsconfig.lib.json).
 */
function compile(syntax, transform = {}) {
  return {
    swcrc: false,
    jsc: {
      target: 'es2023',
      parser: { syntax, decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, ...transform },
      keepClassNames: true,
    },
    isModule: syntax === 'typescript' ? true : 'unknown',
    module: { type: isEsm ? 'es6' : 'commonjs' },
    sourceMaps: 'inline',
  };
}
