/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './chaos.spec.js';
import './each-verb.spec.js';
import './memory.spec.js';
