/** The specs of this folder as one suite: see test/support/selection.mjs. */
// unserved-objects.spec.ts runs alone: it is about a process in which no cache is open.
import './abandoned-answers.spec.js';
import './cache-evict.spec.js';
import './cacheable.spec.js';
import './callbacks.spec.js';
import './class-chain.spec.js';
import './composed-decorators.spec.js';
import './declared-arguments.spec.js';
import './endless.spec.js';
import './evicted-methods.spec.js';
import './lazy-queries.spec.js';
import './parameter-names.spec.js';
import './shared-namespace.spec.js';
import './sites.spec.js';
import './stable-names.spec.js';
import './unfit-arguments.spec.js';
import './unstorable-results.spec.js';
