/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './batches.spec.js';
import './connection.spec.js';
import './counters.spec.js';
import './damage.spec.js';
import './displaced.spec.js';
import './fallback.spec.js';
import './guard.spec.js';
import './large-values.spec.js';
import './loss.spec.js';
import './order.spec.js';
import './orphaned-leases.spec.js';
import './planted.spec.js';
import './replay.spec.js';
import './secrecy.spec.js';
import './server-facts.spec.js';
// Last: of several limits of time the one that is set last holds for all.
import '../support/patient.js';
