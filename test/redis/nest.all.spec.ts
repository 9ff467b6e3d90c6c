/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './config.spec.js';
import './keys.spec.js';
import './many-keys.spec.js';
import './nest.spec.js';
import './stack-traces.spec.js';
// Last: of several limits of time the one that is set last holds for all.
import '../support/patient.js';
