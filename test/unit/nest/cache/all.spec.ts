/** The specs of this folder as one suite: see test/support/selection.mjs. */
import './bypass.spec.js';
import './call-options.spec.js';
import './failures.spec.js';
import './hidden.spec.js';
import './many-keys.spec.js';
import './registered-types.spec.js';
import './removal-reasons.spec.js';
import './scope-ids.spec.js';
import './scoped-cache.spec.js';
import './switched-off.spec.js';
import './temporal.spec.js';
