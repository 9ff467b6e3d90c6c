/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './explore.spec.js';
import './model.spec.js';
