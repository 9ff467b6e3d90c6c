/** The specs of this folder as one suite: see test/support/selection.mjs. */
import './application.spec.js';
import './at-hand.spec.js';
import './env/config.spec.js';
import './first-errors.spec.js';
import './late-work.spec.js';
import './lazy-steps.spec.js';
import './long-loads.spec.js';
import './module.spec.js';
import './named-decorators.spec.js';
import './one-context.spec.js';
import './seconds.spec.js';
import './several-caches.spec.js';
import './told-inside.spec.js';
import './whose-functions.spec.js';
import './wrong-set-ups.spec.js';
