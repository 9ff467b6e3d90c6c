/** Small specs of this folder as one suite: see test/support/selection.mjs. */
import './bounds.spec.js';
import './ids.spec.js';
import './pages.spec.js';
import './server-guides.spec.js';
import './with-an-orm.spec.js';
import './words.spec.js';
