/** The specs of this folder as one suite: see test/support/selection.mjs. */
import './canonical.spec.js';
import './class-source.spec.js';
import './classes.spec.js';
import './copier.spec.js';
import './data-classes.spec.js';
import './nested-names.spec.js';
import './plain.spec.js';
import './seen-shape.spec.js';
import './shapes.spec.js';
import './unregistered.spec.js';
