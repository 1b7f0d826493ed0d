/**
 * The compiled vector kernels and the memory that they work on. Vectors live in the JavaScript heap, which WebAssembly cannot
 * reach: blocks of them are copied in and out. A block stays in the cache between the copy and the kernel, so that memory
 * sees the traffic of the plain operation.
 */
import { wasmBase64 } from './generated/vector.ts';
import { instantiateKernels } from './instantiate.ts';

/** What the module exports, addresses as numbers; the sources in `assembly/vector` say what each function computes. */
export interface VectorExports {
  axpy(y: number, x: number, a: number, n: number): void;
  addSquares(lanes: number, x: number, n: number): void;
  largestKey(x: number, n: number): number;
  decayAndAdd(r: number, start: number, end: number, decay: number, n: number): void;
  scaleTo32(y: number, x: number, factor: number, n: number): void;
  selectLargest(
    x: number,
    n: number,
    k: number,
    base: number,
    indices: number,
    signs: number,
    keys: number,
    places: number,
  ): number;
  riceEncode(
    state: number,
    indices: number,
    signs: number,
    count: number,
    start: number,
    end: number,
    riceBits: number,
  ): number;
  riceDecode(
    state: number,
    bytes: number,
    bitsEnd: number,
    indices: number,
    signs: number,
    count: number,
    start: number,
    end: number,
    riceBits: number,
  ): number;
  evenCodes(codes: number, x: number, n: number, levels: number): number;
  signCodes(codes: number, x: number, n: number, lanes: number): number;
  pairCodes(codes: number, x: number, n: number, threshold: number, lanes: number): number;
  addEven(y: number, codes: number, n: number, factor: number): void;
  addLevels(y: number, codes: number, n: number, table: number): void;
  pack4(packed: number, codes: number, n: number): void;
  pack2(packed: number, codes: number, n: number): void;
  pack1(packed: number, codes: number, n: number): void;
  unpack4(codes: number, packed: number, n: number): void;
  unpack2(codes: number, packed: number, n: number): void;
  unpack1(codes: number, packed: number, n: number): void;
}

/** Elements of the longest block. */
export const blockMax = 65536;
/** Elements of a block of the dense passes: two of them stay in the first-level cache. */
export const denseBlock = 4096;

/** Kernels write up to 64 bytes behind a block. */
const slackBytes = 128;
const pageBytes = 65536;

interface Region<View> {
  readonly address: number;
  readonly view: View;
}

class Layout {
  private bytes = 0;
  readonly take = (bytes: number): number => {
    const address = this.bytes;
    this.bytes += bytes + slackBytes;
    return address;
  };
  get pages(): number {
    return Math.ceil(this.bytes / pageBytes);
  }
}

/** One block of each kind, at fixed places. */
export class VectorMemory {
  readonly kernels: VectorExports;
  /** Up to three float32 blocks. */
  readonly blocks: readonly [Region<Float32Array>, Region<Float32Array>, Region<Float32Array>];
  readonly wide: Region<Float64Array>;
  readonly indices: Region<Uint32Array>;
  readonly signs: Region<Int8Array>;
  readonly codes: Region<Int8Array>;
  readonly packed: Region<Uint8Array>;
  /** Eight float64 of partial sums. */
  readonly lanes: Region<Float64Array>;
  /** The state of the Rice coder: a uint32, a uint32 and a uint64 in two words. */
  readonly coder: Region<Uint32Array>;
  /** What the codes 0 to 3 stand for. */
  readonly levels: Region<Float32Array>;
  /** Addresses of scratch memory of a selection. */
  readonly keys: number;
  readonly places: number;

  constructor() {
    const layout = new Layout();
    const floats = [0, 1, 2].map(() => layout.take(4 * blockMax)) as [number, number, number];
    const wide = layout.take(8 * blockMax);
    const indices = layout.take(4 * blockMax);
    const [signs, codes, packed] = [layout.take(blockMax), layout.take(blockMax), layout.take(blockMax)];
    this.keys = layout.take(4 * blockMax);
    this.places = layout.take(4 * blockMax);
    const [lanes, coder, levels] = [layout.take(64), layout.take(16), layout.take(16)];
    const memory = new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages });
    const { buffer } = memory;
    this.kernels = instantiateKernels<VectorExports>(wasmBase64, memory);
    const float = (address: number) => ({ address, view: new Float32Array(buffer, address, blockMax) });
    this.blocks = [float(floats[0]), float(floats[1]), float(floats[2])];
    this.wide = { address: wide, view: new Float64Array(buffer, wide, blockMax) };
    this.indices = { address: indices, view: new Uint32Array(buffer, indices, blockMax) };
    this.signs = { address: signs, view: new Int8Array(buffer, signs, blockMax) };
    this.codes = { address: codes, view: new Int8Array(buffer, codes, blockMax) };
    this.packed = { address: packed, view: new Uint8Array(buffer, packed, blockMax) };
    this.lanes = { address: lanes, view: new Float64Array(buffer, lanes, 8) };
    this.coder = { address: coder, view: new Uint32Array(buffer, coder, 4) };
    this.levels = { address: levels, view: new Float32Array(buffer, levels, 4) };
  }
}

let shared: VectorMemory | null = null;

/** The memory of this thread: what a call left in it is overwritten by the next one. */
export function vectorMemory(): VectorMemory {
  shared ??= new VectorMemory();
  return shared;
}
