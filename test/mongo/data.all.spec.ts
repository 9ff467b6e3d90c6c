/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './change-events.spec.js';
import './contention.spec.js';
import './damage.spec.js';
import './injection.spec.js';
import './large-values.spec.js';
import './orphaned-leases.spec.js';
import './planted.spec.js';
import './script.spec.js';
import './secrecy.spec.js';
// Last: of several limits of time the one that is set last holds for all.
import '../support/patient.js';
