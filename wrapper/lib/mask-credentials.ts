/** The user name and password before the host, and the values of query parameters that are named like a credential. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#'"]*@/gi;
const PARAMETER = /([?&;][^\s=&;'"]*(?:token|key|secret|passw|auth|signature|credential)[^\s=&;'"]*=)[^\s&;'"#]+/gi;

/** The text with everything masked that looks like a credential in a URL. */
export function maskCredentials(text: string): string {
  return text.replaceAll(USER_INFO, '$1***@').replaceAll(PARAMETER, '$1***');
}
