/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './applications.spec.js';
import './connection.spec.js';
import './long-loads.spec.js';
import './processes.spec.js';
import './silence.spec.js';
import './slow-removals.spec.js';
// Last: of several limits of time the one that is set last holds for all.
import '../support/patient.js';
