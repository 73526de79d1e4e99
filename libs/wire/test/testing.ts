export { decodeMessage } from '../src/frame.ts';
export { unsignedKeyring } from './unsigned-keyring.ts';
