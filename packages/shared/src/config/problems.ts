import { CallhomeError, reasonOf } from '../errors.js';
import { checkPublicKey, readKeyPair } from './ietf-crypto-types.js';
import type { Keystore } from './ietf-keystore.js';
import type { Truststore } from './ietf-truststore.js';
import { keyPredicate } from './yang-list.js';

/** What is wrong with a document beyond its schema, collected so that all of it is told. */
export interface Problems {
  /** Reads what `read` reads; what it throws becomes a problem at `path`, and so does a reference to nothing. */
  collect<T>(path: string, read: () => T | undefined): T[];
  add(path: string, problem: string): void;
  /** @throws CALLHOME_CONFIG_INVALID when there is any */
  throwAny(): void;
}

export function createProblems(file: string): Problems {
  const problems: string[] = [];
  const add = (path: string, problem: string): void => void problems.push(`${file}: ${path}: ${problem}`);
  return {
    add,
    collect(path, read) {
      try {
        const value = read();
        if (value !== undefined) return [value];
        add(path, 'refers to an entry that does not exist');
      } catch (error) {
        add(path, reasonOf(error));
      }
      return [];
    },
    throwAny() {
      if (problems.length > 0) throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems });
    },
  };
}

/** Checks every key of a document, those too that nothing refers to. */
export function checkKeys(
  problems: Problems,
  keystore: Keystore | undefined,
  truststore: Truststore | undefined,
): void {
  for (const key of keystore?.['asymmetric-keys']['asymmetric-key'] ?? []) {
    const path = `/ietf-keystore:keystore/asymmetric-keys/asymmetric-key${keyPredicate(key.name)}`;
    problems.collect(path, () => readKeyPair(key, 'the key'));
  }
  for (const bag of truststore?.['public-key-bags']['public-key-bag'] ?? []) {
    for (const key of bag['public-key']) {
      const path = `/ietf-truststore:truststore/public-key-bags/public-key-bag${keyPredicate(bag.name)}/public-key${keyPredicate(key.name)}`;
      problems.collect(path, () => {
        checkPublicKey(key, 'the key');
        return key;
      });
    }
  }
}
