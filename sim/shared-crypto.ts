import type { Crypto } from '../src/core/crypto.ts';
import { digestOf } from './digest.ts';

/**
 * Checks every distinct signature once for all virtual peers. Verification is a pure function of its
 * arguments, so no peer can tell; the arguments are compared by their SHA-256. Of `verdictsMax` verdicts the
 * oldest is forgotten first.
 */
export function sharedCrypto(crypto: Crypto, verdictsMax: number): Crypto {
  const verdicts = new Map<string, boolean>();
  return {
    ...crypto,
    verify(key, signature, message) {
      const question = digestOf(Buffer.from(key), signature, message);
      const known = verdicts.get(question);
      if (known !== undefined) return known;
      const verdict = crypto.verify(key, signature, message);
      if (verdicts.size >= verdictsMax) {
        for (const oldest of verdicts.keys()) {
          verdicts.delete(oldest);
          break;
        }
      }
      verdicts.set(question, verdict);
      return verdict;
    },
  };
}
