/** What test/redis does in seconds, for as long and with as much as it takes. */
import './support/long.js';
import '../redis/crowd.spec.js';
import '../redis/history.spec.js';
import '../redis/leaks.spec.js';
import '../redis/loss.spec.js';
import './support/patient.js';
