/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './canary.spec.js';
import './history.spec.js';
import './invalidation-during-load.spec.js';
