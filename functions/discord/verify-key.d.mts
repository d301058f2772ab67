/**
 * Ed25519 over the timestamp and the body. False also when something is malformed.
 *
 * @param signature hexadecimal
 * @param publicKey hexadecimal
 */
export declare function verifyKey(
  body: Uint8Array<ArrayBuffer>,
  signature: string,
  timestamp: string,
  publicKey: string,
): Promise<boolean>;
