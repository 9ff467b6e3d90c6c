/** What test/mongo does in seconds, for as long as it takes. */
import './support/long.js';
import '../mongo/canary.spec.js';
import '../mongo/history.spec.js';
import '../mongo/streams.spec.js';
import './support/patient.js';
