/** Imported last by suites that are made of others. */
import { jest } from '@jest/globals';
import { soaking } from './soak.js';

jest.setTimeout(soaking(900_000, 90_000));
