/** Imported last by suites that are the same as elsewhere: of several limits of time the one that is set last holds for all. */
import { jest } from '@jest/globals';

jest.setTimeout(300_000);
