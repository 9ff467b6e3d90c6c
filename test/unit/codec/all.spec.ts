/** The specs of this folder as one suite: see test/support/selection.mjs. */
import './assembly.spec.js';
import './compression.spec.js';
import './envelope.spec.js';
import './header.spec.js';
import './hostile-bodies.spec.js';
import './keys.spec.js';
import './loading.spec.js';
import './refusals.spec.js';
import './sealing.spec.js';
import './serializer.spec.js';
import './values.spec.js';
import './wire.spec.js';
