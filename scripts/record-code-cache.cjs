/**
 * Loaded ahead of everything else (`node --require`): when a process ends that has run dist/bundle/main.cjs, what V8 has compiled of
 * it is written beside it, in the form and under the name that `loadBundle` expects.
 */
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { basename, dirname, join } = require('node:path');
const { Buffer } = require('node:buffer');
const process = require('node:process');
const vm = require('node:vm');
const { isMainThread } = require('node:worker_threads');
const { crc32 } = require('node:zlib');

function write(script, bundle) {
  const name = process.argv[2] === 'worker' ? 'worker' : 'coordinator';
  const path = join(dirname(bundle), `${name}.cache`);
  const cache = script.createCachedData();
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(cache, crc32(readFileSync(bundle))));
  // Workers end at the same time.
  writeFileSync(`${path}.${process.pid}`, Buffer.concat([cache, checksum]));
  renameSync(`${path}.${process.pid}`, path);
}

vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    if (isMainThread && basename(options.filename) === 'main.cjs') {
      process.once('exit', () => write(this, options.filename));
    }
  }
};
syncBuiltinESMExports();
