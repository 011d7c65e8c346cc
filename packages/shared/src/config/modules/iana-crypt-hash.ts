import { stringOf } from '../yang/types.js';

/** `$0$` in clear text, `$1$` MD5, `$5$` SHA-256 and `$6$` SHA-512. As libyang has it, any Unicode digit may count rounds. */
const pattern =
  /^(?:\$0\$[^\n]*|\$1\$[a-zA-Z0-9./]{1,8}\$[a-zA-Z0-9./]{22}|\$5\$(?:rounds=\p{Nd}+\$)?[a-zA-Z0-9./]{1,16}\$[a-zA-Z0-9./]{43}|\$6\$(?:rounds=\p{Nd}+\$)?[a-zA-Z0-9./]{1,16}\$[a-zA-Z0-9./]{86})$/u;

/** `ianach:crypt-hash`. */
export const cryptHash = stringOf(
  'ianach:crypt-hash',
  'a password hash of crypt(3), $5$… or $6$…, or $0$ and the password itself',
  (text) => pattern.test(text),
);
