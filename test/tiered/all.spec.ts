/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './canary.spec.js';
import './change-log.spec.js';
import './closing.spec.js';
import './levels.spec.js';
import './mixed.spec.js';
import './nested.spec.js';
import './quota.spec.js';
// Last: of several limits of time the one that is set last holds for all.
import '../support/patient.js';
