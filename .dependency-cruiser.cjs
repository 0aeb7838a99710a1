/**
 * The direction of dependencies. Each folder of src may import only what stands to its right here:
 *
 *   cli, bench → coordinator, worker, report, search → transport → rpc, observe, page, state, job → gradients → data, nn, optim, collective → protocol → reduce, scores → kernels → common
 */
const only = (from, allowed) => ({
  name: `${from.replaceAll('/', '-')}-imports`,
  severity: 'error',
  from: { path: `^${from}/` },
  to: { path: '^(src|coordinator|worker|bench|test)/', pathNot: [from, ...allowed].map((folder) => `^${folder}/`) },
});

const src = (...folders) => folders.map((folder) => `src/${folder}`);

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: { path: '^(src|coordinator|worker)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    {
      name: 'network-and-logging-stay-at-the-rim',
      severity: 'error',
      from: {
        path: '^src/(common|kernels|nn|optim|gradients|scores|data|reduce|collective|protocol|job|state|search)/',
      },
      to: { path: 'node_modules/(@grpc|pino|prom-client|hono|@hono)' },
    },
    only('src/common', []),
    only('src/kernels', src('common')),
    only('src/reduce', src('common')),
    only('src/data', src('common', 'kernels', 'job')),
    only('src/job', src('common')),
    only('src/nn', src('common', 'kernels', 'reduce', 'job')),
    only('src/optim', src('common', 'kernels', 'job')),
    only('src/gradients', src('common', 'kernels', 'reduce', 'job', 'nn', 'optim')),
    only('src/scores', []),
    only('src/protocol', src('common', 'reduce', 'job', 'scores')),
    only('src/collective', src('common', 'kernels', 'protocol', 'reduce')),
    only('src/state', src('common', 'job', 'scores')),
    only('src/rpc', src('common', 'protocol', 'reduce', 'job', 'scores')),
    only('src/transport', src('kernels', 'common', 'protocol', 'reduce', 'rpc', 'job')),
    only('src/observe', src('common', 'scores')),
    only('src/page', src('common')),
    only('src/search', src('common', 'job', 'page', 'state')),
    only('src/report', src('common', 'job', 'page', 'state')),
    only('coordinator', ['src']),
    only('worker', ['src']),
    {
      name: 'cli-is-the-top',
      severity: 'error',
      from: { pathNot: '^(src/(cli|bench)|test|bench)/' },
      to: { path: '^src/(cli|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|src/kernels/wasm/assembly)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default', 'types'], exportsFields: ['exports'] },
  },
};
