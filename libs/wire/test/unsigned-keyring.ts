import { Keyring } from '../src/keyring.ts';

/** As without `bus.key`: nothing is signed, everything is accepted. */
export const unsignedKeyring = (queue = 'main') => new Keyring(queue, { keys: [], acceptUnsigned: false });
