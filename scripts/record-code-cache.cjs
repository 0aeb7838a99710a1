/**
 * Loaded ahead of everything else (`node --require`): when a process ends that has run dist/bundle/main.cjs, what V8 has compiled of
 * it is written beside it, under the name that `loadBundle` is told.
 */
const { renameSync, writeFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { basename, dirname, join } = require('node:path');
const process = require('node:process');
const vm = require('node:vm');
const { isMainThread } = require('node:worker_threads');

vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    if (!isMainThread || basename(options.filename) !== 'main.cjs') return;
    process.once('exit', () => {
      const name = process.argv[2] === 'worker' ? 'worker' : 'coordinator';
      const path = join(dirname(options.filename), `${name}.cache`);
      // Workers end at the same time.
      writeFileSync(`${path}.${process.pid}`, this.createCachedData());
      renameSync(`${path}.${process.pid}`, path);
    });
  }
};
syncBuiltinESMExports();
