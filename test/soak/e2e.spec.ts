/** What test/e2e asks a few thousand times, a hundred thousand times. */
import './support/long.js';
import '../e2e/soak.spec.js';
import '../e2e/what-teams-write.spec.js';
import './support/patient.js';
