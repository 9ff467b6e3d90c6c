/**
 * Who is asking, for those contestants that do not carry it themselves: what an application with tenants has anyway, an
 * AsyncLocalStorage entered once per request.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const requests = new AsyncLocalStorage();

export function inRequest(tenant, work) {
  return requests.run({ tenant }, work);
}

export function currentTenant() {
  return requests.getStore().tenant;
}
