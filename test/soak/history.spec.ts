/** What test/history does in seconds, for as long as it takes. */
import './support/long.js';
import '../history/history.spec.js';
