/** The specs of this folder as one suite: see test/support/selection.mjs. */
import './glob.spec.js';
import './key.spec.js';
import './label.spec.js';
import './key-text.spec.js';
import './scope.spec.js';
import './stats-registry.spec.js';
