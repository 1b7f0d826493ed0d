/** What a router is asked for a port with, and what it answers: NAT-PMP, RFC 6886, section 3. TCP alone. */

/** A byte of version, one of what is asked; answers have the highest bit of that set, a result and the seconds since the router began. */
const version = 0;
const externalAddress = 0;
const mapTcp = 2;
const answerBit = 0x80;

export type PmpRequest =
  | { readonly kind: 'external-address' }
  /** `lifetimeS` 0 gives the port back; the router chooses another one where `externalPort` is taken. */
  | {
      readonly kind: 'map';
      readonly internalPort: number;
      readonly externalPort: number;
      readonly lifetimeS: number;
    };

export type PmpAnswer =
  | { readonly kind: 'external-address'; readonly address: string }
  | {
      readonly kind: 'map';
      readonly internalPort: number;
      readonly externalPort: number;
      readonly lifetimeS: number;
    }
  /** By the number that the router gives as its reason. */
  | { readonly kind: 'refused'; readonly result: number };

export function encodePmpRequest(request: PmpRequest): Uint8Array {
  if (request.kind === 'external-address') return Uint8Array.of(version, externalAddress);
  const bytes = new DataView(new ArrayBuffer(12));
  bytes.setUint8(1, mapTcp);
  bytes.setUint16(4, request.internalPort);
  bytes.setUint16(6, request.externalPort);
  bytes.setUint32(8, request.lifetimeS);
  return new Uint8Array(bytes.buffer);
}

/** Null for what answers another request, or none. */
export function decodePmpAnswer(bytes: Uint8Array, request: PmpRequest): PmpAnswer | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const asked = request.kind === 'map' ? mapTcp : externalAddress;
  if (bytes.length < 8 || bytes[0] !== version || bytes[1] !== (asked | answerBit)) return null;
  const result = view.getUint16(2);
  if (result !== 0) return { kind: 'refused', result };
  if (request.kind === 'external-address')
    return bytes.length === 12 ? { kind: request.kind, address: bytes.subarray(8, 12).join('.') } : null;
  if (bytes.length !== 16 || view.getUint16(8) !== request.internalPort) return null;
  return {
    kind: 'map',
    internalPort: request.internalPort,
    externalPort: view.getUint16(10),
    lifetimeS: Math.min(view.getUint32(12), request.lifetimeS),
  };
}
