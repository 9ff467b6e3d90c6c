// The same specs on Nest 11: whatever is imported from @nestjs is that of this folder.
import base from '../../jest.config.js';

const PACKAGES = '<rootDir>/test/nest-11/node_modules';

/** @type {import('jest').Config} */
export default {
  ...base,
  rootDir: '../..',
  globals: { nestMajor: 11 },
  moduleNameMapper: { ...base.moduleNameMapper, '^(@nestjs/.+)$': `${PACKAGES}/$1` },
  // Nest 11 is CommonJS, which needs no compiling either way.
  transformIgnorePatterns: ['/node_modules/'],
  modulePathIgnorePatterns: base.modulePathIgnorePatterns.filter((pattern) => !pattern.includes('nest-11')),
};
