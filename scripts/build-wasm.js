/**
 * Compiles the WASM kernels: src/kernels/wasm/assembly/index.ts → dist/kernels.wasm.
 *
 * The module imports its memory, which is the arena. It must hold no data segments: each thread instantiates it on the
 * memory they share, and a segment would be written anew under threads that are already computing. What the compiler
 * itself might place lies below RESERVED_BYTES, which the arena leaves free.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, 'dist', 'kernels.wasm');

/** Reads an unsigned LEB128 number of the WebAssembly binary format. */
function readUnsigned(bytes, position) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[position.at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
}

/** The number of data segments: section 11 of the module holds their count first. */
function countDataSegments(bytes) {
  const position = { at: 8 };
  while (position.at < bytes.length) {
    const id = bytes[position.at++];
    const size = readUnsigned(bytes, position);
    if (id === 11) return readUnsigned(bytes, position);
    position.at += size;
  }
  return 0;
}

async function compile() {
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      'src/kernels/wasm/assembly/index.ts',
      ...['--outFile', 'kernels.wasm'],
      ...['-O3', '--noAssert', '--runtime', 'stub'],
      ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
      ...['--memoryBase', '1024', '--enable', 'simd,threads'],
    ],
    {
      baseDir: root,
      readFile: (name, base) => readFile(join(base, name), 'utf8').catch(() => null),
      writeFile: (name, contents) => files.set(name, contents),
    },
  );
  if (error) throw new Error(`the WASM kernels do not compile:\n${stderr.toString()}`);
  return files.get('kernels.wasm');
}

const wasm = await compile();
const segments = countDataSegments(wasm);
if (segments > 0) throw new Error(`the WASM kernels have ${segments} data segments; keep tables out of the assembly`);
await mkdir(dirname(output), { recursive: true });
await writeFile(output, wasm);
console.log(`dist/kernels.wasm: ${wasm.length} bytes`);
