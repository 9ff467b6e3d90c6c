/** The specs of this folder as one suite: see test/support/selection.mjs. */
import './leaks.spec.js';
import './memory/bounds.spec.js';
import './memory/held.spec.js';
import './memory/model.spec.js';
import './memory/portions.spec.js';
import './memory/quota.spec.js';
import './memory/upkeep.spec.js';
import './redis/addresses.spec.js';
import './redis/errors.spec.js';
import './remote/applications.spec.js';
import './resilience/deadlines.spec.js';
import './resilience/fallback.spec.js';
import './resilience/guarded.spec.js';
import './resilience/outage-log.spec.js';
import './resilience/overflow.spec.js';
import './shared/batches.spec.js';
import './shared/counting.spec.js';
