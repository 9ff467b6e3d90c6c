/** The small specs of these folders as one suite: see test/support/selection.mjs. */
import './context/cache-context.spec.js';
import './context/scope-resolver.spec.js';
import './context/scope-table.spec.js';
import './observe/log.observer.spec.js';
import './samples/file-store.spec.js';
import './testing/cache-testing.module.spec.js';
import './testing/chaos.spec.js';
import './testing/fake.clock.spec.js';
import './testing/harness.spec.js';
import './testing/nest-way.spec.js';
