/** bentocache without serializing, which its documentation offers for speed: values are shared with whoever reads them. */
import { open as openBentocache } from './bentocache.mjs';

export const open = (options) => openBentocache({ ...options, serialize: false });
