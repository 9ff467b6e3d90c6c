/**
 * On Node 20 and 22 every AsyncLocalStorage that was ever entered, and not disabled since, is looked at for every promise
 * of the process. A cache disables its own when its application is closed; tests leave hundreds of caches open, and Jest
 * runs many suites in one process: what a suite has left is disabled after it. To enter one again enables it again.
 */
const { AsyncLocalStorage } = require('node:async_hooks');
const { join } = require('node:path');
const { afterAll, afterEach, expect } = require('@jest/globals');

const LEFT = Symbol.for('nestjs-scoped-cache.test.left-contexts');
const { prototype } = AsyncLocalStorage;
const { _enable: enable } = prototype;

// The class is that of the process, and may have been prepared for an earlier suite. Later versions of Node have no need.
if (prototype[LEFT] === undefined && enable !== undefined) {
  const left = new Set();
  prototype[LEFT] = left;
  prototype._enable = function () {
    if (!this.enabled) left.add(this);
    return enable.call(this);
  };
}

const disable = () => {
  const left = prototype[LEFT] ?? new Set();
  for (const storage of left) storage.disable();
  left.clear();
};

// A unit is made anew by each test, by the hundred in one suite. Applications may outlive a test.
if (expect.getState().testPath?.includes(join('test', 'unit', '/')) === true) afterEach(disable);
afterAll(disable);
