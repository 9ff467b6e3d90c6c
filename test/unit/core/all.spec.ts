/** The specs of this folder as one suite: see test/support/selection.mjs. */
import './application.spec.js';
import './backend-factory.spec.js';
import './clock.spec.js';
import './duration.spec.js';
import './errors.spec.js';
import './frame.spec.js';
import './late-timers.spec.js';
import './policy.spec.js';
import './pollution.spec.js';
import './random-pool.spec.js';
import './small-map.spec.js';
import './stats.spec.js';
import './unknown-options.spec.js';
import './verdict.spec.js';
import './wake-queue.spec.js';
