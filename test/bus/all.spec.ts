/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './following.bus.spec.js';
import './message.spec.js';
import './wire.bus.spec.js';
