/** This library in a Nest application, on Redis, with the default settings: scoped, checked, compressed from 1 KiB on. */
import { redis } from 'nestjs-scoped-cache/redis';
import { open as openOn } from '../scoped-cache.mjs';

export const open = ({ url, prefix, usesTags, codec, policy, timeout }) =>
  openOn({ prefix, usesTags, codec, policy, backend: redis({ url, timeout }) });
