// The ORMs are found beside their specs, everything else in the checkout.
import base from '../../jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/with-an-orm/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
