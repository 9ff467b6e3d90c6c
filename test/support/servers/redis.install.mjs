// Before all specs are run: a redis-server, where there is none and it may be installed. Where it may not, the specs that
// need one say so. Specs that are run by their names make do with what is there.
import { install, succeeds } from './system.mjs';

export default function prepare({ nonFlagArgs }) {
  if (nonFlagArgs.length > 0 || succeeds('redis-server', '--version')) return;
  process.stderr.write('There is no redis-server on the PATH. Trying to install one …\n');
  install('redis-server');
}
