/** What test/unit tries on a tenth of the inputs, on all of them. */
import './support/long.js';
import '../unit/codec/envelope.spec.js';
import '../unit/codec/values.spec.js';
import '../unit/context/scope-resolver.spec.js';
import '../unit/context/scope-table.spec.js';
import '../unit/core/duration.spec.js';
import '../unit/core/errors.spec.js';
import '../unit/core/keys/glob.spec.js';
import '../unit/core/keys/key.spec.js';
import '../unit/core/keys/label.spec.js';
import '../unit/core/keys/scope.spec.js';
import '../unit/core/values/canonical.spec.js';
import '../unit/core/values/copier.spec.js';
import '../unit/core/verdict.spec.js';
import './support/patient.js';
