/** What test/history and test/tiered do in seconds, for as long as it takes. */
import './support/long.js';
import '../history/canary.spec.js';
import '../history/history.spec.js';
import '../tiered/canary.spec.js';
import '../tiered/history.sharded.spec.js';
import '../tiered/history.spec.js';
import '../tiered/mixed.spec.js';
import './support/patient.js';
